//! The drawing of what grows with the fleet: small panels side by side, one for each figure, drawn from what was measured.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use tests::failure::{Failure, Outcome};

use crate::report::Size;

const PANEL_WIDTH: f64 = 240.0;
const PANEL_HEIGHT: f64 = 190.0;
const COLUMNS: usize = 3;
const MARGIN: f64 = 16.0;
/// Of a panel: left, right, above and below the curve.
const INSET: [f64; 4] = [22.0, 34.0, 44.0, 34.0];

/// One figure: what it is, and its value for a fleet.
type Figure = (&'static str, fn(&Size) -> Option<f64>);

const FIGURES: [Figure; 6] = [
    ("all scheduled from nothing, s", |size| size.time("all scheduled")),
    ("a lost rack's units run again, s", |size| size.time("a rack lost, ")),
    ("requests of one unit's start", |size| size.events),
    ("requests a second, steady", |size| {
        size.steady.as_ref().map(|steady| steady.spent.requests / steady.spent.seconds)
    }),
    ("leader's memory, MiB", |size| size.most("leader").map(|holds| mebibytes(holds.pss_kib))),
    ("follower's memory, MiB", |size| size.most("follower").map(|holds| mebibytes(holds.pss_kib))),
];

#[expect(clippy::cast_precision_loss, reason = "memory in KiB is far below 2^53")]
fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

/// Draws `sizes` into a file.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn draw(sizes: &[Size], file: &Path) -> Outcome {
    fs::write(file, picture(sizes))
        .map_err(|cause| Failure::during(format!("write {}", file.display()), cause))
}

#[expect(clippy::cast_precision_loss, reason = "a handful of panels")]
fn picture(sizes: &[Size]) -> String {
    let rows = FIGURES.len().div_ceil(COLUMNS);
    let (width, height) =
        (PANEL_WIDTH * COLUMNS as f64 + 2.0 * MARGIN, PANEL_HEIGHT * rows as f64 + 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"ui-sans-serif,system-ui,'DejaVu Sans',sans-serif\" font-size=\"11\">\n\
         <title>What grows from 10 to 1,000 machines, with ten units each</title>\n\
         <style>text{{fill:#c9d1d9}}.h{{font-weight:bold}}.t{{fill:#8b949e}}.v{{fill:#56d4dd}}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n"
    );
    for (position, (what, value)) in FIGURES.iter().enumerate() {
        let (column, row) = ((position % COLUMNS) as f64, (position / COLUMNS) as f64);
        let points: Vec<(usize, f64)> =
            sizes.iter().filter_map(|size| Some((size.machines, value(size)?))).collect();
        panel(&mut svg, (MARGIN + column * PANEL_WIDTH, MARGIN + row * PANEL_HEIGHT), what, &points);
    }
    svg + "</svg>\n"
}

/// One figure over the logarithm of the number of machines, from zero up.
#[expect(clippy::cast_precision_loss, reason = "a handful of points")]
fn panel(svg: &mut String, (left, top): (f64, f64), what: &str, points: &[(usize, f64)]) {
    let [before, behind, above, below] = INSET;
    let (x0, x1) = (left + before, left + PANEL_WIDTH - behind);
    let (y0, y1) = (top + PANEL_HEIGHT - below, top + above);
    let most = points.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
    let last = points.len().saturating_sub(1).max(1) as f64;
    let at = |position: usize, value: f64| {
        (x0 + (x1 - x0) * position as f64 / last, y0 + (y1 - y0) * value.max(0.0) / most)
    };
    let _ = writeln!(svg, "<text class=\"h\" x=\"{left:.0}\" y=\"{:.0}\">{what}</text>", top + 14.0);
    let _ = writeln!(svg, "<path d=\"M{x0:.0} {y0:.0}H{x1:.0}\" stroke=\"#30363d\" fill=\"none\"/>");
    let mut curve = String::new();
    for (position, (machines, value)) in points.iter().enumerate() {
        let (x, y) = at(position, *value);
        let _ = write!(curve, "{}{x:.1} {y:.1}", if position == 0 { "M" } else { "L" });
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"#56d4dd\"/>");
        let (shown, middle) = (rounded(*value), "text-anchor=\"middle\"");
        let _ = writeln!(svg, "<text class=\"v\" x=\"{x:.1}\" y=\"{:.1}\" {middle}>{shown}</text>", y - 8.0);
        let _ =
            writeln!(svg, "<text class=\"t\" x=\"{x:.1}\" y=\"{:.1}\" {middle}>{machines}</text>", y0 + 16.0);
    }
    let _ = writeln!(svg, "<path d=\"{curve}\" stroke=\"#56d4dd\" stroke-width=\"1.5\" fill=\"none\"/>");
}

fn rounded(value: f64) -> String {
    if value < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}
