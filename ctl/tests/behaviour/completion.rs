//! What a TAB asks of the cluster. What comes of it in real shells is with the other tools.

use cluster::TargetState::Launched;

use crate::double::Double;
use crate::double::fleet::Fleet;
use crate::run::run;

const HELLO: &str = include_str!("../../testdata/units/hello.service");

/// The names that are offered for the last word of a line, and what was asked for them.
fn offered(double: &Double, line: &str) -> (Vec<String>, Vec<String>) {
    double.fleet().asked.clear();
    let ran = run(&double.endpoint(), &format!("complete -- {line}"));
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{line}");
    let words = ran.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect();
    (words, double.fleet().asked.clone())
}

#[test]
fn only_units_that_begin_as_typed_are_fetched() {
    let double = Double::start("completion", Fleet::default());
    for number in 0..100 {
        double.fleet().has(&format!("n{number:02}.service"), HELLO, Launched);
    }
    double.fleet().has("web@7.service", HELLO, Launched);
    let (words, asked) = offered(&double, "status web@");
    assert_eq!((words, asked.len()), (vec!["web@7.service".to_owned()], 1));
    assert!(asked[0].starts_with("GET units?") && asked[0].ends_with("&units=web@*"), "{asked:?}");
    let one_bytes = std::mem::take(&mut double.fleet().listed_bytes);
    let (words, _) = offered(&double, "status n");
    assert_eq!(words.len(), 100);
    let all_bytes = double.fleet().listed_bytes;
    assert!(one_bytes > 0 && one_bytes * 90 < all_bytes, "{one_bytes} bytes of {all_bytes}");
}

#[test]
fn marks_are_taken_for_themselves_and_old_servers_send_all() {
    let double = Double::start("completion-old", Fleet { page: Some(2), ..Fleet::default() });
    for unit in ["a.service", "b.service", "c.service"] {
        double.fleet().has(unit, HELLO, Launched);
    }
    assert_eq!(offered(&double, "status b").0, ["b.service"]);
    let (words, asked) = offered(&double, "status [a-c]");
    assert!(words.is_empty() && !asked[0].contains("&units="), "{words:?} {asked:?}");
}
