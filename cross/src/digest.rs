//! SHA-256 sums, by the `sha256sum` that every distribution has.

use std::path::Path;

use ::tests::failure::{Failure, Outcome};
use ::tests::run::run;

/// The sum of a file, in hexadecimal digits.
///
/// # Errors
/// It cannot be read.
pub fn sha256(file: &Path) -> Outcome<String> {
    let printed = run(&["sha256sum", "--", &file.to_string_lossy()])?.success()?.stdout;
    // A name with odd characters makes a line begin with a backslash.
    let sum = printed.trim_start_matches('\\').split_whitespace().next().unwrap_or_default().to_owned();
    let right = sum.len() == 64 && sum.bytes().all(|digit| digit.is_ascii_hexdigit());
    if right { Ok(sum) } else { Err(Failure::new(format!("sha256sum {}: {printed}", file.display()))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_known_sum_of_nothing() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(Path::new("/dev/null")), Ok(empty.to_owned()));
        assert!(sha256(Path::new("/nonexistent")).is_err());
    }
}
