//! The man page of the configuration file, made from the commented file that is installed. The form of that file is
//! known here: comments above `#key=value`, `# ---- heading ----`.

use super::roff::Roff;

/// The page.
pub(super) fn page(file: &str) -> String {
    let mut page = Roff::page("fleet.conf", 5);
    page.heading("Name");
    page.line("fleet.conf - settings of the Skiff agent");
    page.heading("Description");
    let mut paragraphs = file.split("\n\n").map(Paragraph::of);
    if let Some(head) = paragraphs.next() {
        page.line(&head.text);
    }
    page.paragraph("A line holds `key=value`; values may be quoted, and a comment begins with # or ;. A wrong key or value keeps \
                    the agent from starting, with file and line named.");
    for Paragraph { heading, text, keys } in paragraphs {
        if let Some(heading) = heading {
            page.heading(&heading);
        }
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        match keys.as_slice() {
            [] if text.is_empty() => {}
            [] => page.paragraph(&text),
            keys => page.item(keys, if text.is_empty() { "Accepted, without effect." } else { &text }),
        }
    }
    page.heading("See also");
    page.line("skiff-agent(8), ctl(1)");
    page.text()
}

/// Lines that belong together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Paragraph {
    heading: Option<String>,
    text: String,
    /// `key=value`, each the default or an example.
    keys: Vec<String>,
}

impl Paragraph {
    fn of(lines: &str) -> Self {
        let mut paragraph = Self::default();
        for line in lines.lines() {
            let Some(body) = line.strip_prefix('#') else { continue };
            let heading = body.trim().strip_prefix("---- ").and_then(|text| text.strip_suffix(" ----"));
            match (heading, body.strip_prefix(' ')) {
                (Some(heading), _) => paragraph.heading = Some(heading.to_owned()),
                (None, Some(text)) => {
                    let gap = if paragraph.text.is_empty() { "" } else { " " };
                    paragraph.text.push_str(&format!("{gap}{text}"));
                }
                (None, None) => paragraph.keys.push(body.to_owned()),
            }
        }
        paragraph
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_belong_to_the_keys_below_them() {
        let read = Paragraph::of("# ---- A b ----\n# One.\n# Two.\n#key=\"v\"\n#other=1");
        let keys = vec!["key=\"v\"".to_owned(), "other=1".to_owned()];
        let wanted = Paragraph { heading: Some("A b".to_owned()), text: "One. Two.".to_owned(), keys };
        assert_eq!(read, wanted);
    }
}
