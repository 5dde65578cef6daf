//! Answers of etcd: the same nodes in whatever pieces they come, nothing from an answer that was cut short, and what was
//! worded as etcd words it is read as it was meant.

use std::io::{self, Read};

use arbitrary::{Arbitrary, Unstructured};
use cluster::json::encode;
use registry::etcd::fuzz::{Node, nodes, refusal};

use crate::{one_of, said};

/// What the first byte picks: `answer`, `tree`.
pub fn check(bytes: &[u8]) {
    one_of(&[answer, tree], bytes);
}

/// A reader that gives so many bytes at a time.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let take = self.1.min(self.0.len()).min(out.len());
        let (now, rest) = self.0.split_at(take);
        out[..take].copy_from_slice(now);
        self.0 = rest;
        Ok(take)
    }
}

/// The body of an answer; what follows its first byte.
fn answer(bytes: &[u8]) {
    let Some((&piece, body)) = bytes.split_first() else { return };
    let read = nodes(body);
    assert_eq!(read, nodes(Pieces(body, usize::from(piece).max(1))));
    assert_eq!(read, nodes(Pieces(body, 1)));
    match &read {
        Err(message) => said(message),
        Ok(found) => {
            // An answer ends with its outermost bracket, blanks apart: anything less is cut short, and says so.
            let end = body.iter().rposition(|byte| matches!(byte, b'}' | b']')).unwrap_or_default();
            let cut = nodes(&body[..end]).expect_err("an answer without its end");
            said(&cut);
            assert!(found.iter().all(|node| node.key.len() <= body.len()));
        }
    }
    let status = [404, 412, 400, 403, 401, 500, 503, 307, 200, 418][usize::from(piece) % 10];
    match refusal(status, "7", body.to_vec()) {
        Err(message) => said(&message),
        Ok(None) => assert_eq!(status, 200),
        Ok(Some((code, index))) => assert!(matches!(code, 100 | 101 | 105 | 401) && index == 7, "{code}"),
    }
    assert!(refusal(status, "x", body.to_vec()).is_err(), "an answer without an index");
}

#[derive(Arbitrary, Debug)]
struct Given {
    key: String,
    value: Option<String>,
    dir: bool,
    created: u64,
    modified: u64,
    ttl: Option<u32>,
    in_tree: bool,
}

/// Nodes, worded as etcd words them.
fn tree(bytes: &[u8]) {
    let Ok(given) = Vec::<Given>::arbitrary(&mut Unstructured::new(bytes)) else { return };
    let string = |text: &str| encode(&text, 1 << 22).unwrap();
    let worded = |node: &Given| {
        let mut text = format!("{{\"key\":{}", string(&node.key));
        if let Some(value) = &node.value {
            text += &format!(",\"value\":{}", string(value));
        }
        text += if node.dir { ",\"dir\":true" } else { "" };
        if let Some(ttl) = node.ttl {
            text += &format!(",\"expiration\":\"2026-01-01T00:00:00Z\",\"ttl\":{ttl}");
        }
        text + &format!(",\"modifiedIndex\":{},\"createdIndex\":{}}}", node.modified, node.created)
    };
    let (below, apart): (Vec<&Given>, Vec<&Given>) = given.iter().partition(|node| node.in_tree);
    let nodes_text: Vec<String> = below.iter().map(|node| worded(node)).collect();
    let mut answer = format!(
        "{{\"action\":\"get\",\"node\":{{\"key\":\"/f\",\"dir\":true,\"nodes\":[{}]}}",
        nodes_text.join(",")
    );
    let previous = apart.first();
    if let Some(node) = previous {
        answer += &format!(",\"prevNode\":{}", worded(node));
    }
    answer += "}\n";
    let expected = |node: &Given, place| Node {
        key: node.key.clone(),
        value: node.value.clone(),
        dir: node.dir,
        created: node.created,
        modified: node.modified,
        ttl_secs: node.ttl.map(u64::from),
        place,
    };
    let mut all: Vec<Node> = below.iter().map(|node| expected(node, "below")).collect();
    all.extend(previous.map(|node| expected(node, "previous")));
    match nodes(Pieces(answer.as_bytes(), 7)) {
        Ok(read) => assert_eq!(read, all, "{answer}"),
        // A directory without nodes is a node itself, and this one has no indices.
        Err(message) => assert!(below.is_empty(), "{message}: {answer}"),
    }
}
