//! Runs golden text files: each case is a sentence on why it is there, an input and the output it has to give. What
//! the input means is up to the function under test.
//!
//! ```text
//! // Why this case is here; any number of such lines.
//! the input, which may hold blank lines
//! ----
//! the expected output, up to the next blank line
//!
//! // An output that holds blank lines itself stands between doubled marks.
//! input
//! ----
//! ----
//! first
//!
//! third
//! ----
//! ----
//! ```
//!
//! With `SKIFF_REWRITE=1` in the environment the outputs are written into the files in place of a comparison.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const MARK: &str = "----";

struct Case {
    comment: String,
    input: String,
    expected: String,
    line: usize,
}

/// Runs every case of every `.txt` file in `tests/golden/<topic>` through `answer` and fails with all that differ. The
/// input ends with a newline; outputs are compared without trailing newlines.
pub(crate) fn run(topic: &str, answer: impl Fn(&str) -> String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(topic);
    let rewrite = std::env::var_os("SKIFF_REWRITE").is_some_and(|value| value == "1");
    let mut complaints = Vec::new();
    let mut cases_seen = 0;
    match text_files(&folder) {
        Err(error) => complaints.push(format!("read {}: {error}", folder.display())),
        Ok(files) => {
            for file in files {
                match run_file(&file, rewrite, &answer) {
                    Ok((cases, mut wrong)) => {
                        cases_seen += cases;
                        complaints.append(&mut wrong);
                    }
                    Err(error) => complaints.push(format!("{}: {error}", file.display())),
                }
            }
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    assert!(cases_seen > 0, "no cases in {}", folder.display());
}

fn text_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<io::Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    Ok(files)
}

/// How many cases the file has, and what is wrong with which.
fn run_file(file: &Path, rewrite: bool, answer: impl Fn(&str) -> String) -> io::Result<(usize, Vec<String>)> {
    let text = fs::read_to_string(file)?;
    let cases = parse(&text).map_err(io::Error::other)?;
    let mut wrong = Vec::new();
    let mut rewritten = Vec::new();
    for case in &cases {
        let got = answer(&case.input);
        let got = got.trim_end_matches('\n');
        if rewrite {
            rewritten.push(show(case, got));
        } else if got != case.expected {
            let place = format!("{}:{}\n{}", file.display(), case.line, case.comment);
            wrong.push(format!("{place}{}--- expected\n{}\n--- got\n{got}\n", case.input, case.expected));
        }
    }
    if rewrite {
        fs::write(file, rewritten.join("\n"))?;
    }
    Ok((cases.len(), wrong))
}

fn show(case: &Case, output: &str) -> String {
    let has_blank_lines = output.is_empty() || output.lines().any(str::is_empty);
    let (open, close) = if has_blank_lines { ("----\n----\n", "----\n----\n") } else { ("----\n", "") };
    let newline = if output.is_empty() { "" } else { "\n" };
    format!("{}{}{open}{output}{newline}{close}", case.comment, case.input)
}

fn parse(text: &str) -> Result<Vec<Case>, String> {
    let mut lines = text.lines().enumerate().peekable();
    let mut cases = Vec::new();
    loop {
        while lines.next_if(|(_, line)| line.is_empty()).is_some() {}
        let Some((index, _)) = lines.peek() else { return Ok(cases) };
        let line = index + 1;
        let comment = block(std::iter::from_fn(|| lines.next_if(|(_, line)| line.starts_with("//"))));
        if comment.is_empty() {
            return Err(format!("the case in line {line} has no comment"));
        }
        let input = block(lines.by_ref().take_while(|(_, line)| *line != MARK));
        let expected = if lines.next_if(|(_, line)| *line == MARK).is_some() {
            let inside = block(lines.by_ref().take_while(|(_, line)| *line != MARK));
            lines
                .next_if(|(_, line)| *line == MARK)
                .ok_or(format!("the output after line {line} does not end"))?;
            inside
        } else {
            block(std::iter::from_fn(|| lines.next_if(|(_, line)| !line.is_empty())))
        };
        cases.push(Case { comment, input, expected: expected.trim_end_matches('\n').into(), line });
    }
}

fn block<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> String {
    lines.map(|(_, line)| format!("{line}\n")).collect()
}
