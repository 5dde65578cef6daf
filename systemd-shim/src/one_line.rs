//! Text from elsewhere made fit for one line of a log, a list or a state row: no control characters, a bound.

/// What stands where a text was cut.
const CUT_MARK: &str = "…";

/// `text` with every control character replaced by a blank, trimmed, at most `max_bytes` long, the mark
/// included that shows a cut.
pub(crate) fn one_line(text: &str, max_bytes: usize) -> String {
    let mut line = String::with_capacity(text.len().min(max_bytes));
    for c in text.trim_matches(|c: char| c.is_whitespace() || c.is_control()).chars() {
        let c = if c.is_control() { ' ' } else { c };
        if line.len() + c.len_utf8() > max_bytes {
            while line.len() + CUT_MARK.len() > max_bytes && line.pop().is_some() {}
            line.push_str(CUT_MARK);
            break;
        }
        line.push(c);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn controls_become_blanks_and_long_texts_are_cut_with_a_mark() {
        assert_eq!(one_line(" a\tb\u{1b}[31m\n", 20), "a b [31m");
        assert_eq!(one_line("abcdefgh", 8), "abcdefgh");
        assert_eq!(one_line("abcdefghi", 8), "abcde…");
        assert_eq!(one_line("ääääää", 8), "ää…");
    }
}
