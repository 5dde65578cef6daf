//! The cutter against captured answers, cut anywhere and delivered in any pieces.

use proptest::prelude::*;

use super::*;

const TREE: &[u8] = include_bytes!("../../testdata/tree.json");
const EVENT: &[u8] = include_bytes!("../../testdata/event.json");
const EMPTY_DIR: &[u8] = include_bytes!("../../testdata/empty_dir.json");

/// Delivers its bytes in pieces of the given lengths, over and over.
struct Pieces<'a> {
    rest: &'a [u8],
    lengths: &'a [usize],
    turn: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.lengths[self.turn % self.lengths.len()].clamp(1, out.len()).min(self.rest.len());
        self.turn += 1;
        let (piece, rest) = self.rest.split_at(length);
        out[..length].copy_from_slice(piece);
        self.rest = rest;
        Ok(length)
    }
}

type Cut = (String, usize, String);

fn cut(source: impl Read) -> Result<Vec<Cut>, SplitError> {
    let mut splitter = Splitter::new(source);
    let mut objects = Vec::new();
    while let Some(Object { bytes, depth, member }) = splitter.next()? {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        objects.push((text(bytes), depth, text(member)));
    }
    Ok(objects)
}

fn texts(source: &[u8]) -> Vec<String> {
    cut(source).unwrap().into_iter().map(|(text, ..)| text).collect()
}

fn fault(source: &[u8]) -> String {
    format!("{:?}", cut(source).unwrap_err())
}

#[test]
fn a_tree_gives_its_leaves_and_empty_directories() {
    let objects = cut(TREE).unwrap();
    let keys: Vec<&str> = objects.iter().map(|(text, ..)| text.split('"').nth(3).unwrap()).collect();
    assert_eq!(
        keys,
        [
            "/_coreos.com/fleet/machines/m1/presence",
            "/_coreos.com/fleet/machines/m1/assigned",
            "/_coreos.com/fleet/units/web.service",
            "/_coreos.com/fleet/units/tmpl@.service",
            "/_coreos.com/fleet/units/dev-disk\\\\x2duuid.mount",
        ]
    );
    assert!(
        objects.iter().all(|(text, depth, member)| text.ends_with('}') && *depth > 2 && member == "node")
    );
}

#[test]
fn an_event_tells_what_is_from_what_was() {
    let objects = cut(EVENT).unwrap();
    let members: Vec<(usize, &str)> =
        objects.iter().map(|(_, depth, member)| (*depth, member.as_str())).collect();
    assert_eq!(members, [(2, "node"), (2, "prevNode")]);
    let objects = cut(EMPTY_DIR).unwrap();
    assert_eq!((objects.len(), objects[0].1), (1, 2));
}

#[test]
fn brackets_and_quotes_in_strings_are_text() {
    assert_eq!(texts(br#"{"a":{"v":"}]{[\"\\"}} "#), [r#"{"v":"}]{[\"\\"}"#]);
    assert_eq!(texts(br#"{"a":{"v":[1,[2],"]"],"w":null}}"#), [r#"{"v":[1,[2],"]"],"w":null}"#]);
    assert_eq!(texts(br#"{"n":{"nodes":[{"k":1},{"k":2}],"m":3}}"#), [r#"{"k":1}"#, r#"{"k":2}"#]);
    assert_eq!(texts(b"{}"), ["{}"]);
}

#[test]
fn every_answer_cut_short_is_an_error() {
    for whole in [TREE, EVENT, EMPTY_DIR] {
        let end = whole.iter().rposition(|byte| *byte == b'}').unwrap();
        for length in 0..=end {
            let error = cut(&whole[..length]).unwrap_err();
            assert!(matches!(error, SplitError::CutShort), "{length} bytes: {error:?}");
        }
        assert!(cut(&whole[..=end]).is_ok());
    }
}

#[test]
fn what_is_no_answer_is_an_error() {
    for text in
        ["[]", "404 page not found", "\"x\"", "{}{}", "{} x", "{]", "{\"a\":[}", "{<html>}", "{\"a\":\"\n\"}"]
    {
        assert!(fault(text.as_bytes()).starts_with("NotJson"), "{text}: {}", fault(text.as_bytes()));
    }
    assert_eq!(fault(b" \n"), "CutShort");
}

#[test]
fn depth_is_bounded() {
    let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    assert!(cut(nested(JSON_DEPTH_MAX).as_bytes()).is_ok());
    assert!(matches!(cut(nested(JSON_DEPTH_MAX + 1).as_bytes()), Err(SplitError::TooDeep)));
    assert!(matches!(cut("{\"a\":[".repeat(10_000).as_bytes()), Err(SplitError::TooDeep)));
}

#[test]
fn a_leaf_is_bounded_and_others_are_not_affected() {
    let leaf = |bytes: usize| format!("{{\"v\":\"{}\"}}", "x".repeat(bytes - 8));
    let largest = leaf(REGISTRY_LEAF_MAX_BYTES);
    assert_eq!(largest.len(), REGISTRY_LEAF_MAX_BYTES);
    assert_eq!(texts(format!("{{\"a\":[{largest},{{}},{largest}]}}").as_bytes()).len(), 3);
    let larger = leaf(REGISTRY_LEAF_MAX_BYTES + 1);
    let error = cut(format!("{{\"a\":[{larger}]}}").as_bytes()).unwrap_err();
    assert!(matches!(error, SplitError::TooLarge(start) if start.starts_with(b"{\"v\":\"xxx")));
}

#[test]
fn a_failing_reader_is_not_an_end() {
    struct Failing(u8);
    impl Read for Failing {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 {
                1 => Err(io::ErrorKind::Interrupted.into()),
                2 => {
                    out[..2].copy_from_slice(b"{}");
                    Ok(2)
                }
                _ => Err(io::ErrorKind::ConnectionReset.into()),
            }
        }
    }
    let mut splitter = Splitter::new(Failing(0));
    assert!(splitter.next().unwrap().is_some());
    assert!(
        matches!(splitter.next(), Err(SplitError::Source(error)) if error.kind() == io::ErrorKind::ConnectionReset)
    );
}

proptest! {
    #[test]
    fn pieces_make_no_difference(lengths in prop::collection::vec(1_usize..50, 1..20)) {
        for whole in [TREE, EVENT, EMPTY_DIR] {
            let pieces = Pieces { rest: whole, lengths: &lengths, turn: 0 };
            prop_assert_eq!(cut(pieces).unwrap(), cut(whole).unwrap());
        }
    }

    #[test]
    fn a_value_never_changes_where_the_cut_is(value in any::<String>(), lengths in prop::collection::vec(1_usize..9, 1..5)) {
        let node = format!("{{\"key\":\"/k\",\"value\":{}}}", cluster::json::encode(&value, 1 << 20).unwrap());
        let whole = format!("{{\"action\":\"get\",\"node\":{{\"nodes\":[{node},{node}]}}}}\n");
        let pieces = Pieces { rest: whole.as_bytes(), lengths: &lengths, turn: 0 };
        let found: Vec<String> = cut(pieces).unwrap().into_iter().map(|(text, ..)| text).collect();
        prop_assert_eq!(found, [node.clone(), node]);
    }

    #[test]
    fn any_bytes_end_in_a_result(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = cut(&bytes[..]);
    }

    #[test]
    fn any_brackets_end_in_a_result(text in "[\\[\\]{}\",:\\\\a1 ]{0,60}") {
        if let Ok(objects) = cut(text.as_bytes()) {
            let whole = objects.iter().all(|(text, ..)| text.starts_with('{') && text.ends_with('}'));
            prop_assert!(whole);
        }
    }
}
