//! The results as pictures, on white so that they can be read on any page.

mod bars;
mod lines;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use plotters::coord::Shift;
use plotters::prelude::{
    DrawingArea, FontStyle, IntoDrawingArea, IntoFont, RGBColor, SVGBackend, TextStyle, WHITE,
};
use plotters::style::Color as _;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::report::Report;

/// Draws all of them in a directory.
pub(crate) fn draw(report: &Report, directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)
        .with_context(|| format!("making the directory {}", directory.display()))?;
    let performance = directory.join("performance.svg");
    bars::draw(report, &performance)
        .with_context(|| format!("drawing {}", performance.display()))?;
    let memory = directory.join("memory.svg");
    lines::draw(report, &memory).with_context(|| format!("drawing {}", memory.display()))
}

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn canvas(path: &Path, size: (u32, u32)) -> Result<Canvas<'_>> {
    let canvas = SVGBackend::new(path, size).into_drawing_area();
    canvas.fill(&WHITE)?;
    Ok(canvas)
}

/// What all values are of.
fn caption(report: &Report, rounds: usize) -> String {
    let machine = &report.machine;
    let rounds = match rounds {
        1 => "measured once".to_owned(),
        rounds => format!("medians of {rounds} rounds"),
    };
    format!("Both ends on one machine: {}, {} cores; {rounds}", machine.cpu, machine.cores)
}

/// Text of so many pixels, to the left or right of a point at half its height.
fn text(pixels: f64, colour: RGBColor, to: HPos) -> TextStyle<'static> {
    styled(pixels, FontStyle::Normal, colour, to)
}

fn bold(pixels: f64, colour: RGBColor, to: HPos) -> TextStyle<'static> {
    styled(pixels, FontStyle::Bold, colour, to)
}

fn styled(pixels: f64, style: FontStyle, colour: RGBColor, to: HPos) -> TextStyle<'static> {
    // The backend divides by this number.
    let font = ("sans-serif", pixels * 1.24).into_font().style(style);
    TextStyle { font, color: colour.to_backend_color(), pos: Pos::new(to, VPos::Center) }
}

const INK: RGBColor = RGBColor(31, 35, 40);
const PALE_INK: RGBColor = RGBColor(89, 99, 110);
const HIGHLIGHT: RGBColor = RGBColor(9, 105, 218);
