//! What `ctl` prints, made comparable with what the guide prints: rows as a set, runs of blanks equal, IDs, hashes and
//! the machine a unit happens to be on masked. Everything else has to be the same to the letter.

use std::collections::BTreeSet;

use crate::failure::{Failure, Outcome};

/// The same words in the same columns, whatever the order of rows, the widths, the IDs and the hashes?
///
/// # Errors
/// Both tables, where they differ.
pub fn same_table(printed: &str, expected: &str) -> Outcome {
    let (header, expected_header) = (rows(printed).next(), rows(expected).next());
    let (body, expected_body): (BTreeSet<String>, BTreeSet<String>) =
        (rows(printed).skip(1).collect(), rows(expected).skip(1).collect());
    if header == expected_header && body == expected_body && rows(printed).count() == rows(expected).count() {
        return Ok(());
    }
    Err(Failure::new(format!("printed:\n{}\nexpected:\n{}", printed.trim_end(), expected.trim_end())))
}

/// The rows with blanks made equal and what differs from run to run masked; empty lines are none.
fn rows(text: &str) -> impl Iterator<Item = String> + '_ {
    text.lines().filter(|line| !line.trim().is_empty()).map(|line| {
        let words: Vec<String> = line.split_whitespace().map(masked).collect();
        words.join(" ")
    })
}

fn masked(word: &str) -> String {
    let hexadecimal = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some((id, rest)) = word.split_once("...")
        && id.len() == 8
        && hexadecimal(id)
    {
        return if rest.starts_with('/') { "ID/ADDRESS".to_owned() } else { "ID".to_owned() };
    }
    let plain: String = word.chars().filter(|letter| *letter != '-').collect();
    match plain.len() {
        // The guide shows machine IDs whole and with dashes; ours are short unless --full, and never have dashes.
        32 if hexadecimal(&plain) => "ID".to_owned(),
        7 | 40 if hexadecimal(word) => "HASH".to_owned(),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_blanks_ids_and_hashes_do_not_matter() {
        let guide =
            "UNIT   HASH     TMACHINE\na.service  8ff68b9  3 of 3\nb.service 7710e8a 148a18ff.../10.10.1.1\n";
        let ours =
            "UNIT\tHASH\tTMACHINE\nb.service\t1234567\tc9de9451.../10.10.1.3\na.service\tabcdef0\t3 of 3\n";
        assert_eq!(same_table(ours, guide), Ok(()));
    }

    #[test]
    fn words_columns_and_the_number_of_rows_do() {
        let guide = "UNIT ACTIVE SUB\na.service active running\n";
        for other in [
            "UNIT SUB ACTIVE\na.service active running\n",
            "UNIT ACTIVE SUB\na.service inactive dead\n",
            "UNIT ACTIVE SUB\na.service active running\na.service active running\n",
            "",
        ] {
            assert!(same_table(other, guide).is_err(), "{other}");
        }
    }

    #[test]
    fn whole_and_short_machine_ids_are_both_ids() {
        assert_eq!(masked("148a18ff-6e95-4cd8-92da-c9de9bb90d5a"), "ID");
        assert_eq!(masked("148a18ff..."), "ID");
        assert_eq!(masked("10.10.1.1"), "10.10.1.1");
    }
}
