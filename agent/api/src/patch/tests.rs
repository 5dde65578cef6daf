//! Bodies of a PATCH: every shape clients send, and what is said of the rest.

use proptest::prelude::*;

use super::*;

fn changes(body: &str) -> Result<Vec<(String, String, String)>, String> {
    read(body.as_bytes())
        .map(|changes| changes.into_iter().map(|c| (c.machine.to_string(), c.key, c.value)).collect())
        .map_err(|failure| {
            assert_eq!(failure.status.code(), 400);
            failure.message
        })
}

fn change(operation: &str) -> Result<Vec<(String, String, String)>, String> {
    changes(&format!("[{operation}]"))
}

#[test]
fn a_value_comes_in_three_shapes() {
    let expected = Ok(vec![("m1".to_owned(), "region".to_owned(), "us-west".to_owned())]);
    for value in [
        r#""value":"us-west""#,
        r#""value":{"value":"us-west"}"#,
        r#""Value":{"value":"us-west"}"#,
        r#""value":{"Value":"us-\u0077est","other":[1,{"a":null}]}"#,
        r#""value":null,"VALUE":"us-west","from":"x""#,
    ] {
        let operation = format!(r#"{{"op":"add","path":"/m1/metadata/region",{value}}}"#);
        assert_eq!(change(&operation), expected, "{value}");
    }
}

/// Each operation is a write and each machine a read: a body full of them would keep the registry busy for minutes.
#[test]
fn more_operations_than_one_request_may_have_are_refused() {
    let operation = |number: usize| format!(r#"{{"op":"remove","path":"/m{number}/metadata/a"}}"#);
    let body = |count: usize| format!("[{}]", (0..count).map(operation).collect::<Vec<_>>().join(","));
    assert_eq!(changes(&body(API_PATCH_OPERATIONS_MAX)).map(|changes| changes.len()), Ok(1024));
    let refused = changes(&body(API_PATCH_OPERATIONS_MAX + 1));
    assert_eq!(refused, Err("too many operations: expect at most 1024".to_owned()));
}

#[test]
fn operations_keep_their_order_and_remove_leaves_an_empty_value() {
    let body = r#"[{"op":"add","path":"/a/metadata/k","value":"1"},
        {"Op":"replace","Path":"/b-c/metadata/_x.y","Value":"2"},{"op":"remove","path":"/a/metadata/k","value":"ignored"}]"#;
    let text = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
    assert_eq!(changes(body), Ok(vec![text("a", "k", "1"), text("b-c", "_x.y", "2"), text("a", "k", "")]));
    assert_eq!(changes("[]"), Ok(Vec::new()));
}

#[test]
fn what_is_wrong_is_said_in_the_api_s_words() {
    let op = "invalid op: expect add, remove, or replace";
    let path = "machine metadata path invalid";
    let value = "invalid value: add and replace require a value";
    let cases = [
        ("{}", op),
        (r#"{"op":"move","path":"/a/metadata/k"}"#, op),
        (r#"{"op":"add","value":"x"}"#, path),
        (r#"{"op":"add","path":"/a/metadata/","value":"x"}"#, path),
        (r#"{"op":"add","path":"a/metadata/k","value":"x"}"#, path),
        (r#"{"op":"add","path":"/a/metadata/k/l","value":"x"}"#, path),
        (r#"{"op":"add","path":"/a/b/metadata/k","value":"x"}"#, path),
        (r#"{"op":"remove","path":"/../metadata/k"}"#, path),
        (r#"{"op":"add","path":"/a/metadata/k l","value":"x"}"#, path),
        (r#"{"op":"add","path":"/a/metadata/k"}"#, value),
        (r#"{"op":"replace","path":"/a/metadata/k","value":""}"#, value),
        (r#"{"op":"add","path":"/a/metadata/k","value":7}"#, value),
        (r#"{"op":"add","path":"/a/metadata/k","value":["x"]}"#, value),
        (r#"{"op":"add","path":"/a/metadata/k","value":{"other":"x"}}"#, value),
    ];
    for (operation, message) in cases {
        assert_eq!(change(operation), Err(message.to_owned()), "{operation}");
    }
    for value in ["x".repeat(257), "a\\nb".to_owned()] {
        let operation = format!(r#"{{"op":"add","path":"/a/metadata/k","value":"{value}"}}"#);
        assert!(change(&operation).unwrap_err().starts_with("invalid value: expect at most 256 bytes"));
    }
    let key = "k".repeat(129);
    assert_eq!(change(&format!(r#"{{"op":"remove","path":"/a/metadata/{key}"}}"#)), Err(path.to_owned()));
}

#[test]
fn one_bad_operation_spoils_them_all() {
    let body = r#"[{"op":"add","path":"/a/metadata/k","value":"1"},{"op":"fly"}]"#;
    assert!(changes(body).is_err());
}

#[test]
fn hostile_bodies_are_bad_requests() {
    let deep =
        format!(r#"[{{"op":"add","path":"/a/metadata/k","value":{}1{}}}]"#, "[".repeat(999), "]".repeat(999));
    for body in ["", "{}", "null", "[", "[1]", "[[]]", r#"[{"op":1}]"#, r#"[{"op":"add"}"#, &deep] {
        let message = changes(body).unwrap_err();
        assert!(message.starts_with("unable to decode body: "), "{body}: {message}");
    }
    assert_eq!(read(b"[{\"op\":\"\xff\"}]").unwrap_err().status.code(), 400);
}

proptest! {
    #[test]
    fn any_bytes_are_changes_or_a_bad_request(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Err(failure) = read(&body) {
            prop_assert_eq!(failure.status.code(), 400);
        }
    }

    #[test]
    fn any_value_is_a_change_or_a_bad_request(
        value in r#"null|false|-?[0-9]{1,20}(\.5e9)?|"[a-z\\"/]{0,9}"|\[(1|\[\])*\]|\{("(value|Value|x)":("x"|1|\{\}))?\}"#,
    ) {
        let body = format!(r#"[{{"op":"add","path":"/a/metadata/k","value":{value}}}]"#);
        if let Err(failure) = read(body.as_bytes()) {
            prop_assert_eq!(failure.status.code(), 400);
        }
    }
}
