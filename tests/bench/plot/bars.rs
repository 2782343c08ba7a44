//! The headline figures: a panel each, in it a bar for each peer.

use std::path::Path;

use anyhow::Result;
use plotters::prelude::{Color, RGBColor, Rectangle, Text};
use plotters::style::text_anchor::HPos;

use super::{Canvas, HIGHLIGHT, INK, PALE_INK, bold, canvas, caption, grouped, text};
use crate::figures::Better;
use crate::peers::OURS;
use crate::report::{ColumnReport, Report};

/// Draws nothing if none of them was measured.
pub(super) fn draw(report: &Report, path: &Path) -> Result<()> {
    let panels: Vec<_> = PANELS.iter().filter_map(|panel| panel.column(report)).collect();
    if panels.is_empty() {
        return Ok(());
    }
    let rows = panels.len().div_ceil(COLUMNS);
    let peers = report.peers.keys().filter(|id| !LEFT_OUT.contains(&id.as_str())).count();
    let panel_height = HEAD + BAR_PITCH * i32::try_from(peers)? + GAP;
    let height = u32::try_from(panel_height * i32::try_from(rows)? + FOOT)?;
    let canvas = canvas(path, (WIDTH, height))?;
    let (grid, foot) = canvas.split_vertically(height - u32::try_from(FOOT)?);
    let cells = grid.split_evenly((rows, COLUMNS));
    for (cell, (title, column)) in cells.iter().zip(&panels) {
        panel(report, cell, title, column)?;
    }
    foot.draw(&Text::new(
        caption(report, report.rounds),
        (MARGIN, FOOT / 2),
        text(12.0, PALE_INK, HPos::Left),
    ))?;
    Ok(canvas.present()?)
}

fn panel(report: &Report, cell: &Canvas, title: &str, column: &ColumnReport) -> Result<()> {
    cell.draw(&Text::new(title.to_owned(), (MARGIN, 18), bold(14.0, INK, HPos::Left)))?;
    let better = match column.better {
        Better::More => "more is better",
        Better::Less => "less is better",
    };
    cell.draw(&Text::new(better, (MARGIN, 36), text(11.0, PALE_INK, HPos::Left)))?;

    let peers = report.peers.iter().filter(|(id, _)| !LEFT_OUT.contains(&id.as_str()));
    let medians: Vec<_> =
        peers.map(|(id, peer)| (id, peer, column.summary(id).map(|s| s.median))).collect();
    let greatest = medians.iter().filter_map(|entry| entry.2).fold(f64::MIN_POSITIVE, f64::max);
    let mut top = HEAD;
    for (id, peer, median) in medians {
        let (middle, bottom) = (top + BAR / 2, top + BAR);
        let ours = id == OURS;
        let style = if ours { bold } else { text };
        let name =
            Text::new(peer.name.clone(), (BAR_LEFT - 8, middle), style(12.0, INK, HPos::Right));
        cell.draw(&name)?;
        #[allow(clippy::cast_possible_truncation, reason = "at most the longest bar")]
        let length = (f64::from(BAR_MAX) * median.unwrap_or(0.0) / greatest).round() as i32;
        let end = BAR_LEFT + length.max(0);
        let fill = if ours { HIGHLIGHT } else { BAR_FILL };
        cell.draw(&Rectangle::new([(BAR_LEFT, top), (end, bottom)], fill.filled()))?;
        let value = median.map_or_else(|| "no value".to_owned(), grouped);
        cell.draw(&Text::new(value, (end + 6, middle), style(12.0, INK, HPos::Left)))?;
        top += BAR_PITCH;
    }
    Ok(())
}

/// A figure's column, with a title that needs no other.
struct Panel {
    figure: &'static str,
    column: &'static str,
    title: &'static str,
}

impl Panel {
    /// Its title and numbers, if they were measured.
    fn column<'a>(&self, report: &'a Report) -> Option<(&'static str, &'a ColumnReport)> {
        Some((self.title, report.figures.get(self.figure)?.columns.get(self.column)?))
    }
}

const fn show(figure: &'static str, column: &'static str, title: &'static str) -> Panel {
    Panel { figure, column, title }
}

/// From left to right, then down.
const PANELS: &[Panel] = &[
    show("bulk-1", "mb_per_s", "Bulk, one connection: MB/s"),
    show("bulk-1", "cpu_s_per_gb", "Bulk, one connection: CPU seconds per GB"),
    show("connections-16", "per_s", "New connections per second, 16 at once"),
    show("connections-16", "cpu_ms_per_connection", "CPU milliseconds per new connection"),
    show("redis", "per_s", "Redis, 50 clients: requests/s"),
    show("redis-pipelined", "per_s", "Redis, 50 clients, pipeline of 16: requests/s"),
    show("ping-pong", "p50_us", "Round trip of 64 bytes: median µs"),
    show("memory", "kib_per_connection", "KiB per idle connection, of 1,000"),
];

/// Next to no pipe at all, pipes would all look alike.
const LEFT_OUT: &[&str] = &["direct"];

const BAR_FILL: RGBColor = RGBColor(175, 184, 193);

const COLUMNS: usize = 2;

// Pixels.
const WIDTH: u32 = 880;
const MARGIN: i32 = 16;
const HEAD: i32 = 50;
const BAR_LEFT: i32 = 124;
const BAR_MAX: i32 = 240;
const BAR: i32 = 16;
const BAR_PITCH: i32 = 21;
const GAP: i32 = 14;
const FOOT: i32 = 36;
