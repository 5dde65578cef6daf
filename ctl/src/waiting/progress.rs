//! One line on standard error that says how far a wait for many units has come: on a terminal only, drawn over itself, and
//! out of the way whenever something else is printed.

use std::cell::Cell;

use crate::screen;
use crate::talk;

/// Fewer units than this need no counting.
const MANY: usize = 4;

/// To the beginning of the line, and nothing on it.
const CLEAR: &str = "\r\u{1b}[K";

/// The line.
pub(super) struct Progress {
    all: usize,
    drawn: Cell<bool>,
    /// Columns of the terminal; `None` where nothing is drawn.
    columns: Option<usize>,
}

impl Progress {
    /// Of a wait for so many units.
    pub(super) fn of(all: usize) -> Self {
        let columns = screen::talk_columns().filter(|_| all >= MANY && screen::can_redraw());
        Self { all, drawn: Cell::new(false), columns }
    }

    /// Says how many are still on their way, and what one of them waits for.
    pub(super) fn show(&self, left: usize, what: &str) {
        let Some(columns) = self.columns.filter(|_| left > 0) else { return };
        let text = format!("{} of {} units, waiting for {what}", self.all - left.min(self.all), self.all);
        // The last column stays free, or the terminal goes to the next line.
        let text = screen::elided(&text, columns.saturating_sub(1));
        talk::draw(&format!("{CLEAR}{}", talk::printable(&text)));
        self.drawn.set(true);
    }

    /// Makes room for something else.
    pub(super) fn clear(&self) {
        if self.drawn.replace(false) {
            talk::draw(CLEAR);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
