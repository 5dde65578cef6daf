//! The table of faults, as printed and as it stands in docs/faults.md between two marks. Rows of faults that were not run
//! stay as they are.

use std::fs;
use std::time::Duration;

use crate::failure::{Failure, Outcome};
use crate::faults::{Row, all};
use crate::install::workspace;

const BEGIN: &str = "<!-- faults: begin -->";
const END: &str = "<!-- faults: end -->";

const HEAD: &str = "| fault | what stays true | recovered after | at most | holds | `… --bin faults --` |\n\
                    | --- | --- | --- | --- | --- | --- |\n";

/// The rows, with the table's head.
pub(super) fn table(rows: &[Row]) -> String {
    let lines: Vec<String> = rows.iter().map(line).collect();
    format!("{HEAD}{}", lines.concat())
}

fn line(row: &Row) -> String {
    let fault = row.fault;
    format!(
        "| {} | {} | {} | {} | {} | `{}` |\n",
        fault.what,
        fault.promise,
        shown(&row.measured),
        seconds(fault.limit),
        if row.holds { "yes" } else { "**no**" },
        fault.word
    )
}

/// A recovery, for people.
pub(super) fn shown(measured: &Outcome<Duration>) -> String {
    measured.as_ref().map_or_else(|_| "not".to_owned(), |time| seconds(*time))
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// Puts the rows into the page.
///
/// # Errors
/// When the page cannot be read or written, or has no marks.
pub(super) fn write(rows: &[Row]) -> Outcome {
    let path = workspace().join("docs/faults.md");
    let text = fs::read_to_string(&path)
        .map_err(|cause| Failure::during(format!("read {}", path.display()), cause))?;
    let lines: Vec<(&str, String)> = rows.iter().map(|row| (row.fault.word, line(row))).collect();
    let page = merged(&text, &all().map(|fault| fault.word).collect::<Vec<_>>(), &lines)?;
    fs::write(&path, page).map_err(|cause| Failure::during(format!("write {}", path.display()), cause))
}

/// The page with `new` lines in place of those of the same words, in the order of `words`.
fn merged(page: &str, words: &[&str], new: &[(&str, String)]) -> Outcome<String> {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?)));
    let (before, (old, after)) =
        parts.ok_or_else(|| Failure::new(format!("docs/faults.md lacks {BEGIN} or {END}")))?;
    let mut table = String::from(HEAD);
    for word in words {
        let kept = || old.lines().find(|line| line.ends_with(&format!("| `{word}` |")));
        match new.iter().find(|(of, _)| of == word) {
            Some((_, line)) => table.push_str(line),
            None => kept().into_iter().for_each(|line| table.push_str(&format!("{line}\n"))),
        }
    }
    Ok(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_rows_replace_their_own_and_leave_the_others() {
        let page = format!("before\n{BEGIN}\n| a | old | `one` |\n| b | old | `two` |\n{END}\nafter\n");
        let new =
            [("two", "| b | new | `two` |\n".to_owned()), ("three", "| c | new | `three` |\n".to_owned())];
        let merged = merged(&page, &["three", "one", "two"], &new).unwrap();
        let rows = "| c | new | `three` |\n| a | old | `one` |\n| b | new | `two` |\n";
        assert_eq!(merged, format!("before\n{BEGIN}\n{HEAD}{rows}{END}\nafter\n"));
    }

    #[test]
    fn a_page_without_marks_is_left_alone() {
        assert!(merged("no table here", &["one"], &[]).is_err());
    }
}
