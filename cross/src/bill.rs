//! The bill of materials: what is linked into the binaries, as a CycloneDX 1.5 document. It has no serial number and no
//! date, so that two builds of one commit write the same bytes.

use crate::json::Json;
use crate::linked::Linked;

/// The document for a release of `version`.
#[must_use]
pub fn of_materials(version: &str, rust: &str, linked: &[Linked]) -> String {
    let mut components: Vec<Json> = linked.iter().filter(|one| !one.ours).map(component).collect();
    components.push(given("rust-std", rust, "MIT OR Apache-2.0"));
    components.push(given("musl", "as in ziglang", "MIT"));
    let application = Json::Object(vec![
        ("type", Json::text("application")),
        ("bom-ref", Json::text("skiff")),
        ("name", Json::text("skiff")),
        ("version", Json::text(version)),
        ("licenses", expression("Apache-2.0")),
    ]);
    Json::Object(vec![
        ("bomFormat", Json::text("CycloneDX")),
        ("specVersion", Json::text("1.5")),
        ("version", Json::Number(1)),
        ("metadata", Json::Object(vec![("component", application)])),
        ("components", Json::List(components)),
    ])
    .document()
}

fn component(one: &Linked) -> Json {
    let address = format!("pkg:cargo/{}@{}", one.name, one.version);
    let mut members = vec![
        ("type", Json::text("library")),
        ("bom-ref", Json::text(address.clone())),
        ("name", Json::text(one.name.clone())),
        ("version", Json::text(one.version.clone())),
        ("licenses", expression(&one.licence)),
        ("purl", Json::text(address)),
    ];
    if let Some(sum) = &one.checksum {
        let hash = Json::Object(vec![("alg", Json::text("SHA-256")), ("content", Json::text(sum.clone()))]);
        members.push(("hashes", Json::List(vec![hash])));
    }
    Json::Object(members)
}

fn given(name: &str, version: &str, licence: &str) -> Json {
    Json::Object(vec![
        ("type", Json::text("library")),
        ("bom-ref", Json::text(name)),
        ("name", Json::text(name)),
        ("version", Json::text(version)),
        ("licenses", expression(licence)),
    ])
}

fn expression(licence: &str) -> Json {
    Json::List(vec![Json::Object(vec![("expression", Json::text(licence))])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_crates_are_the_application_and_no_component() {
        let one = |name: &str, ours, checksum: Option<&str>| Linked {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            licence: "MIT".to_owned(),
            checksum: checksum.map(str::to_owned),
            ours,
        };
        let bill = of_materials("0.1.0", "1.95.0", &[one("agent", true, None), one("a", false, Some("abc"))]);
        assert!(bill.contains("\"purl\": \"pkg:cargo/a@1.0.0\"") && bill.contains("\"content\": \"abc\""));
        assert!(
            !bill.contains("pkg:cargo/agent") && bill.contains("\"rust-std\"") && bill.contains("\"musl\"")
        );
    }
}
