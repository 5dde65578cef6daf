//! Tables as fleet printed them and scripts cut them: cells padded with TABs to a common width (contract §3.3).
//! Which rows and columns there are is for the listings to say.

use crate::screen::elided;

/// Width of one TAB on a terminal, in columns.
const TAB_COLUMNS: usize = 8;

/// What stands in a cell without a value.
const MISSING: &str = "-";

/// Rows of cells under an optional heading.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table whose heading, unless left out, is the field names in capitals.
    pub(crate) fn with_heading(fields: &[&str], legend: bool) -> Self {
        let heading = fields.iter().map(|field| field.to_uppercase()).collect();
        Self { rows: if legend { vec![heading] } else { Vec::new() } }
    }

    /// Adds a row. An empty cell becomes `-`; control characters, which would break the table or the terminal,
    /// become `?`.
    pub(crate) fn push(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(plain).collect());
    }

    /// The whole text, each row ended by a newline.
    pub(crate) fn text(&self) -> String {
        self.text_within(None)
    }

    /// The same with cells cut where rows would not fit on a line of `screen` columns.
    pub(crate) fn text_within(&self, screen: Option<usize>) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut longest: Vec<usize> = (0..columns).map(|column| self.longest(column)).collect();
        if let Some(screen) = screen {
            shrink(&mut longest, screen);
        }
        let mut text = String::new();
        for row in &self.rows {
            for (position, (cell, longest)) in row.iter().zip(&longest).enumerate() {
                let cell = elided(cell, *longest);
                text.push_str(&cell);
                if position + 1 < row.len() {
                    let missing = stop_behind(*longest).saturating_sub(cell.chars().count());
                    text.extend(std::iter::repeat_n('\t', missing.div_ceil(TAB_COLUMNS)));
                }
            }
            text.push('\n');
        }
        text
    }

    fn longest(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

/// Where the next column begins behind cells of at most `longest` characters.
fn stop_behind(longest: usize) -> usize {
    (longest + 1).next_multiple_of(TAB_COLUMNS)
}

/// Takes from the widest columns, of equals from the one farthest to the right, until a row fits on `screen` columns.
fn shrink(longest: &mut [usize], screen: usize) {
    loop {
        let Some((last, before)) = longest.split_last() else { return };
        let used: usize = before.iter().map(|longest| stop_behind(*longest)).sum::<usize>() + last;
        let widest =
            longest.iter_mut().filter(|longest| **longest >= TAB_COLUMNS).max_by_key(|longest| **longest);
        match widest {
            Some(widest) if used > screen => *widest -= 1,
            _ => return,
        }
    }
}

fn plain(cell: String) -> String {
    match cell {
        cell if cell.is_empty() => MISSING.to_owned(),
        cell if cell.contains(char::is_control) => cell.replace(char::is_control, "?"),
        cell => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[&[&str]]) -> String {
        let mut table = Table::default();
        for row in rows {
            table.push(row.iter().map(|cell| (*cell).to_owned()));
        }
        table.text()
    }

    #[test]
    fn columns_are_padded_to_tab_stops() {
        assert_eq!(table(&[&["UNIT", "MACHINE", "SUB"]]), "UNIT\tMACHINE\tSUB\n");
        assert_eq!(table(&[&["SUB", "x"], &["inactive", "y"]]), "SUB\t\tx\ninactive\ty\n");
        assert_eq!(table(&[&["1234567", "x"], &["1", "y"]]), "1234567\tx\n1\ty\n");
        assert_eq!(table(&[&["only one column is never padded"]]), "only one column is never padded\n");
    }

    /// How far a line reaches on a terminal.
    fn shown_columns(line: &str) -> usize {
        line.chars().fold(0, |at, c| if c == '\t' { stop_behind(at) } else { at + 1 })
    }

    #[test]
    fn a_row_fits_the_screen() {
        let mut table = Table::with_heading(&["unit", "machine", "desc"], true);
        let cells =
            |unit: &str, desc: &str| [unit.to_owned(), "148a18ff.../10.10.1.1".to_owned(), desc.to_owned()];
        table.push(cells("a.service", &"words ".repeat(20)));
        table.push(cells(&"long-".repeat(12), "short"));
        for screen in [80, 60, 41, 132] {
            for line in table.text_within(Some(screen)).lines() {
                assert!(shown_columns(line) <= screen, "{screen}: {line:?}");
            }
        }
        assert_eq!(table.text_within(Some(1000)), table.text());
        assert!(
            table.text_within(Some(80)).contains("148a18ff.../10.10.1.1"),
            "{}",
            table.text_within(Some(80))
        );
    }

    #[test]
    fn empty_cells_and_control_characters_are_made_plain() {
        assert_eq!(table(&[&["", "a\tb\n\u{1b}[31m"]]), "-\ta?b??[31m\n");
    }

    #[test]
    fn width_is_counted_in_characters() {
        assert_eq!(table(&[&["äöüäöü7", "x"]]), "äöüäöü7\tx\n");
    }

    #[test]
    fn the_heading_can_be_left_out() {
        assert_eq!(Table::with_heading(&["unit", "sub"], true).text(), "UNIT\tSUB\n");
        assert_eq!(Table::with_heading(&["unit", "sub"], false).text(), "");
    }
}
