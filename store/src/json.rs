//! Answers as etcd words them, to the byte: the order of fields, what is left out, and which characters are escaped
//! (Go's encoder escapes `<`, `>` and `&` too).

use std::fmt::Write;

use crate::calendar::Rfc3339;
use crate::keyspace::{Counts, Event, Moment, Node, Refusal, View};

/// A JSON string with its quotes.
pub(crate) fn string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(needs_escape) {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = special.chars();
        match chars.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(other) => add(out, format_args!("\\u{:04x}", u32::from(other))),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

fn needs_escape(c: char) -> bool {
    matches!(c, '\0'..='\x1f' | '"' | '\\' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}')
}

fn add(out: &mut String, part: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let _ = out.write_fmt(part);
}

/// `,"name":` or, as the first field, `"name":`.
fn field(out: &mut String, name: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    add(out, format_args!("\"{name}\":"));
}

fn number(out: &mut String, name: &str, value: impl Into<i128>) {
    let value = value.into();
    if value != 0 {
        field(out, name);
        add(out, format_args!("{value}"));
    }
}

/// The fields of a node up to what is in it.
fn head(out: &mut String, view: &View) {
    out.push('{');
    if !view.key.is_empty() {
        field(out, "key");
        string(out, &view.key);
    }
    if let Some(value) = &view.value {
        field(out, "value");
        string(out, value);
    }
    if view.is_dir {
        field(out, "dir");
        out.push_str("true");
    }
    if let Some(expiry) = view.expiry {
        field(out, "expiration");
        add(out, format_args!("\"{}\"", Rfc3339(expiry)));
        number(out, "ttl", view.ttl);
    }
}

fn tail(out: &mut String, view: &View) {
    number(out, "modifiedIndex", view.modified);
    number(out, "createdIndex", view.created);
    out.push('}');
}

fn bare(out: &mut String, view: &View) {
    head(out, view);
    tail(out, view);
}

/// An event; `is_brief` leaves out the nodes.
pub(crate) fn event(event: &Event, is_brief: bool) -> String {
    let value =
        |view: &Option<&View>| view.and_then(|view| view.value.as_ref()).map_or(0, |value| value.len());
    let mut out = String::with_capacity(256 + value(&Some(&event.node)) + value(&event.before.as_ref()));
    add(&mut out, format_args!("{{\"action\":\"{}\"", event.action.word()));
    if !is_brief {
        field(&mut out, "node");
        bare(&mut out, &event.node);
        if let Some(before) = &event.before {
            field(&mut out, "prevNode");
            bare(&mut out, before);
        }
    }
    out.push_str("}\n");
    out
}

/// The answer to a read of the node at `path`.
pub(crate) fn listing(path: &str, node: &Node, is_recursive: bool, now: Moment) -> String {
    let mut out = String::from("{\"action\":\"get\",\"node\":");
    tree(&mut out, path, node, if is_recursive { usize::MAX } else { 1 }, now);
    out.push_str("}\n");
    out
}

fn tree(out: &mut String, path: &str, node: &Node, depth: usize, now: Moment) {
    let view = node.view(path, now);
    head(out, &view);
    let mut children = node.listed().peekable();
    if depth > 0 && children.peek().is_some() {
        field(out, "nodes");
        let mut before = '[';
        for (name, child) in children {
            out.push(before);
            before = ',';
            tree(out, &format!("{path}/{name}"), child, depth - 1, now);
        }
        out.push(']');
    }
    tail(out, &view);
}

/// A refusal.
pub(crate) fn refusal(refusal: &Refusal) -> String {
    let mut out = String::from("{");
    add(&mut out, format_args!("\"errorCode\":{}", refusal.code.number()));
    field(&mut out, "message");
    string(&mut out, refusal.code.message());
    if !refusal.cause.is_empty() {
        field(&mut out, "cause");
        string(&mut out, &refusal.cause);
    }
    add(&mut out, format_args!(",\"index\":{}}}\n", refusal.index));
    out
}

/// What `/v2/stats/store` says.
pub(crate) fn counts(counts: &Counts, watchers: usize) -> String {
    let mut out = String::from("{");
    for (name, tally) in [
        ("gets", counts.gets),
        ("sets", counts.sets),
        ("delete", counts.deletes),
        ("update", counts.updates),
        ("create", counts.creates),
        ("compareAndSwap", counts.swaps),
        ("compareAndDelete", counts.guarded_deletes),
    ] {
        add(&mut out, format_args!("\"{name}Success\":{},\"{name}Fail\":{},", tally.done, tally.refused));
    }
    add(&mut out, format_args!("\"expireCount\":{},\"watchers\":{watchers}}}", counts.expired));
    out
}
