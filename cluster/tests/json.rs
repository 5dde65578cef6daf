//! The JSON codec: what it takes, what it refuses and in which words, and that what goes out comes back the same.

use cluster::json::{JsonError, decode, encode, unescape};
use cluster::limits::JSON_DEPTH_MAX;
use cluster::sorted::Map;
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// One of everything the project's documents hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Record {
    name: String,
    #[serde(default)]
    short: heapless::String<8>,
    #[serde(default)]
    metadata: Map<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    children: Vec<Record>,
    #[serde(default)]
    count: u64,
    #[serde(default)]
    offset: i64,
    #[serde(default)]
    leaving: bool,
    #[serde(default)]
    phase: Phase,
    note: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Phase {
    #[default]
    Placed,
    Revoked,
}

fn refusal<T: serde::de::DeserializeOwned>(document: &[u8]) -> String {
    decode::<T>(document).map(|_| String::from("accepted")).unwrap_or_else(|e| e.to_string())
}

#[test]
fn decodes_every_kind_of_value_and_skips_unknown_fields() {
    let text = String::from(r#" {"unknown":{"a":[1,-2.5e+3,null,"\"\\",{}],"b":true}"#)
        + r#", "name":"a\u0041\n\/","short":"12345678","metadata":{"k\u0065y":"v\t","":""},
            "children":[{"name":"b","note":null},{"name":"c"}],"count":18446744073709551615,
            "offset":-9223372036854775808,"leaving":true,"phase":"revoked","note":"x"} "#;
    let record: Record = decode(text.as_bytes()).unwrap();
    assert_eq!(record.name, "aA\n/");
    assert_eq!(record.short.as_str(), "12345678");
    assert_eq!(record.metadata, Map::from([("key".into(), "v\t".into()), (String::new(), String::new())]));
    assert_eq!(record.children.len(), 2);
    assert_eq!((record.count, record.offset), (u64::MAX, i64::MIN));
    assert_eq!((record.leaving, record.phase, record.note.as_deref()), (true, Phase::Revoked, Some("x")));
}

#[test]
fn surrogate_pairs_are_joined_and_halves_refused() {
    let record: Record =
        decode(br#"{"name":"\\ud83d \ud83d\uDE00!","metadata":{"\ud83d\ude00":"\n"}}"#).unwrap();
    assert_eq!(record.name, "\\ud83d 😀!");
    assert_eq!(record.metadata.get("😀").map(String::as_str), Some("\n"));
    for half in [r#""\ud83d""#, r#""\ud83dx""#, r#""\ude00\ud83d""#, r#""\ud83d\ud83d""#, r#""\ud83d\n""#] {
        assert_eq!(refusal::<String>(half.as_bytes()), "not JSON at byte 1: half a surrogate pair", "{half}");
    }
}

#[test]
fn keys_of_any_type_are_read_as_strings() {
    let by_phase: Map<Phase, u8> = decode(br#"{"revoked":1,"placed":2}"#).unwrap();
    assert_eq!(by_phase, Map::from([(Phase::Placed, 2), (Phase::Revoked, 1)]));
    assert!(refusal::<Map<u64, u8>>(br#"{"1":1}"#).starts_with("unexpected JSON at 1: invalid type: string"));
}

#[test]
fn texts_that_are_not_json_are_refused_with_their_place() {
    let cases: [(&[u8], &str); 27] = [
        (b"", "0: the text ends where a value should be"),
        (b"  ", "2: the text ends where a value should be"),
        (b"[,1]", "1: expected a value"),
        (b"[1,]", "3: expected a value"),
        (b"[1 2]", "3: expected ',' or ']'"),
        (b"[1", "2: expected ',' or ']'"),
        (b"{\"x\":garbage}", "5: expected a value"),
        (b"{\"x\":tru}", "5: expected a value"),
        (b"{\"x\" 1}", "5: expected ':' after a key"),
        (b"{\"x\":1,}", "7: expected a quoted key"),
        (b"{x:1}", "1: expected a quoted key"),
        (b"{\"x\":1", "6: expected ',' or '}'"),
        (b"01", "1: something follows the value"),
        (b"1.", "2: expected a digit"),
        (b"-", "1: expected a digit"),
        (b"1e+", "3: expected a digit"),
        (b"+1", "0: expected a value"),
        (b"nul", "0: expected a value"),
        (b"{} {}", "3: something follows the value"),
        (b"\"abc", "4: the text ends inside a string"),
        (b"\"a\\", "2: the text ends inside a string"),
        (b"\"\\x\"", "1: an escape that JSON does not have"),
        (b"\"\\u12g4\"", "1: expected four hexadecimal digits after \\u"),
        (b"\"\\u+123\"", "1: expected four hexadecimal digits after \\u"),
        (b"\"a\nb\"", "2: a control character in a string"),
        (b"\"\xff\"", "1: not UTF-8"),
        (b"\xef\xbb\xbf{}", "0: expected a value"),
    ];
    for (text, expected) in cases {
        let shown = String::from_utf8_lossy(text).into_owned();
        assert_eq!(refusal::<IgnoredAny>(text), format!("not JSON at byte {expected}"), "{shown}");
    }
}

/// Found by the fuzz targets `json` and `api`: what serde says of a value repeats it as it stands.
#[test]
fn what_a_refusal_repeats_moves_no_terminal() {
    for message in [
        refusal::<Phase>(br#""pla\u001b[31m\u0085ced""#),
        refusal::<Record>(br#"{"name":"","metadata":{"\u001b[31m":1}}"#),
        refusal::<Record>(br#"{"name":"","phase":"\n"}"#),
    ] {
        assert!(message.starts_with("unexpected JSON"), "{message:?}");
        assert!(!message.contains(char::is_control), "{message:?}");
    }
}

#[test]
fn depth_has_a_limit_and_a_deep_text_costs_no_stack() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(decode::<IgnoredAny>(nested(JSON_DEPTH_MAX).as_bytes()).is_ok());
    let deep = decode::<IgnoredAny>(nested(JSON_DEPTH_MAX + 1).as_bytes());
    assert_eq!(deep.err(), Some(JsonError::TooDeep { offset_bytes: JSON_DEPTH_MAX }));
    assert_eq!(
        refusal::<IgnoredAny>("[".repeat(1_000_000).as_bytes()),
        "JSON nested more than 64 levels deep at byte 64"
    );
}

#[test]
fn what_does_not_fit_the_type_is_named_with_its_path() {
    let cases = [
        (r#"{"name":"a","short":"123456789"}"#, "short: ", "no more than 8 bytes"),
        (r#"{"name":"a","short":"\u0031\u0032345678\n"}"#, "short: ", "no more than 8 bytes"),
        (r#"{"name":"a","children":[{"name":"b"},{"name":7}]}"#, "children[1].name: ", "expected a string"),
        (r#"{"name":"a","metadata":{"disk":5}}"#, "metadata.disk: ", "expected a string"),
        (r#"{"name":"a","count":-1}"#, "count: ", "expected a natural number of 64 bits"),
        (r#"{"name":"a","count":18446744073709551616}"#, "count: ", "expected a natural number of 64 bits"),
        (r#"{"name":"a","leaving":"yes"}"#, "leaving: ", "expected true or false"),
        (
            r#"{"name":"a","phase":"lost"}"#,
            "phase: ",
            "unknown variant `lost`, expected `placed` or `revoked`",
        ),
        (r#"{"short":"a"}"#, ": ", "missing field `name`"),
        (r#"{"name":"a","name":"b"}"#, ": ", "duplicate field `name`"),
        (r#"[1]"#, ": ", "expected an object"),
    ];
    for (text, place, what) in cases {
        let refused = refusal::<Record>(text.as_bytes());
        assert!(refused.starts_with("unexpected JSON") && refused.contains(place), "{text}: {refused}");
        assert!(refused.contains(what), "{text}: {refused}");
    }
    assert!(refusal::<Vec<u64>>(b"[1.5]").contains("unexpected JSON"));
    assert!(refusal::<u64>(b"1.5").contains("unexpected JSON"));
}

#[test]
fn encodes_every_character_so_that_others_can_read_it() {
    let all: String = ('\0'..='\u{ff}').chain(['\u{2028}', '😀', '\u{10ffff}']).collect();
    let text = encode(&all, 4096).unwrap();
    assert!(
        text.starts_with(r#""\u0000\u0001\u0002"#) && text.contains(r#"\b\t\n\u000B\f\r\u000E"#),
        "{text}"
    );
    assert!(
        text.contains(r##" !\"#$"##) && text.contains(r"[\\]") && text.contains("~\u{7f}\u{80}"),
        "{text}"
    );
    assert_eq!(decode::<String>(text.as_bytes()).unwrap(), all);
}

#[test]
fn encoding_stops_at_its_limit_and_refuses_keys_that_are_no_strings() {
    let long = "x".repeat(5000);
    assert_eq!(encode(&long, 5002).unwrap().len(), 5002);
    assert_eq!(encode(&long, 5001), Err(JsonError::TooLarge { max_bytes: 5001 }));
    assert_eq!(encode(&1, 0), Err(JsonError::TooLarge { max_bytes: 0 }));
    assert!(matches!(encode(&Map::from([(1, 2)]), 100), Err(JsonError::Syntax { .. })));
}

#[test]
fn unescape_adds_nothing_when_it_fails() {
    let mut out = String::from("kept ");
    unescape(r#"a\"\ud83d\ude00é\u00e9"#, &mut out).unwrap();
    assert_eq!(out, "kept a\"😀éé");
    for wrong in ["a\\", "a\\q", "a\"b", "a\nb", "a\\ud83d", "a\\u12"] {
        assert!(unescape(wrong, &mut out).is_err(), "{wrong}");
        assert_eq!(out, "kept a\"😀éé");
    }
}

fn record() -> impl Strategy<Value = Record> {
    let texts = (any::<String>(), prop::collection::btree_map(any::<String>(), any::<String>(), 0..4));
    (texts, any::<u64>(), any::<i64>(), any::<bool>(), any::<Option<String>>()).prop_map(
        |((name, metadata), count, offset, leaving, note)| Record {
            name,
            metadata: metadata.into_iter().collect(),
            count,
            offset,
            leaving,
            phase: if leaving { Phase::Revoked } else { Phase::Placed },
            note,
            ..Record::default()
        },
    )
}

fn family() -> impl Strategy<Value = Record> {
    (record(), prop::collection::vec(record(), 0..3))
        .prop_map(|(parent, children)| Record { children, ..parent })
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(record in family()) {
        let text = encode(&record, 1 << 20).unwrap();
        prop_assert_eq!(decode::<Record>(text.as_bytes()).unwrap(), record);
    }

    #[test]
    fn a_string_spelt_in_escapes_decodes_to_the_same(wanted in any::<String>()) {
        let escaped: String = wanted.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        prop_assert_eq!(&decode::<String>(format!("\"{escaped}\"").as_bytes()).unwrap(), &wanted);
        let mut out = String::new();
        unescape(&escaped, &mut out).unwrap();
        prop_assert_eq!(out, wanted);
    }

    #[test]
    fn decoding_never_panics_on_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode::<Record>(&bytes);
        let _ = decode::<IgnoredAny>(&bytes);
    }

    #[test]
    fn decoding_never_panics_on_damaged_json(
        record in family(), at in any::<prop::sample::Index>(), with in "[\\[\\]{}\",:\\\\u0-9a-f]{0,3}",
    ) {
        let mut text = encode(&record, 1 << 20).unwrap().into_bytes();
        let at = at.index(text.len());
        text.splice(at..at + 1, with.into_bytes());
        let _ = decode::<Record>(&text);
        let _ = decode::<Map<String, IgnoredAny>>(&text);
    }
}
