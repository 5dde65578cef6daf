//! Words as a shell reads them back unchanged: the one on the other machine, and the one that ssh itself starts for a
//! ProxyCommand. ctl starts no shell.

/// A line that a shell takes apart into exactly these words.
pub(crate) fn line<S: AsRef<str>>(words: &[S]) -> String {
    words.iter().map(|word| quoted(word.as_ref())).collect::<Vec<_>>().join(" ")
}

/// One word. A backslash is written outside the quotes: inside them, fish reads it otherwise than sh does.
fn quoted(word: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./:@=,+".contains(c);
    if !word.is_empty() && word.chars().all(harmless) {
        return word.to_owned();
    }
    let mut out = "'".to_owned();
    for c in word.chars() {
        match c {
            '\'' | '\\' => out.extend(["'\\", c.encode_utf8(&mut [0; 4]), "'"]),
            _ => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// A path as one of several in the value of an ssh option: ssh takes such values apart at blanks, and replaces what
/// begins with a percent sign.
pub(crate) fn option_path(path: &str) -> String {
    let path = path.replace('%', "%%");
    if path.chars().any(|c| c.is_whitespace() || "\"'\\".contains(c)) {
        format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn harmless_words_stay_as_they_are() {
        assert_eq!(
            line(&["systemctl", "status", "-l", "--", "foo@1.service"]),
            "systemctl status -l -- foo@1.service"
        );
        assert_eq!(quoted("a\\x2d.mount"), "'a'\\\\'x2d.mount'");
        assert_eq!(quoted("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_shell_reads_exactly_the_words() {
        let words = [
            "a",
            "",
            " ",
            "a b",
            "it's",
            "\"",
            "\\",
            "\\\\",
            "a\\x2d.mount",
            "$HOME",
            "$(exit 1)",
            "`exit 1`",
            "~",
            "*",
            "; exit 1",
            "&& exit 1",
            "| cat",
            "> /dev/full",
            "#",
            "!!",
            "{a,b}",
            "new\nline",
            "\ttab",
            "ö",
            "-n",
            "%h",
        ];
        let script = format!("printf '%s\\0' {}", line(&words));
        let said = Command::new("sh").args(["-c", &script]).output().unwrap();
        let wanted: String = words.iter().map(|word| format!("{word}\0")).collect();
        assert_eq!(String::from_utf8(said.stdout).unwrap(), wanted);
    }

    #[test]
    fn paths_in_options_survive_blanks_and_percent_signs() {
        assert_eq!(option_path("/home/core/.ssh/known_hosts"), "/home/core/.ssh/known_hosts");
        assert_eq!(option_path("/a b/\"c\"%d"), "\"/a b/\\\"c\\\"%%d\"");
    }
}
