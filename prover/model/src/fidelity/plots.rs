//! The report's pictures, as SVG: error and saturation by value in order of computation, cosines of the samples.

use plotters::prelude::*;

use super::{FidelityError, FidelityReport};

const SIZE: (u32, u32) = (960, 400);
/// Errors below this are drawn there.
const SMALLEST: f64 = 1e-7;
/// Bars of a histogram.
const BINS: usize = 40;

/// A chart: caption, names of the axes, largest x.
struct Chart<'a> {
    caption: &'a str,
    axes: [&'a str; 2],
    width: f64,
}

impl FidelityReport {
    /// `(file name, SVG)`: `errors.svg`, `saturation.svg`, and `cosine.svg` of the first output.
    ///
    /// # Errors
    /// [`FidelityError::Plot`] with the library's reason.
    pub fn plots(&self) -> Result<Vec<(&'static str, String)>, FidelityError> {
        let errors: Vec<f64> = self
            .values
            .iter()
            .map(|v| v.agreement.relative_error)
            .collect();
        let saturated: Vec<f64> = self.values.iter().map(|v| v.saturated as f64).collect();
        let cosines = self.outputs.first().map_or(&[][..], |o| &o.sample_cosines);
        let named = |name: &'static str, svg: Result<String, String>| {
            let name_of = |what| FidelityError::Plot {
                name: name.into(),
                what,
            };
            svg.map(|svg| (name, svg)).map_err(name_of)
        };
        Ok(vec![
            named("errors.svg", self.error_plot(&errors))?,
            named("saturation.svg", self.saturation_plot(&saturated))?,
            named("cosine.svg", cosine_plot(cosines, self.samples))?,
        ])
    }

    fn error_plot(&self, errors: &[f64]) -> Result<String, String> {
        let points = errors
            .iter()
            .enumerate()
            .map(|(i, &e)| (i as f64, e.max(SMALLEST).log10()));
        let points: Vec<(f64, f64)> = points.collect();
        let caption = format!("relative error of every value, {} samples", self.samples);
        let chart = Chart {
            caption: &caption,
            axes: [
                "value, in order of computation",
                "log10 of the relative error",
            ],
            width: errors.len().max(1) as f64,
        };
        draw(&chart, SMALLEST.log10()..0.0, Shape::Line(&points))
    }

    fn saturation_plot(&self, saturated: &[f64]) -> Result<String, String> {
        let bars: Vec<[f64; 3]> = (0..)
            .zip(saturated)
            .map(|(i, &n)| [f64::from(i), f64::from(i) + 1.0, n])
            .collect();
        let caption = format!(
            "saturated elements of every value, {} samples",
            self.samples
        );
        let chart = Chart {
            caption: &caption,
            axes: [
                "value, in order of computation",
                "elements at an end of the clamp",
            ],
            width: saturated.len().max(1) as f64,
        };
        draw(&chart, 0.0..top(&bars), Shape::Bars(&bars))
    }
}

/// Histogram of 1 − cosine.
fn cosine_plot(cosines: &[f64], samples: usize) -> Result<String, String> {
    let losses: Vec<f64> = cosines.iter().map(|c| (1.0 - c).max(0.0)).collect();
    let largest = losses.iter().fold(f64::MIN_POSITIVE, |m, &l| m.max(l));
    let exponent = largest.log10().ceil() as i32;
    let unit = 10f64.powi(exponent);
    let mut counts = [0.0; BINS];
    for loss in losses {
        counts[((loss / unit * BINS as f64) as usize).min(BINS - 1)] += 1.0;
    }
    let width = 1.0 / BINS as f64;
    let bars: Vec<[f64; 3]> = (0..)
        .zip(counts)
        .map(|(i, n)| [f64::from(i) * width, f64::from(i + 1) * width, n])
        .collect();
    let axis = format!("1 − cosine to the float model, in units of 1e{exponent}");
    let caption = format!("cosine of the first output, {samples} samples");
    let chart = Chart {
        caption: &caption,
        axes: [&axis, "samples"],
        width: 1.0,
    };
    draw(&chart, 0.0..top(&bars), Shape::Bars(&bars))
}

fn top(bars: &[[f64; 3]]) -> f64 {
    bars.iter().fold(1.0, |m: f64, bar| m.max(bar[2])) * 1.05
}

/// What is drawn.
enum Shape<'a> {
    Line(&'a [(f64, f64)]),
    /// From, to, height.
    Bars(&'a [[f64; 3]]),
}

fn draw(chart: &Chart<'_>, y: std::ops::Range<f64>, shape: Shape<'_>) -> Result<String, String> {
    let mut svg = String::new();
    render(&mut svg, chart, y, shape).map_err(|e| e.to_string())?;
    Ok(svg)
}

fn render(
    svg: &mut String,
    chart: &Chart<'_>,
    y: std::ops::Range<f64>,
    shape: Shape<'_>,
) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut plot = ChartBuilder::on(&area)
        .caption(chart.caption, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..chart.width, y)?;
    let [x_name, y_name] = chart.axes;
    plot.configure_mesh().x_desc(x_name).y_desc(y_name).draw()?;
    match shape {
        Shape::Line(points) => {
            plot.draw_series(LineSeries::new(points.iter().copied(), &BLUE))?;
        }
        Shape::Bars(bars) => {
            let bar = |&[from, to, height]: &[f64; 3]| {
                Rectangle::new([(from, 0.0), (to, height)], BLUE.filled())
            };
            plot.draw_series(bars.iter().map(bar))?;
        }
    }
    area.present()?;
    Ok(())
}
