//! Memory against the number of idle connections: a line for each peer.

use std::path::Path;

use anyhow::Result;
use plotters::chart::ChartBuilder;
use plotters::prelude::{Circle, Color, RGBColor, Text};
use plotters::series::LineSeries;
use plotters::style::text_anchor::HPos;

use super::{HIGHLIGHT, INK, PALE_INK, bold, canvas, caption, text};
use crate::figures::memory::STEPS;
use crate::limits::MANY;
use crate::markdown::grouped;
use crate::peers::{OURS, REFERENCE, UPSTREAM};
use crate::report::Report;

/// A peer's name and id, and its MiB at so many connections, at least once.
struct Line<'a> {
    id: &'a str,
    name: &'a str,
    points: Vec<(f64, f64)>,
}

/// Draws nothing if memory was not measured.
pub(super) fn draw(report: &Report, path: &Path) -> Result<()> {
    let lines = lines(report);
    if lines.is_empty() {
        return Ok(());
    }
    let points = lines.iter().flat_map(|line| &line.points);
    let top = points.map(|point| point.1).fold(1.0, f64::max) * 1.06;

    let canvas = canvas(path, SIZE)?;
    let title = "Memory of both daemons, MiB, by the number of idle connections";
    canvas.draw(&Text::new(title, (16, 20), bold(14.0, INK, HPos::Left)))?;
    let foot = (16, i32::try_from(SIZE.1)? - 16);
    canvas.draw(&Text::new(caption(report, 1), foot, text(12.0, PALE_INK, HPos::Left)))?;

    let mut chart = ChartBuilder::on(&canvas)
        .margin_top(44)
        .margin_right(200)
        .margin_bottom(36)
        .margin_left(16)
        .x_label_area_size(32)
        .y_label_area_size(52)
        .build_cartesian_2d(0.0..f64::from(MANY), 0.0..top)?;
    let labels = text(12.0, PALE_INK, HPos::Center);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(GRID)
        .light_line_style(GRID.mix(0.0))
        .axis_style(PALE_INK)
        .label_style(labels.font)
        .x_labels(6)
        .y_labels(8)
        .x_label_formatter(&|value| tick(*value))
        .y_label_formatter(&|value| tick(*value))
        .draw()?;
    let mut ends = Vec::new();
    for line in &lines {
        let (colour, width) = (colour(line.id), if line.id == OURS { 3 } else { 2 });
        let points = line.points.iter().copied();
        chart.draw_series(LineSeries::new(points.clone(), colour.stroke_width(width)))?;
        chart.draw_series(points.map(|point| Circle::new(point, width + 1, colour.filled())))?;
        let last = line.points[line.points.len() - 1];
        let (x, y) = chart.backend_coord(&(f64::from(MANY), last.1));
        ends.push((x + 8, y, format!("{}: {} MiB", line.name, grouped(last.1)), line.id));
    }

    ends.sort_by_key(|end| end.1);
    let mut free = i32::MIN;
    for (x, y, label, id) in ends {
        let y = y.max(free);
        free = y + LABEL_PITCH;
        let style = if id == OURS { bold } else { text };
        canvas.draw(&Text::new(label, (x, y), style(12.0, colour(id), HPos::Left)))?;
    }
    Ok(canvas.present()?)
}

fn lines(report: &Report) -> Vec<Line<'_>> {
    let peers = report.peers.iter().filter_map(|(id, peer)| {
        let median = |column| report.median("memory-growth", column, id);
        let most = median("connections")?;
        let points = STEPS
            .iter()
            .filter_map(|(step, column)| Some((f64::from(*step).min(most), median(column.id)?)));
        let points: Vec<_> = points.collect();
        (!points.is_empty()).then_some(Line { id, name: &peer.name, points })
    });
    peers.collect()
}

/// Zero has no digits that count.
fn tick(value: f64) -> String {
    if value.abs() < 1.0 { "0".to_owned() } else { grouped(value) }
}

fn colour(id: &str) -> RGBColor {
    match id {
        OURS => HIGHLIGHT,
        REFERENCE => RGBColor(87, 96, 106),
        UPSTREAM => RGBColor(140, 149, 159),
        "stunnel" => RGBColor(188, 76, 0),
        _ => RGBColor(130, 80, 223),
    }
}

const GRID: RGBColor = RGBColor(222, 226, 230);

// Pixels.
const SIZE: (u32, u32) = (880, 420);
const LABEL_PITCH: i32 = 18;
