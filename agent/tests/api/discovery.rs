//! A client that knows nothing but the discovery document: it reads the description, makes each request from that alone,
//! and takes each answer apart by the schema named for it.

use agent::http::Method;
use cluster::json;
use cluster::sorted::Map;
use cluster::state::Order;
use serde::Deserialize;

use super::fleet::{Fleet, SLEEP, request};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    base_path: String,
    schemas: Map<String, Schema>,
    resources: Map<String, Resource>,
}

#[derive(Deserialize)]
struct Schema {
    properties: Map<String, Property>,
}

#[derive(Deserialize)]
struct Property {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default, rename = "enum")]
    values: Vec<String>,
    items: Option<Reference>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(rename = "$ref")]
    name: String,
}

#[derive(Deserialize)]
struct Resource {
    methods: Map<String, Call>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Call {
    id: String,
    http_method: String,
    path: String,
    #[serde(default)]
    parameters: Map<String, Parameter>,
    request: Option<Reference>,
    response: Option<Reference>,
}

#[derive(Deserialize)]
struct Parameter {
    location: String,
    #[serde(default)]
    required: bool,
}

/// A client made from the document.
struct Client<'f> {
    fleet: &'f Fleet,
    document: Document,
}

impl<'f> Client<'f> {
    fn of(fleet: &'f Fleet) -> Self {
        let (status, text) = fleet.get("discovery");
        assert_eq!(status, 200);
        Self { fleet, document: json::decode(text.as_bytes()).unwrap() }
    }

    fn method(&self, id: &str) -> &Call {
        let mut all = self.document.resources.values().flat_map(|resource| resource.methods.values());
        all.find(|call| call.id == id).unwrap_or_else(|| panic!("no {id}"))
    }

    /// Calls a method with these parameters, and a body where it takes one.
    fn call(&self, id: &str, values: &[(&str, &str)], body: &str) -> String {
        let call = self.method(id);
        let (mut path, mut query) = (call.path.clone(), Vec::new());
        for (name, parameter) in &call.parameters {
            let value = values.iter().find(|(given, _)| given == name).map(|(_, value)| *value);
            match (parameter.location.as_str(), value) {
                ("path", Some(value)) => path = path.replace(&format!("{{{name}}}"), value),
                ("query", Some(value)) => query.push(format!("{name}={value}")),
                _ => assert!(!parameter.required, "{id} needs {name}"),
            }
        }
        let target = format!("{}{path}?{}", self.document.base_path.trim_start_matches('/'), query.join("&"));
        let method = match call.http_method.as_str() {
            "GET" => Method::Get,
            "PUT" => Method::Put,
            "DELETE" => Method::Delete,
            other => panic!("{id}: {other}"),
        };
        let types: &[&str] = if call.request.is_some() { &["application/json"] } else { &[] };
        let (status, text) = smol::block_on(self.fleet.agent.answer(request(method, &target, types, body)));
        assert!((200..300).contains(&status), "{id}: {status} {text}");
        match &call.response {
            Some(schema) => self.check(&schema.name, &text),
            None => assert_eq!(text, "", "{id}"),
        }
        text
    }

    /// Every field of the schema that is there has its type, and lists hold what they say.
    fn check(&self, schema: &str, text: &str) {
        let schema = self.document.schemas.get(schema).unwrap_or_else(|| panic!("no schema {schema}"));
        for (name, property) in &schema.properties {
            let Some(value) = text.split_once(&format!("\"{name}\":")).map(|(_, rest)| rest) else {
                continue;
            };
            let begins = match property.kind.as_str() {
                "string" => '"',
                "array" => '[',
                "object" => '{',
                other => panic!("{name}: {other}"),
            };
            assert!(value.starts_with(begins), "{name} is no {}: {text}", property.kind);
            if !property.values.is_empty() {
                let word = value[1..].split('"').next().unwrap();
                assert!(property.values.iter().any(|value| value == word), "{name}: {word}");
            }
            if let Some(items) = &property.items {
                self.check(&items.name, value);
            }
        }
    }
}

#[test]
fn the_document_is_enough_to_drive_every_method() {
    let fleet = Fleet::start();
    let session = fleet.register("m1");
    let client = Client::of(&fleet);
    let unit = [("unitName", "web@1.service")];
    // The schema of a unit says what may be asked for.
    let states = &client.document.schemas.get("Unit").unwrap().properties.get("desiredState").unwrap().values;
    assert_eq!(*states, ["inactive", "loaded", "launched"]);
    let body = format!(r#"{{"name":"web@1.service","desiredState":"{}","options":{SLEEP}}}"#, states[2]);
    client.call("fleet.Unit.Set", &unit, &body);
    let incarnation = fleet.incarnation("web@1.service");
    fleet.place("web@1.service", "m1", incarnation);
    fleet.report("web@1.service", "m1", session, incarnation, Order::Launched);
    let one = client.call("fleet.Unit.Get", &unit, "");
    assert!(one.contains(r#""currentState":"launched""#), "{one}");
    assert!(client.call("fleet.Unit.List", &[], "").contains("web@1.service"));
    assert_eq!(client.call("fleet.Unit.List", &[("nextPageToken", "ZAACAA==")], ""), "{}");
    assert!(client.call("fleet.Machine.List", &[], "").contains("\"m1\""));
    assert!(client.call("fleet.UnitState.Get", &unit, "").contains("running"));
    let rows = client.call("fleet.UnitState.List", &[("unitName", "web@1.service"), ("machineID", "m1")], "");
    assert!(rows.contains("running"), "{rows}");
    assert_eq!(client.call("fleet.UnitState.List", &[("machineID", "m2")], ""), "{}");
    client.call("fleet.Unit.Delete", &unit, "");
    assert_eq!(fleet.get("units/web@1.service").0, 404);
    // Nothing the document describes was left out here.
    let all: usize = client.document.resources.values().map(|resource| resource.methods.len()).sum();
    assert_eq!(all, 7);
}
