//! Bodies of a PUT: which are understood, and what is said of the others, in the order of contract §5.

use proptest::prelude::*;

use super::*;
use crate::message::Method;

fn request(content_types: &[&str], body: &[u8]) -> Request {
    Request {
        method: Method::Put,
        path: Vec::new(),
        query: Vec::new(),
        content_types: content_types.iter().map(|value| (*value).to_owned()).collect(),
        body: body.to_vec(),
    }
}

fn read(url_name: &str, body: &[u8]) -> Result<UnitOrder, (u16, String)> {
    let json = request(&["application/json"], body);
    UnitOrder::read(url_name, &json).map_err(|failure| (failure.status.code(), failure.message))
}

fn refusal(url_name: &str, body: &str) -> (u16, String) {
    read(url_name, body.as_bytes()).unwrap_err()
}

#[test]
fn one_content_type_and_it_is_json() {
    let types = |types: &[&str]| {
        UnitOrder::read("a.service", &request(types, b"{}"))
            .map(|_| ())
            .map_err(|f| (f.status.code(), f.message))
    };
    assert_eq!(types(&["application/json"]), Ok(()));
    assert_eq!(types(&["Application/JSON ; charset=utf-8"]), Ok(()));
    let other = Err((415, "only acceptable Content-Type is application/json".to_owned()));
    assert_eq!(types(&["application/x-www-form-urlencoded"]), other);
    assert_eq!(types(&["application/jsonx"]), other);
    assert_eq!(types(&[]), Err((415, "expected 1 Content-Type, got 0".to_owned())));
    let twice = ["application/json", "application/json"];
    assert_eq!(types(&twice), Err((415, "expected 1 Content-Type, got 2".to_owned())));
}

#[test]
fn an_order_is_read_with_all_its_parts() {
    let body = br#"{"desiredState":"launched","options":[{"section":"Service","name":"ExecStart","value":"/bin/sleep 9"}],
        "currentState":"inactive","machineID":"x"}"#;
    let option =
        UnitOption { section: "Service".into(), name: "ExecStart".into(), value: "/bin/sleep 9".into() };
    assert_eq!(
        read("a.service", body),
        Ok(UnitOrder {
            name: UnitName::parse("a.service").unwrap(),
            options: vec![option],
            desired: Some(TargetState::Launched)
        })
    );
    let nothing = read("a.service", br#"{"name":"a.service","options":null,"desiredState":null}"#).unwrap();
    assert_eq!((nothing.options.len(), nothing.desired), (0, None));
    assert_eq!(read("a.service", br#"{"name":"","desiredState":""}"#), Ok(nothing));
}

#[test]
fn names_are_checked_before_states() {
    let differs = r#"name in URL "a.service" differs from unit name in request body "b.service""#;
    assert_eq!(refusal("a.service", r#"{"name":"b.service","desiredState":"x"}"#), (400, differs.into()));
    assert_eq!(refusal("a.foo", r#"{"desiredState":"x"}"#), (400, "invalid unit type: \"foo\"".into()));
    assert_eq!(refusal("etc passwd.service", "{}").0, 400);
    let state = r#"invalid desiredState "running": expect inactive, loaded or launched"#;
    assert_eq!(refusal("a.service", r#"{"desiredState":"running"}"#), (400, state.into()));
    let long = refusal("a.service", &format!(r#"{{"name":"{}.service"}}"#, "x".repeat(100_000)));
    assert!(long.0 == 400 && long.1.len() < 1000, "{long:?}");
}

#[test]
fn hostile_bodies_are_bad_requests() {
    let deep = "[".repeat(100_000);
    let deep_value = format!(r#"{{"options":{}1{}}}"#, "[".repeat(500), "]".repeat(500));
    let bodies: [&[u8]; 15] = [
        b"",
        b"null",
        b"[]",
        b"\"a\"",
        b"{",
        b"{}x",
        b"{\"name\":1}",
        b"{\"options\":{}}",
        b"{\"options\":[1]}",
        b"{\"options\":[{\"name\":[]}]}",
        b"{\"desiredState\":3}",
        b"{\"name\":\"\xff\"}",
        b"{\"name\":\"\\ud83d\"}",
        deep.as_bytes(),
        deep_value.as_bytes(),
    ];
    for body in bodies {
        let (status, message) = read("a.service", body).unwrap_err();
        let shown = String::from_utf8_lossy(body).chars().take(40).collect::<String>();
        assert_eq!(status, 400, "{shown}");
        assert!(message.starts_with("unable to decode body: ") && message.len() < 600, "{shown}: {message}");
    }
}

#[test]
fn hostile_options_are_bad_requests() {
    let file = |options: &str| {
        let body = format!(r#"{{"options":[{options}]}}"#);
        let order = read("a.service", body.as_bytes()).unwrap();
        order.file().map(|file| file.serialise()).map_err(|error| Failure::from(error).status.code())
    };
    assert_eq!(file(r#"{"section":"Unit","name":"A","value":"b"}"#), Ok("[Unit]\nA=b\n".into()));
    assert_eq!(
        file(r#"{"section":"Unit","name":"A","value":"b\n[Service]\nExecStart=/bin/evil"}"#),
        Err(400)
    );
    assert_eq!(file(r#"{"section":"Unit]\n[Service","name":"A","value":"b"}"#), Err(400));
    assert_eq!(file(r#"{"section":"Unit","name":"A=b\nC","value":"d"}"#), Err(400));
    assert_eq!(file(r#"{"section":"Unit","name":"A","value":"b\u0000"}"#), Err(400));
    assert_eq!(file(r#"{"section":"X-Fleet","name":"MachineMetadata","value":"a=b c=d"}"#), Err(400));
    let global_with_id = r#"{"section":"X-Fleet","name":"Global","value":"true"},
        {"section":"X-Fleet","name":"MachineID","value":"x"}"#;
    assert_eq!(file(global_with_id), Err(400));
    assert_eq!(
        file(&format!(r#"{{"section":"Unit","name":"A","value":"{}"}}"#, "x".repeat(70_000))),
        Err(400)
    );
}

proptest! {
    #[test]
    fn any_bytes_are_an_order_or_a_bad_request(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Err((status, _)) = read("a.service", &body) {
            prop_assert_eq!(status, 400);
        }
    }

    #[test]
    fn json_of_any_shape_is_an_order_or_a_bad_request(
        field in "name|options|desiredState|other",
        value in r#"null|true|-?[0-9]{1,30}|"[a-z.@\\]{0,9}"|\[\]|\{\}|\[\{"(name|value)":("x"|1|null)\}\]"#,
    ) {
        let body = format!(r#"{{"{field}":{value}}}"#);
        match read("a.service", body.as_bytes()) {
            Ok(order) => drop(order.file()),
            Err((status, _)) => prop_assert_eq!(status, 400),
        }
    }
}
