//! The headline figures: a panel each, in it a bar for each peer.

use std::path::Path;

use anyhow::Result;
use plotters::prelude::{Color, RGBColor, Rectangle, Text};
use plotters::style::text_anchor::HPos;

use super::{Canvas, HIGHLIGHT, INK, PALE_INK, bold, canvas, caption, text};
use crate::figures::Better;
use crate::markdown::grouped;
use crate::peers::{DIRECT, OURS, OURS_X25519};
use crate::report::{ColumnReport, Report};

/// Draws nothing if none of them was measured.
pub(super) fn draw(report: &Report, path: &Path) -> Result<()> {
    let panels: Vec<_> = PANELS.iter().filter_map(|panel| panel.column(report)).collect();
    if panels.is_empty() {
        return Ok(());
    }
    let rows = panels.len().div_ceil(COLUMNS);
    let bars = panels.iter().map(|(_, column)| medians(report, column).len()).max();
    let panel_height = HEAD + BAR_PITCH * i32::try_from(bars.unwrap_or(0))? + GAP;
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

    let medians = medians(report, column);
    let greatest = medians.iter().map(|entry| entry.2).fold(f64::MIN_POSITIVE, f64::max);
    let mut top = HEAD;
    for (id, name, median) in medians {
        let (middle, bottom) = (top + BAR / 2, top + BAR);
        let ours = [OURS, OURS_X25519].contains(&id);
        let style = if ours { bold } else { text };
        let name =
            Text::new(name.to_owned(), (BAR_LEFT - 8, middle), style(12.0, INK, HPos::Right));
        cell.draw(&name)?;
        #[allow(clippy::cast_possible_truncation, reason = "at most the longest bar")]
        let length = (f64::from(BAR_MAX) * median / greatest).round() as i32;
        let end = BAR_LEFT + length.max(0);
        let fill = if ours { HIGHLIGHT } else { BAR_FILL };
        cell.draw(&Rectangle::new([(BAR_LEFT, top), (end, bottom)], fill.filled()))?;
        cell.draw(&Text::new(grouped(median), (end + 6, middle), style(12.0, INK, HPos::Left)))?;
        top += BAR_PITCH;
    }
    Ok(())
}

/// The ids and names of those that were measured, with their numbers.
fn medians<'a>(report: &'a Report, column: &ColumnReport) -> Vec<(&'a str, &'a str, f64)> {
    let peers = report.peers.iter().filter(|(id, _)| !LEFT_OUT.contains(&id.as_str()));
    peers
        .filter_map(|(id, peer)| {
            Some((id.as_str(), peer.name.as_str(), column.summary(id)?.median))
        })
        .collect()
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
        Some((self.title, report.column(self.figure, self.column)?))
    }
}

const fn show(figure: &'static str, column: &'static str, title: &'static str) -> Panel {
    Panel { figure, column, title }
}

/// From left to right, then down.
const PANELS: &[Panel] = &[
    show("bulk-1", "mb_per_s", "Bulk, one connection: MB/s"),
    show("bulk-1", "cpu_s_per_gb", "Bulk, one connection: CPU seconds per GB"),
    show("bulk-8", "mb_per_s", "Bulk, 8 connections: MB/s"),
    show("bulk-8", "cpu_s_per_gb", "Bulk, 8 connections: CPU seconds per GB"),
    show("ping-pong", "p50_us", "Round trip of 64 bytes: median µs"),
    show("ping-pong-pinned", "p50_us", "The same with all processes on one core"),
    show("redis", "per_s", "Redis, 50 clients: requests/s"),
    show("redis-pipelined", "per_s", "Redis, 50 clients, pipeline of 16: requests/s"),
    show("connections-16", "per_s", "New connections per second, 16 at once"),
    show("connections-16", "cpu_ms_per_connection", "CPU milliseconds per new connection"),
    show("memory-in-use", "kib_after_batch", "KiB per connection, 64 KiB each way just moved"),
    show("memory", "kib_per_connection", "KiB per idle connection, of 1,000"),
];

/// Next to no pipe at all, pipes would all look alike; and one of many pipes is
/// like a single one.
const LEFT_OUT: &[&str] = &[DIRECT, "spiped-ours-of-100"];

const BAR_FILL: RGBColor = RGBColor(175, 184, 193);

const COLUMNS: usize = 2;

// Pixels.
const WIDTH: u32 = 880;
const MARGIN: i32 = 16;
const HEAD: i32 = 50;
const BAR_LEFT: i32 = 150;
const BAR_MAX: i32 = 214;
const BAR: i32 = 16;
const BAR_PITCH: i32 = 21;
const GAP: i32 = 14;
const FOOT: i32 = 36;
