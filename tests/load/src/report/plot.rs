//! The plots beside the table, as SVG.

use std::fmt::Write;

use hdrhistogram::Histogram;

use super::{Aim, Row, page::figure};

const WIDTH: f64 = 860.0;
const LEFT: f64 = 260.0;
const LINE: f64 = 26.0;

/// A bar for each row: how many times better or worse than its aim, on a logarithmic axis.
pub fn ratios(rows: &[Row]) -> String {
    let decades = 2.0; // to each side of the aim
    let middle = LEFT + (WIDTH - LEFT - 20.0) / 2.0;
    let per_decade = (WIDTH - LEFT - 20.0) / 2.0 / decades;
    let height = LINE * (rows.len() as f64 + 2.0);
    let mut svg = open(height);
    let marks = [
        (-2.0, "start", "100 × worse"),
        (-1.0, "middle", "10 ×"),
        (0.0, "middle", "aim"),
        (1.0, "middle", "10 ×"),
        (2.0, "end", "100 × better"),
    ];
    for (power, anchor, label) in marks {
        let x = middle + power * per_decade;
        text(&mut svg, x, 16.0, anchor, label);
        line(&mut svg, (x, 22.0), (x, height - 8.0), "#bbb");
    }
    for (place, row) in rows.iter().enumerate() {
        let y = LINE * (place as f64 + 1.5);
        let good = goodness(row);
        let end = middle + good.log10().clamp(-decades, decades) * per_decade;
        let colour = if row.aim.is_met(row.compared.ratio) { "#2a7f62" } else { "#c2452d" };
        let (x, width) = (middle.min(end), (end - middle).abs().max(1.0));
        writeln!(svg, r#"<rect x="{x:.1}" y="{:.1}" width="{width:.1}" height="14" fill="{colour}"/>"#, y - 11.0)
            .expect("text");
        text(&mut svg, LEFT - 10.0, y, "end", row.key);
        let (x, anchor) = if end < middle { (middle + 6.0, "start") } else { (middle - 6.0, "end") };
        text(&mut svg, x, y, anchor, &figure(row.compared.ratio));
    }
    svg + "</svg>\n"
}

/// How many times better than its aim.
fn goodness(row: &Row) -> f64 {
    let ratio = row.compared.ratio.max(1e-9);
    match row.aim {
        Aim::AtLeast(least) => ratio / least,
        Aim::AtMost(most) => most.max(1e-9) / ratio,
    }
}

const QUANTILES: [f64; 6] = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999];

/// Latencies over their quantiles, both axes logarithmic: the server in colour, its limit beside it in grey.
pub fn latencies(rows: &[Row]) -> String {
    let measured = rows.iter().filter_map(|row| Some((row, row.latencies.as_ref()?)));
    let height = 150.0;
    let mut svg = open(0.0);
    let mut top = 0.0;
    for (row, (ours, limit)) in measured {
        text(&mut svg, 10.0, top + 20.0, "start", &format!("{}: latency in ms", row.key));
        let bottom = top + height - 26.0;
        for (place, quantile) in QUANTILES.iter().enumerate() {
            text(&mut svg, column(place), top + height - 8.0, "middle", &format!("{} %", figure(quantile * 100.0)));
        }
        for milliseconds in [0.01, 0.1, 1.0, 10.0, 100.0] {
            let y = level(milliseconds, top, bottom);
            line(&mut svg, (LEFT, y), (WIDTH - 20.0, y), "#ddd");
            text(&mut svg, LEFT - 10.0, y + 4.0, "end", &figure(milliseconds));
        }
        curve(&mut svg, limit, "#888", top, bottom);
        curve(&mut svg, ours, "#2a7f62", top, bottom);
        top += height + 14.0;
    }
    svg.replacen(&open(0.0), &open(top), 1) + "</svg>\n"
}

fn column(place: usize) -> f64 {
    LEFT + place as f64 * (WIDTH - LEFT - 50.0) / (QUANTILES.len() - 1) as f64
}

/// From 10 µs to 1 s.
fn level(milliseconds: f64, top: f64, bottom: f64) -> f64 {
    let part = ((milliseconds.log10() + 2.0) / 5.0).clamp(0.0, 1.0);
    bottom - part * (bottom - top - 30.0)
}

fn curve(svg: &mut String, latencies: &Histogram<u64>, colour: &str, top: f64, bottom: f64) {
    let points: Vec<String> = QUANTILES
        .iter()
        .enumerate()
        .map(|(place, quantile)| {
            let milliseconds = latencies.value_at_quantile(*quantile) as f64 / 1e6;
            format!("{:.1},{:.1}", column(place), level(milliseconds, top, bottom))
        })
        .collect();
    writeln!(svg, r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#, points.join(" "))
        .expect("text");
}

fn open(height: f64) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    )
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    writeln!(svg, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#).expect("text");
}

fn line(svg: &mut String, from: (f64, f64), to: (f64, f64), colour: &str) {
    let ((x1, y1), (x2, y2)) = (from, to);
    writeln!(svg, r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="{colour}"/>"#).expect("text");
}
