//! The real `etcdctl` (v2) against the store: every verb it has for keys, with what it prints and how it exits, beside a
//! real etcd.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../registry/tests/patience/mod.rs"]
#[allow(dead_code)]
mod patience;
#[path = "../../registry/tests/real_etcd/mod.rs"]
#[allow(dead_code)]
mod real_etcd;
mod served;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use real_etcd::{Kind, RealEtcd};
use served::Served;
use store::engine::Durability;

/// Words by words, in this order: each line's answer depends on those before it.
const CALLS: &[&str] = &[
    "ls --sort /",
    "set /a/b v1",
    "set /a/b v2",
    "get /a/b",
    "get /a/none",
    "get -sort --quorum /a/b",
    "mk /a/b v",
    "mk /a/c v --ttl 100",
    "mk --in-order /queue job",
    "mkdir /d",
    "mkdir /d",
    "mkdir /e --ttl 100",
    "setdir /d2",
    "updatedir /d2 --ttl 100",
    "updatedir /none --ttl 100",
    "update /a/b v3",
    "update /none v",
    "set /a/b v4 --swap-with-value v3",
    "set /a/b v5 --swap-with-value v3",
    "set /a/b v5 --swap-with-index 1",
    "ls --recursive --sort -p /",
    "ls /a/b",
    "rmdir /a",
    "rmdir /d",
    "rm /a",
    "rm /a/c --with-value x",
    "rm /a/c --with-value v",
    "rm --recursive /a",
    "rm /none",
    "-o extended get /queue/00000000000000000007",
    "-o json get /queue/00000000000000000007",
    "set /_hidden v",
    "ls --sort /",
    "get /_hidden",
];

fn etcdctl(url: &str, words: &str) -> Command {
    let mut command = Command::new("etcdctl");
    command.env("ETCDCTL_API", "2").args(["--no-sync", "--endpoints", url]).args(words.split(' '));
    command
}

fn said(url: &str, words: &str) -> String {
    let output = etcdctl(url, words).output().unwrap_or_else(|error| panic!("run etcdctl: {error}"));
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    // What is each side's own: its address, its cluster, its consensus and the time.
    let lines = text.lines().filter(|line| !line.starts_with("X-Raft-Index") && !line.starts_with("X-Etcd"));
    let told: Vec<String> = lines.map(|line| line.replace(url, "URL")).collect();
    format!("{}: {}", output.status.code().unwrap_or(-1), told.join("\n"))
}

fn both() -> (RealEtcd, Served) {
    let etcd = RealEtcd::start(Kind::Plain);
    patience::wait_until("an etcd that is done with itself", Duration::from_secs(30), || {
        let answer = etcd.curl(&["/v2/keys", "--include"]);
        if answer.contains("X-Etcd-Index: 3") { Ok(()) } else { Err(answer) }
    });
    (etcd, Served::start(Durability::Durable))
}

#[test]
fn every_verb_says_the_same() {
    let (etcd, store) = both();
    let url = format!("http://{}", store.address);
    for words in CALLS {
        assert_eq!(said(&etcd.url(), words), said(&url, words), "etcdctl {words}");
    }
    let health = said(&url, "cluster-health");
    assert!(health.starts_with("0: ") && health.contains("cluster is healthy"), "{health}");
    let members = said(&url, "member list");
    assert!(members.starts_with("0: ") && members.contains("isLeader=true"), "{members}");
}

/// A call that goes on, and its lines.
struct Going(Child);

impl Going {
    fn start(url: &str, words: &str) -> Self {
        let mut command = etcdctl(url, words);
        Self(command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap())
    }

    fn lines(&mut self, count: usize) -> Vec<String> {
        let out = BufReader::new(self.0.stdout.take().unwrap());
        out.lines().take(count).map(Result::unwrap).collect()
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until that many watches wait.
fn watched(url: &str, count: usize) {
    let address = format!("{url}/v2/stats/store");
    patience::wait_until("watches", Duration::from_secs(30), || {
        let output = Command::new("curl").args(["-s", &address]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        if text.contains(&format!("\"watchers\":{count}}}")) { Ok(()) } else { Err(text) }
    });
}

#[test]
fn watches_see_changes() {
    let (etcd, store) = both();
    for url in [etcd.url(), format!("http://{}", store.address)] {
        let mut watch = Going::start(&url, "watch /w");
        let mut forever = Going::start(&url, "watch --recursive --forever /w");
        let mut exec = Going::start(&url, "exec-watch --recursive /w -- printenv ETCD_WATCH_VALUE");
        watched(&url, 3);
        said(&url, "set /w one");
        assert_eq!(watch.lines(1), ["one"], "{url}");
        // Each of the two that go on asks again before it can be told more.
        watched(&url, 2);
        said(&url, "rm /w");
        watched(&url, 2);
        said(&url, "set /w/x two");
        let lines = forever.lines(4).join("|");
        assert!(lines.contains("[set] /w|one") && lines.contains("[delete] /w"), "{url}: {lines}");
        assert_eq!(exec.lines(1), ["one"], "{url}");
    }
}
