//! `contact` over a time, with agent_ttl 30 s and beats that may be 15 s apart. Lines: `beat 1000` a beat sent then that
//! succeeded, `broken`, `at 2000` a question, `ttl 6000` another agent_ttl.

use std::fmt::Write;

use cluster::contact::Contact;

use crate::runner;

const GAP_MS: u64 = 15_000;

#[test]
fn contact_with_the_store() {
    runner::run("contact", |input| answer(input).unwrap_or_else(|| "no such line".into()));
}

fn answer(input: &str) -> Option<String> {
    let (mut contact, mut ttl_ms, mut out) = (Contact::default(), 30_000, String::new());
    for line in input.lines().filter(|line| !line.is_empty()) {
        match line.split_once(' ').unwrap_or((line, "0")) {
            ("beat", sent) => contact.beat(sent.parse().ok()?, GAP_MS),
            ("broken", _) => contact.broken(),
            ("ttl", ttl) => ttl_ms = ttl.parse().ok()?,
            ("at", now) => {
                let now_ms = now.parse().ok()?;
                let say = |yes: bool, what: &str| if yes { format!(" {what}") } else { String::new() };
                let unbroken = say(contact.is_unbroken(now_ms), "unbroken");
                let judge = say(contact.may_judge(now_ms, ttl_ms), "judge");
                let start = say(contact.may_start(now_ms, ttl_ms), "start");
                let from =
                    contact.judges_from_ms(ttl_ms).map_or_else(String::new, |from| format!(" from {from}"));
                let _ = writeln!(out, "{now}:{unbroken}{judge}{start}{from}");
            }
            _ => return None,
        }
    }
    Some(out)
}
