//! Nodes as they come out of captured answers, and what is refused.

use proptest::prelude::*;

use super::*;

const VALUE: &str = "{\"v\":1,\"file\":\"[Service]\\nExecStart=/bin/sh -c \\\"echo <a> & b; \\\\u0041\\\"\\n\",\"unicode\":\"é😀\"}";

/// One line for each node: key, value, createdIndex-modifiedIndex, then what is special.
fn lines(answer: &[u8]) -> Result<Vec<String>, LeafError> {
    let mut entries = Entries::new(answer);
    let mut lines = Vec::new();
    while let Some(entry) = entries.next()? {
        let mut line = format!("{} {:?} {}-{}", entry.key, entry.value, entry.created, entry.modified);
        line += if entry.dir { " dir" } else { "" };
        line += match entry.place {
            Place::Node => " root",
            Place::Below => "",
            Place::Previous => " previous",
            Place::Elsewhere => " elsewhere",
        };
        if let Some(secs) = entry.ttl_secs {
            line += &format!(" {secs}s");
        }
        lines.push(line);
    }
    Ok(lines)
}

fn captured(name: &str) -> Vec<String> {
    let path = format!("{}/testdata/{name}.json", env!("CARGO_MANIFEST_DIR"));
    lines(&std::fs::read(&path).unwrap()).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Found by the fuzz target `etcd`: a key went into messages as it stood, and of any length.
#[test]
fn what_an_error_repeats_of_a_key_is_short_and_printable() {
    let long = "x".repeat(REGISTRY_LEAF_MAX_BYTES);
    for object in [
        "{\"key\":\"/a\u{7f}\u{9b}31m\",\"value\":1}".to_owned(),
        format!("{{\"key\":\"/{long}\",\"value\":1}}"),
        format!("{{\"key\":\"/{}\",\"value\":1}}", &long[..100_000]),
    ] {
        let message = lines(object.as_bytes()).unwrap_err().to_string();
        assert!(message.len() < 1000 && !message.contains(char::is_control), "{message:?}");
    }
}

#[test]
fn captured_answers_are_read() {
    let web = format!("/_coreos.com/fleet/units/web.service {:?}", Some(VALUE));
    assert_eq!(captured("create"), [format!("{web} 4-4 root")]);
    assert_eq!(captured("leaf"), [format!("{web} 4-5 root")]);
    assert_eq!(captured("swap"), [format!("{web} 4-5 root"), format!("{web} 4-4 previous")]);
    assert_eq!(captured("event"), captured("swap"));
    assert_eq!(
        captured("delete"),
        ["/_coreos.com/fleet/units/web.service None 4-11 root".to_owned(), format!("{web} 4-5 previous")]
    );
    assert_eq!(
        captured("delete_tree"),
        [
            "/_coreos.com/fleet/machines None 8-12 dir root",
            "/_coreos.com/fleet/machines None 8-8 dir previous"
        ]
    );
    assert_eq!(captured("empty_dir"), ["/_coreos.com/fleet/machines/m1/assigned None 9-9 dir root"]);
    assert_eq!(
        captured("leaf_ttl"),
        ["/_coreos.com/fleet/machines/m1/presence Some(\"{\\\"id\\\":\\\"m1\\\"}\") 8-8 root 600s"]
    );
}

#[test]
fn a_captured_tree_is_read() {
    let tree = captured("tree");
    assert_eq!(tree.len(), 5);
    assert_eq!(tree[1], "/_coreos.com/fleet/machines/m1/assigned None 9-9 dir");
    assert_eq!(tree[2], format!("/_coreos.com/fleet/units/web.service {:?} 4-5", Some(VALUE)));
    assert_eq!(tree[3], "/_coreos.com/fleet/units/tmpl@.service Some(\"\") 6-6");
    assert_eq!(tree[4], "/_coreos.com/fleet/units/dev-disk\\x2duuid.mount Some(\"tab\\there\") 7-7");
}

#[test]
fn fields_of_a_later_etcd_are_skipped() {
    let node =
        r#"{"node":{"key":"/k","odd":{"#.to_owned() + r#"},"value":"v","createdIndex":1,"modifiedIndex":2}}"#;
    // An object in a leaf makes it no innermost one: that has to be an error, never a leaf that goes missing.
    assert!(lines(node.as_bytes()).is_err());
    let node = r#"{"node":{"key":"/k","odd":["a\n",1],"value":"v","createdIndex":1,"modifiedIndex":2}}"#;
    assert_eq!(lines(node.as_bytes()).unwrap(), ["/k Some(\"v\") 1-2 root"]);
}

#[test]
fn a_node_in_no_known_place_is_told() {
    let node = r#"{"other":{"key":"/k","value":"v","createdIndex":1,"modifiedIndex":2}}"#;
    assert_eq!(lines(node.as_bytes()).unwrap(), ["/k Some(\"v\") 1-2 elsewhere"]);
    let long = node.replace("other", "nodenodenodenodenode");
    assert_eq!(lines(long.as_bytes()).unwrap(), ["/k Some(\"v\") 1-2 elsewhere"]);
}

#[test]
fn the_last_moment_of_a_key_still_has_a_ttl() {
    let node = r#"{"node":{"key":"/k","value":"v","expiration":"x","createdIndex":1,"modifiedIndex":2}}"#;
    assert_eq!(lines(node.as_bytes()).unwrap(), ["/k Some(\"v\") 1-2 root 0s"]);
    let node = node.replace("\"x\"", "\"x\",\"ttl\":-1");
    assert_eq!(lines(node.as_bytes()).unwrap(), ["/k Some(\"v\") 1-2 root 0s"]);
}

#[test]
fn a_bad_node_fails_the_whole_answer_and_is_named() {
    for bad in [
        r#"{"key":"/bad","value":"\ud800","createdIndex":1,"modifiedIndex":2}"#,
        r#"{"key":"/bad","value":"\x","createdIndex":1,"modifiedIndex":2}"#,
        r#"{"key":"/bad","value":5,"createdIndex":1,"modifiedIndex":2}"#,
        r#"{"key":"/bad","value":"v","createdIndex":-1,"modifiedIndex":2}"#,
        r#"{"key":"/bad","value":"v","createdIndex":99999999999999999999999,"modifiedIndex":2}"#,
        r#"{"key":"/bad","value":"v","createdIndex":1}"#,
        r#"{"key":"/bad","value":"v","value":"w","createdIndex":1,"modifiedIndex":2}"#,
        r#"{"key":"/bad" "value":"v","createdIndex":1,"modifiedIndex":2}"#,
    ] {
        let good = r#"{"key":"/good","value":"v","createdIndex":1,"modifiedIndex":2}"#;
        let error =
            lines(format!("{{\"node\":{{\"nodes\":[{good},{bad},{good}]}}}}").as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with("cannot read /bad: "), "{bad}: {error}");
    }
    assert!(lines(br#"{"action":"get"}"#).unwrap_err().to_string().starts_with("cannot read a node: "));
    let huge =
        format!("{{\"node\":{{\"key\":\"/huge\",\"value\":\"{}\"", "x".repeat(REGISTRY_LEAF_MAX_BYTES));
    assert!(lines(huge.as_bytes()).unwrap_err().to_string().starts_with("/huge is larger than"));
}

#[test]
fn an_end_is_told_from_a_beginning() {
    assert_eq!(lines(b"").unwrap_err().to_string(), "the answer is empty");
    assert_eq!(lines(b"{\"action\"").unwrap_err().to_string(), "the answer was cut short");
}

proptest! {
    #[test]
    fn any_key_and_value_come_back(key in any::<String>(), value in any::<String>(), index in any::<u64>()) {
        let quoted = |text: &String| cluster::json::encode(text, 1 << 20).unwrap();
        let node = format!(
            "{{\"key\":{},\"value\":{},\"modifiedIndex\":{index},\"createdIndex\":1}}", quoted(&key), quoted(&value)
        );
        let whole = format!("{{\"action\":\"get\",\"node\":{{\"dir\":true,\"nodes\":[{node}]}}}}");
        let mut entries = Entries::new(whole.as_bytes());
        let entry = entries.next().unwrap().unwrap();
        prop_assert_eq!((entry.key, entry.value), (key.as_str(), Some(value.as_str())));
        prop_assert_eq!((entry.modified, entry.created, entry.dir), (index, 1, false));
        prop_assert!(entries.next().unwrap().is_none());
    }
}
