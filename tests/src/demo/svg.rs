//! The demo's picture for the README: a terminal window with the parts of a walk that tell the story, drawn from what was
//! really shown. It selects and draws; it invents nothing.

use std::fmt::Write;
use std::path::Path;

use crate::demo::folders::write;
use crate::demo::screen::{Kind, Line};
use crate::failure::Outcome;

/// Chapters that are drawn; the picture is to fit on one screen.
const CHAPTERS: [&str; 4] = [
    "The machines of the cluster",
    "Run a service in the cluster",
    "Run a high availability service",
    "A machine dies",
];
/// Most characters of a line.
const COLUMNS: usize = 100;
const CHARACTER_WIDTH_TENTHS: usize = 78;
const LINE_HEIGHT: usize = 17;
const MARGIN: usize = 16;
const TITLE_HEIGHT: usize = 30;
/// A tab reaches to the next multiple of this.
const TAB_COLUMNS: usize = 8;
/// A blank that counts: the one that also keeps words together.
const BLANK: char = '\u{a0}';

/// Draws the story into a file.
///
/// # Errors
/// When the file cannot be written.
pub fn draw(shown: &[Line], file: &Path) -> Outcome {
    write(file, &picture(&story(shown)))
}

/// The lines of the chapters to draw, with no two empty ones in a row.
fn story(shown: &[Line]) -> Vec<&Line> {
    let mut drawn: Vec<&Line> = Vec::new();
    let mut inside = false;
    for line in shown {
        if line.kind == Kind::Heading {
            inside = CHAPTERS.contains(&line.text.as_str());
        }
        let doubled = line.text.is_empty() && drawn.last().is_none_or(|before| before.text.is_empty());
        if inside && !doubled {
            drawn.push(line);
        }
    }
    drawn
}

fn picture(lines: &[&Line]) -> String {
    let width = COLUMNS * CHARACTER_WIDTH_TENTHS / 10 + 2 * MARGIN;
    let height = TITLE_HEIGHT + lines.len() * LINE_HEIGHT + 2 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"13\">\n\
         <title>cargo demo: three machines, a service, two copies that keep apart, and a machine that dies</title>\n\
         <style>text{{fill:#c9d1d9}}.h{{fill:#56d4dd;font-weight:bold}}.t{{fill:#8b949e}}\
         .c{{fill:#fff;font-weight:bold}}.p{{fill:#3fb950}}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n"
    );
    for (x, colour) in [(18, "#ff5f57"), (38, "#febc2e"), (58, "#28c840")] {
        let _ = writeln!(svg, "<circle cx=\"{x}\" cy=\"16\" r=\"6\" fill=\"{colour}\"/>");
    }
    let mut y = TITLE_HEIGHT + MARGIN;
    for line in lines {
        y += LINE_HEIGHT;
        let (class, prompt) = match line.kind {
            Kind::Heading => (" class=\"h\"", ""),
            Kind::Talk => (" class=\"t\"", ""),
            Kind::Typed => (" class=\"c\"", "<tspan class=\"p\">$</tspan><tspan dx=\"8\">"),
            Kind::Output => ("", ""),
        };
        if !line.text.is_empty() {
            let text = escaped(&fitted(&line.text));
            let end = if prompt.is_empty() { "" } else { "</tspan>" };
            let _ = writeln!(svg, "<text x=\"{MARGIN}\" y=\"{y}\"{class}>{prompt}{text}{end}</text>");
        }
    }
    svg + "</svg>\n"
}

/// Tabs as blanks, and no longer than the window is wide. The blanks are such that no viewer runs them together.
fn fitted(text: &str) -> String {
    let mut line = String::new();
    let mut column = 0;
    for character in text.chars() {
        let wide = if character == '\t' { TAB_COLUMNS - column % TAB_COLUMNS } else { 1 };
        if column + wide > COLUMNS {
            line.push('…');
            break;
        }
        column += wide;
        match character {
            '\t' | ' ' => line.extend(std::iter::repeat_n(BLANK, wide)),
            other => line.push(other),
        }
    }
    line
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: Kind, text: &str) -> Line {
        Line { kind, text: text.to_owned() }
    }

    #[test]
    fn only_the_story_is_drawn_and_as_xml() {
        let shown = [
            line(Kind::Heading, "Templates"),
            line(Kind::Typed, "ctl submit web@.service"),
            line(Kind::Heading, "A machine dies"),
            line(Kind::Output, ""),
            line(Kind::Output, ""),
            line(Kind::Output, "a\t<b> & c"),
        ];
        let svg = picture(&story(&shown));
        assert!(
            svg.contains(">a\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}&lt;b&gt;\u{a0}&amp;\u{a0}c</text>"),
            "{svg}"
        );
        assert!(!svg.contains("web@"), "{svg}");
        assert_eq!(svg.matches("<text").count(), 2);
    }

    #[test]
    fn a_long_line_ends_at_the_windows_edge() {
        assert_eq!(fitted(&"x".repeat(200)).chars().count(), COLUMNS + 1);
    }
}
