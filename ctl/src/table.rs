//! Tables as fleet printed them and scripts cut them: cells padded with TABs to a common width (contract §3.3).
//! Which rows and columns there are is for the listings to say.

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
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(|column| self.width(column)).collect();
        let mut text = String::new();
        for row in &self.rows {
            for (position, (cell, width)) in row.iter().zip(&widths).enumerate() {
                text.push_str(cell);
                if position + 1 < row.len() {
                    let missing = width.saturating_sub(cell.chars().count());
                    text.extend(std::iter::repeat_n('\t', missing.div_ceil(TAB_COLUMNS)));
                }
            }
            text.push('\n');
        }
        text
    }

    fn width(&self, column: usize) -> usize {
        let longest =
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        (longest.unwrap_or(0) + 1).next_multiple_of(TAB_COLUMNS)
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
