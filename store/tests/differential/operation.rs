//! What is asked: requests over a small tree, so that they meet each other, with every parameter there is, most of them
//! sensible and some not.

use proptest::prelude::*;
use proptest::sample::select;

/// Clients per side.
pub(crate) const CLIENTS: usize = 3;
/// Watches that may be open at a time.
pub(crate) const WATCHES: usize = 3;

/// One thing to do on both sides.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    /// A request answered at once.
    Ask { client: usize, method: &'static str, path: String, fields: Vec<Field>, in_body: bool },
    /// A watch begins, in place of the one before.
    Watch { slot: usize, path: String, is_recursive: bool, is_stream: bool, back: Option<u64> },
    /// What watches have seen is compared.
    Look,
    /// Keys with short lives are written, and the ends of all of them awaited.
    Die { paths: Vec<(String, bool)> },
}

/// A parameter; its text may depend on what was seen.
#[derive(Clone, Debug)]
pub(crate) enum Field {
    Plain(&'static str, String),
    /// The modifiedIndex last seen at the path.
    SeenIndex(&'static str),
    /// The store's index now, less that.
    Back(&'static str, u64),
}

pub(crate) fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        200 => ask(),
        12 => (0..WATCHES, path(), any::<bool>(), any::<bool>(), back()).prop_map(
            |(slot, path, is_recursive, is_stream, back)| Operation::Watch { slot, path, is_recursive, is_stream, back }
        ),
        6 => Just(Operation::Look),
        1 => prop::collection::vec((path(), any::<bool>()), 1..4).prop_map(|paths| Operation::Die { paths }),
    ]
}

fn back() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![3 => Just(None), 2 => (0_u64..30).prop_map(Some), 1 => (900_u64..1100).prop_map(Some)]
}

fn ask() -> impl Strategy<Value = Operation> {
    let method = prop_oneof![
        8 => Just("PUT"), 5 => Just("GET"), 3 => Just("DELETE"), 2 => Just("POST"), 1 => Just("HEAD"),
    ];
    let method = prop_oneof![60 => method, 1 => select(vec!["PATCH", "OPTIONS"])];
    (0..CLIENTS, method, path(), fields(), any::<bool>()).prop_map(
        |(client, method, path, fields, in_body)| Operation::Ask { client, method, path, fields, in_body },
    )
}

/// Encoded as in a URL.
fn path() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        20 => select(vec!["a", "b"]),
        2 => Just("c"),
        2 => select(vec!["_h", "ab", "a%2Fb", "%3C%26%3E", "%C3%A9", "a+b", "a%20b", "%5F_x", "a%00", "q%3Fx"]),
    ];
    // Shallow as a rule, so that the same keys come again.
    let depth = prop_oneof![1 => Just(0_usize), 8 => Just(1), 8 => Just(2), 2 => Just(3)];
    let names = depth.prop_flat_map(move |depth| prop::collection::vec(name.clone(), depth));
    let whole =
        names.prop_map(|names| names.into_iter().fold(String::new(), |path, name| format!("{path}/{name}")));
    let odd =
        (whole.clone(), select(vec!["/", "//", "/.", "/..", "/./a", "/../b", "/%2e%2e/c", "/%zz", "?"]))
            .prop_map(|(path, end)| path + end);
    prop_oneof![40 => whole, 1 => odd]
}

fn fields() -> impl Strategy<Value = Vec<Field>> {
    let plain = |name: &'static str, values: Vec<&'static str>| {
        select(values).prop_map(move |value| Field::Plain(name, value.to_owned()))
    };
    let good = || vec!["true", "false", "true", "1", "0", "T"];
    let value =
        || vec!["v", "w", "", "%3Cb%3E%26", "%22%5C%0A%09%07%E2%80%A8", "x+y%2Bz", "%F0%9F%98%80", "%00%7F"];
    let guard = prop_oneof![
        3 => Just(Field::SeenIndex("prevIndex")),
        1 => (0_u64..4).prop_map(|back| Field::Back("prevIndex", back)),
        3 => plain("prevValue", vec!["v", "w", "%3Cb%3E%26", "x+y%2Bz"]),
        3 => plain("prevExist", good()),
    ];
    let common = prop_oneof![
        8 => plain("value", value()),
        1 => (1800_usize..2400).prop_map(|length| Field::Plain("value", "l".repeat(length))),
        3 => plain("recursive", good()),
        2 => plain("dir", good()),
        1 => plain("sorted", good()),
        1 => plain("quorum", good()),
        3 => plain("ttl", vec!["100", "1000", "", "5000000000"]),
        2 => plain("refresh", good()),
        1 => plain("noValueOnSuccess", good()),
        4 => guard,
    ];
    let bad = prop_oneof![
        plain("prevIndex", vec!["x", "", "-1", "+1", "0", "18446744073709551616", "1_0"]),
        plain("ttl", vec!["x", "-1", "1.5", "18446744073709551615", "9223372037"]),
        plain("wait", vec!["true", "x"])
            .prop_filter("no wait", |field| matches!(field, Field::Plain(_, text) if text == "x")),
        plain("recursive", vec!["x", "", "%zz", "yes", "TRUE", "tRUE"]),
        plain("prevValue", vec!["", "%", ";"]),
        plain("prevExist", vec!["", "x"]),
        plain("refresh", vec!["", "x"]),
        plain("noValueOnSuccess", vec!["x"]),
        plain("waitIndex", vec!["x", "5"]),
        plain("stream", vec!["x", "true"]),
        plain("unknown", vec!["x"]),
    ];
    let field = prop_oneof![30 => common, 1 => bad];
    prop::collection::vec(field, 0..4)
}
