//! A page in roff's man macros, piece by piece. What is on a page is told by others.

/// A page that grows.
pub(super) struct Roff {
    text: String,
}

impl Roff {
    /// Begins the page `name` of a section.
    pub(super) fn page(name: &str, section: u8) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let name = escaped(&name.to_uppercase());
        Self { text: format!(".TH {name} {section} \"\" \"Skiff {version}\" \"Skiff\"\n") }
    }

    /// The whole text.
    pub(super) fn text(self) -> String {
        self.text
    }

    /// A heading.
    pub(super) fn heading(&mut self, title: &str) {
        self.text.push_str(&format!(".SH {}\n", escaped(&title.to_uppercase())));
    }

    /// A heading below that.
    pub(super) fn subheading(&mut self, title: &str) {
        self.text.push_str(&format!(".SS {}\n", escaped(title)));
    }

    /// A paragraph; what stands between backquotes is set in bold.
    pub(super) fn paragraph(&mut self, text: &str) {
        self.text.push_str(".PP\n");
        self.line(text);
    }

    /// An item of a list: what it is about, in bold, and a text.
    pub(super) fn item(&mut self, about: &[&str], text: &str) {
        for (position, about) in about.iter().enumerate() {
            self.text.push_str(if position == 0 { ".TP\n" } else { ".TQ\n" });
            self.text.push_str(&format!(".B {}\n", escaped(about)));
        }
        self.line(text);
    }

    /// Lines as they are.
    pub(super) fn example(&mut self, lines: &[String]) {
        self.text.push_str(".PP\n.nf\n.RS\n");
        for line in lines {
            self.text.push_str(&format!("{}\n", escaped(line)));
        }
        self.text.push_str(".RE\n.fi\n");
    }

    /// Text, a sentence or more.
    pub(super) fn line(&mut self, text: &str) {
        let mut bold = false;
        let mut line = String::new();
        for part in text.split('`') {
            let part = escaped(part);
            line.push_str(&if bold { format!("\\fB{part}\\fR") } else { part });
            bold = !bold;
        }
        self.text.push_str(&line);
        self.text.push('\n');
    }
}

/// Text that roff prints as it is: no escapes, no requests, and hyphens that can be copied.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('"', "\\(dq");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_printed_as_it_is() {
        let mut page = Roff::page("a", 1);
        page.line(".PP --no \\n `bold \"-x\"`");
        page.item(&["-a", "--all"], "'quoted'");
        let text = page.text();
        let (_, body) = text.split_once('\n').unwrap();
        assert_eq!(
            body,
            "\\&.PP \\-\\-no \\en \\fBbold \\(dq\\-x\\(dq\\fR\n.TP\n.B \\-a\n.TQ\n.B \\-\\-all\n\\&'quoted'\n"
        );
    }
}
