//! Measures what proving costs here: a synthetic program is set up and proven as any model is, and the figures are fitted to
//! what that took.

use super::{
    Event, PipelineError, Progress, ProveOptions, Request, SetupOptions, Stage, StageCost,
    synthetic,
};
use crate::aggregate::{AggregationConfig, Given, Objective, forecast};
use crate::bundle::{Bundle, create_dir};
use crate::costs::{AggregationSample, CostModel, LayerSample, Pricing, fit};
use crate::srs::SrsSource;
use halocast_circuit::SpanSize;
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

/// What to measure.
#[derive(Clone, Debug)]
pub struct CalibrateOptions {
    /// [`Stage::Layers`] keeps the figures of aggregations that were in use before.
    pub stage: Stage,
    /// The file to write. The bundle that is measured with lies beside it meanwhile.
    pub out: PathBuf,
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct CalibrationReport {
    /// The file.
    pub file: PathBuf,
    /// The figures in it.
    pub costs: CostModel,
    /// What they and the figures before say of what was measured.
    pub compared: Vec<Compared>,
}

/// One measurement beside the predictions of it.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    /// What was proven.
    pub what: String,
    /// CPU seconds that it took.
    pub cpu_s: f64,
    /// CPU seconds by the new figures; for the aggregation the same by construction.
    pub predicted_cpu_s: f64,
    /// CPU seconds by the figures in use before.
    pub before_cpu_s: f64,
    /// Peak memory in bytes.
    pub peak_bytes: u64,
    /// By the new figures.
    pub predicted_bytes: u64,
    /// By those in use before.
    pub before_bytes: u64,
}

/// Measures and writes the file.
///
/// # Errors
/// If this system does not tell CPU seconds and memory, a proof fails, or a file cannot be written or the one that is there
/// not be understood.
pub fn calibrate(
    options: &CalibrateOptions,
    progress: &dyn Progress,
) -> Result<CalibrationReport, PipelineError> {
    let before = match options.out.exists() {
        true => CostModel::load(Some(&options.out))?,
        false => CostModel::load(None)?,
    };
    let scratch = Scratch::beside(&options.out)?;
    let mut bundle = synthetic::bundle(&scratch.0.join("bundle"))?;
    let setup = SetupOptions {
        srs: SrsSource::Development,
        stage: options.stage,
        ..SetupOptions::default()
    };
    let keys = super::setup(&mut bundle, &setup, progress)?.stages;
    let request = Request::from_json(&bundle, &synthetic::input())?;
    let prove = ProveOptions {
        stage: options.stage,
        ..ProveOptions::default()
    };
    let proofs = super::prove(&bundle, &[request], &prove, progress)?
        .1
        .stages;
    let layers = samples(&bundle, &proofs);
    let spans: Vec<SpanSize> = layers.iter().map(LayerSample::span).collect();
    let aggregation = match find(&proofs, "aggregate") {
        Some(cost) => Some(aggregation(cost, &keys, spans.len())?),
        None => None,
    };
    let keys_cpu_s = find(&keys, "layer keys").map_or(0.0, |c| c.cpu_s);
    let costs = fit(layers, keys_cpu_s, aggregation, &before, origin());
    let costs = costs.ok_or(PipelineError::NotMeasured)?;
    costs.write(&options.out)?;
    progress.event(Event::Note("the figures are in the file"));
    let compared = compare(&costs, &before, &spans, find(&proofs, "aggregate"))?;
    Ok(CalibrationReport {
        file: options.out.clone(),
        costs,
        compared,
    })
}

fn find<'a>(stages: &'a [StageCost], name: &str) -> Option<&'a StageCost> {
    stages.iter().find(|cost| cost.stage == name)
}

/// The layer proofs, in order.
fn samples(bundle: &Bundle, proofs: &[StageCost]) -> Vec<LayerSample> {
    let costs = proofs.iter().filter(|c| c.stage.starts_with("layer "));
    let sample = |(segment, cost): (&crate::bundle::SegmentSummary, &StageCost)| LayerSample {
        k: segment.k,
        rows: segment.rows,
        cpu_s: cost.cpu_s,
        wall_s: cost.wall_s,
        peak_bytes: cost.peak_rss_bytes,
    };
    let segments = &bundle.manifest().segments;
    segments.iter().zip(costs).map(sample).collect()
}

/// The aggregation of so many layer proofs beside its forecast.
fn aggregation(
    cost: &StageCost,
    keys: &[StageCost],
    layers: usize,
) -> Result<AggregationSample, PipelineError> {
    let config = AggregationConfig {
        objective: Objective::Total,
        ..AggregationConfig::default()
    };
    let forecast = forecast(Given::Layers(layers), &config)?;
    Ok(AggregationSample {
        cpu_s: [
            cost.cpu_s,
            find(keys, "aggregate key").map_or(0.0, |c| c.cpu_s),
        ],
        wall_s: cost.wall_s,
        peak_bytes: cost.peak_rss_bytes,
        forecast_cpu_s: forecast.cpu_s,
        forecast_bytes: forecast.bytes,
    })
}

fn compare(
    costs: &CostModel,
    before: &CostModel,
    spans: &[SpanSize],
    aggregated: Option<&StageCost>,
) -> Result<Vec<Compared>, PipelineError> {
    let layer = |(sample, &span): (&LayerSample, &SpanSize)| Compared {
        what: format!("layer proof, k = {}, {} rows", span.k, span.rows),
        cpu_s: sample.cpu_s,
        predicted_cpu_s: costs.layer.cpu_s(span),
        before_cpu_s: before.layer.cpu_s(span),
        peak_bytes: sample.peak_bytes,
        predicted_bytes: costs.layer.peak_bytes(span.k),
        before_bytes: before.layer.peak_bytes(span.k),
    };
    let mut compared: Vec<Compared> = costs.samples.iter().zip(spans).map(layer).collect();
    if let Some(cost) = aggregated {
        let by = |model: &CostModel| {
            let pricing = Pricing {
                model,
                objective: Default::default(),
                max_memory: None,
            };
            pricing.cost(spans).map(|cost| cost.aggregation)
        };
        let (new, old) = (by(costs)?, by(before)?);
        compared.push(Compared {
            what: format!("aggregation of {}, k = {}", spans.len(), new.root.k),
            cpu_s: cost.cpu_s,
            predicted_cpu_s: new.cpu_s,
            before_cpu_s: old.cpu_s,
            peak_bytes: cost.peak_rss_bytes,
            predicted_bytes: new.peak_bytes,
            before_bytes: old.peak_bytes,
        });
    }
    Ok(compared)
}

/// The machine, for people.
fn origin() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpuinfo.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == "model name").then(|| value.trim().to_owned())
    });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let version = env!("CARGO_PKG_VERSION");
    let name = name.unwrap_or_else(|| "an unnamed processor".into());
    format!("measured by halocast {version} on {cores} cores of {name}")
}

/// A directory that is gone when it is no longer needed.
struct Scratch(PathBuf);

impl Scratch {
    fn beside(file: &Path) -> Result<Self, PipelineError> {
        let path = file.with_file_name(format!(".calibrate-{}", std::process::id()));
        create_dir(&path)?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
