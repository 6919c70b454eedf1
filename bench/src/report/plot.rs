//! Plots as SVG, readable on light and dark pages.

use std::fmt::Write as _;

use crate::cases::CASES;
use crate::figures::{Load, Results, Run, target};
use crate::seed::PRODUCTS;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 130.0;
const BAR: f64 = 9.0;
/// Told apart on white and on black, and by those who do not see red and green.
const COLOURS: [&str; 7] = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999"];

/// A picture that grows downwards.
struct Picture {
    body: String,
    height: f64,
}

impl Picture {
    fn new(title: &str) -> Self {
        let mut picture = Self { body: String::new(), height: 24.0 };
        picture.text(8.0, 18.0, "start", &format!("<tspan font-weight=\"bold\">{title}</tspan>"));
        picture
    }

    /// Writing to a `String` cannot fail.
    fn text(&mut self, x: f64, y: f64, anchor: &str, text: &str) {
        let _ = writeln!(self.body, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#);
    }

    fn bar(&mut self, y: f64, width: f64, colour: &str) {
        let width = width.max(1.0);
        let _ =
            writeln!(self.body, r#"<rect x="{LEFT}" y="{y:.1}" width="{width:.1}" height="{BAR}" fill="{colour}"/>"#);
    }

    fn line(&mut self, points: &[(f64, f64)], colour: &str) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            self.body,
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#,
            points.join(" ")
        );
    }

    fn legend(&mut self, names: &[&str]) {
        let mut x = LEFT;
        for (name, colour) in names.iter().zip(COLOURS) {
            let y = self.height + 2.0;
            let _ = writeln!(self.body, r#"<rect x="{x:.1}" y="{y:.1}" width="10" height="10" fill="{colour}"/>"#);
            self.text(x + 14.0, y + 9.0, "start", name);
            x += 30.0 + 7.0 * name.len() as f64;
        }
        self.height += 22.0;
    }

    fn finish(self) -> String {
        let height = self.height + 10.0;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" height=\"{height:.0}\">\n\
            <style>text {{ font: 12px sans-serif; fill: #333 }} @media (prefers-color-scheme: dark) {{ text {{ fill: #ddd }} }}</style>\n\
            {}</svg>\n",
            self.body
        )
    }
}

/// Groups of bars: a group for each name, a bar for each value, with its text.
fn bars(title: &str, legend: &[&str], groups: &[(String, Vec<Option<f64>>)], text: fn(f64) -> String) -> String {
    let mut picture = Picture::new(title);
    picture.legend(legend);
    let most = groups.iter().flat_map(|(_, values)| values).flatten().copied().fold(f64::MIN_POSITIVE, f64::max);
    for (name, values) in groups {
        let middle = picture.height + values.len() as f64 * (BAR + 2.0) / 2.0 + 3.0;
        picture.text(LEFT - 8.0, middle, "end", name);
        for (value, colour) in values.iter().zip(COLOURS) {
            if let Some(value) = value {
                let (y, width) = (picture.height, value / most * (WIDTH - LEFT - 90.0));
                picture.bar(y, width, colour);
                picture.text(LEFT + width.max(1.0) + 5.0, y + BAR, "start", &text(*value));
            }
            picture.height += BAR + 2.0;
        }
        picture.height += 7.0;
    }
    picture.finish()
}

pub fn rates(run: &Run) -> String {
    let targets = [target::OFF, target::FLOOR, target::FAST, target::PGBENCH];
    let of = |name: &str| targets.iter().map(|of| run.rate(name, of, 16)).collect();
    let groups: Vec<_> = CASES.iter().map(|case| (case.name.to_owned(), of(case.name))).collect();
    bars("Requests per second, 16 connections", &targets, &groups, |rate| format!("{rate:.0}"))
}

pub fn latencies(run: &Run) -> String {
    let mut groups = Vec::new();
    for row in run.rows.iter().filter(|row| row.load == Load::Open) {
        groups.push((format!("{}, {}", row.case, row.target), vec![Some(row.p50), Some(row.p99), Some(row.p999)]));
    }
    bars("Milliseconds at a constant rate", &["p50", "p99", "p99.9"], &groups, |time| format!("{time:.2}"))
}

/// Times by the size of the catalogue; both axes are logarithmic.
pub fn scale(results: &Results) -> String {
    let mut picture = Picture::new("Milliseconds of a planned read by products, one connection");
    let (top, height, width) = (40.0, 360.0, WIDTH - LEFT - 150.0);
    let time = |name: &str, run: &Run| run.row(name, target::OFF, 1).map(|row| row.p50.max(0.01));
    // From 0.01 ms to 100 ms.
    let y = |time: f64| top + height - (time.log10() + 2.0) / 4.0 * height;
    let x = |scale: u32| LEFT + f64::from(scale).log10() / 2.0 * width;
    for power in -2..=2 {
        let time = 10_f64.powi(power);
        picture.text(LEFT - 8.0, y(time) + 4.0, "end", &format!("{time} ms"));
        let _ = writeln!(picture.body, r##"<path d="M{LEFT} {0:.1}h{width:.1}" stroke="#8888" />"##, y(time));
    }
    for scale in results.runs.keys() {
        picture.text(x(*scale), top + height + 18.0, "middle", &format!("{}k", scale * PRODUCTS / 1000));
    }
    let mut labels: Vec<f64> = Vec::new();
    for (place, case) in CASES.iter().enumerate() {
        let points = results.runs.iter().filter_map(|(scale, run)| Some((x(*scale), y(time(case.name, run)?))));
        let points: Vec<(f64, f64)> = points.collect();
        let colour = COLOURS[place % COLOURS.len()];
        picture.line(&points, colour);
        if let Some((x, y)) = points.last() {
            // Labels of lines that end at the same height are below each other.
            let mut at = *y;
            while labels.iter().any(|label| (label - at).abs() < 12.0) {
                at += 12.0;
            }
            labels.push(at);
            picture.text(x + 8.0, at + 4.0, "start", &format!("<tspan fill=\"{colour}\">{}</tspan>", case.name));
        }
    }
    picture.height = top + height + 30.0;
    picture.finish()
}
