//! Compilation: ONNX and calibration inputs to a bundle.

use super::describe::{manifest, model_name};
use super::plan::{PlanRequest, plan};
use super::{Event, Meter, PipelineError, Progress, StageCost};
use crate::bundle::{
    Bundle, BundleError, Compiled, MAX_ITEMS, MODEL, Manifest, NewBundle, PlanObjective,
    PlanSummary,
};
use crate::costs::CostModel;
use halocast_model::{FidelityReport, Graph, Inputs, LanguageSamples, QuantizeOptions, Quantized};
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Largest domain that [`Segments::Auto`] uses where no memory is named: 2^18 keeps a layer proof at 1.25 GiB.
pub const AUTO_MAX_K: u32 = 18;

/// What is stated of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskChoice {
    /// Outputs belong to inputs.
    Infer,
    /// Greedy decoding of a causal language model.
    Generate,
}

/// How to cut the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segments {
    /// Whatever serves the objective best in domains of at most 2^[`AUTO_MAX_K`] rows (more where one op needs more, or as
    /// many as [`CompileOptions::max_memory`] allows).
    Auto,
    /// One a layer, the embedding and the head apart.
    PerLayer,
    /// Exactly so many.
    Count(usize),
}

/// What to compile and how.
#[derive(Clone, Debug)]
pub struct CompileOptions {
    /// The ONNX file.
    pub model: PathBuf,
    /// JSON list of inputs.
    pub calibration: PathBuf,
    /// JSON list of inputs to measure fidelity on; the calibration inputs if not given.
    pub samples: Option<PathBuf>,
    /// JSON list of `{"prompt": text, …}` to continue greedily with both models; needs `samples`.
    pub prompts: Option<PathBuf>,
    /// What is stated.
    pub task: TaskChoice,
    /// Smallest cosine between quantized and float outputs that is accepted.
    pub min_cosine: Option<f64>,
    /// Items that one proof is about, 1 to [`MAX_ITEMS`].
    pub items: usize,
    /// How to cut.
    pub segments: Segments,
    /// What to spend least of, among the cuts that are possible.
    pub objective: PlanObjective,
    /// Largest memory, in bytes, that each prover may be predicted to take: of a layer, a fold, the aggregation.
    pub max_memory: Option<u64>,
    /// Cost figures; if not given those of [`crate::costs::default_costs_file`], or the built-in ones.
    pub costs: Option<PathBuf>,
    /// Where the bundle goes.
    pub out: PathBuf,
    /// Whether another bundle there may be replaced.
    pub force: bool,
}

/// What was compiled.
#[derive(Clone, Debug, Serialize)]
pub struct CompileReport {
    /// The bundle.
    pub bundle: PathBuf,
    /// The model's name.
    pub name: String,
    /// Number of segments.
    pub segments: usize,
    /// Why these.
    pub plan: PlanSummary,
    /// Public input words of an item.
    pub input_words: usize,
    /// Public output words of an item.
    pub output_words: usize,
    /// Items that one proof is about.
    pub items: usize,
    /// Inputs that the ranges of values were taken from.
    pub calibration_samples: usize,
    /// Whether fidelity was measured on others.
    pub held_out: bool,
    /// Smallest cosine of an output with the float model's.
    pub cosine: f64,
    /// Of the float model, where prompts were given.
    pub float_bits_per_token: Option<f64>,
    /// Of the integer program.
    pub integer_bits_per_token: Option<f64>,
    /// What each stage cost.
    pub stages: Vec<StageCost>,
}

/// Compiles a model.
pub fn compile(
    options: &CompileOptions,
    progress: &dyn Progress,
) -> Result<CompileReport, PipelineError> {
    check_items(options.items)?;
    let costs = CostModel::load(options.costs.as_deref())?;
    let mut stages = Stages {
        progress,
        costs: Vec::new(),
    };
    let onnx = std::fs::read(&options.model).map_err(|e| BundleError::io(&options.model, e))?;
    let graph = stages.run("import", || {
        Ok(halocast_model::import_onnx(&options.model)?)
    })?;
    let calibration = read_samples(&options.calibration, &graph)?;
    let calibration_samples = calibration.len();
    let quantized = stages.run("quantize", || {
        Ok(halocast_model::quantize(
            &graph,
            &calibration,
            &QuantizeOptions::default(),
        )?)
    })?;
    let fidelity = stages.run("fidelity", || {
        measure(options, &graph, &quantized, calibration)
    })?;
    let quantized = match options.task {
        TaskChoice::Infer => quantized,
        TaskChoice::Generate => Quantized {
            program: halocast_model::certify_generation(quantized.program)?,
            ..quantized
        },
    };
    let request = PlanRequest {
        segments: options.segments,
        objective: options.objective,
        max_memory: options.max_memory,
    };
    let mut compiled = Compiled {
        quantized,
        items: options.items,
        segments: Vec::new(),
    };
    let (segments, plan) = stages.run("partition", || {
        let proven = compiled.proven()?;
        plan(&proven, request, &costs)
    })?;
    compiled.segments = segments;
    let mut manifest = manifest(&model_name(&options.model), &compiled, &costs)?;
    manifest.plan = Some(plan.clone());
    let described = manifest.clone();
    let mut files = vec![
        (MODEL, onnx),
        ("fidelity.json", pretty(&fidelity)),
        ("fidelity.md", fidelity.to_markdown().into_bytes()),
    ];
    let plots = fidelity.plots()?.into_iter();
    files.extend(plots.map(|(name, svg)| (name, svg.into_bytes())));
    let new = NewBundle {
        manifest,
        compiled: &compiled,
        files,
    };
    let mut bundle = Bundle::create(&options.out, new, options.force)?;
    describe_again(&mut bundle, described)?;
    let manifest = bundle.manifest();
    let language = fidelity.language.as_ref();
    Ok(CompileReport {
        bundle: options.out.clone(),
        name: manifest.name.clone(),
        segments: manifest.segments.len(),
        plan,
        input_words: manifest.input_words,
        output_words: manifest.output_words,
        items: manifest.items,
        calibration_samples,
        held_out: options.samples.is_some(),
        cosine: smallest_cosine(&fidelity),
        float_bits_per_token: language.map(|l| l.float_bits_per_token),
        integer_bits_per_token: language.map(|l| l.integer_bits_per_token),
        stages: stages.costs,
    })
}

fn check_items(items: usize) -> Result<(), PipelineError> {
    match (1..=MAX_ITEMS).contains(&items) {
        true => Ok(()),
        false => Err(PipelineError::Items {
            got: items,
            most: MAX_ITEMS,
        }),
    }
}

/// A bundle of the same program that was there already stays, keys and all; but it says why it is what was asked for now.
fn describe_again(bundle: &mut Bundle, now: Manifest) -> Result<(), PipelineError> {
    let old = bundle.manifest();
    if (&old.plan, &old.segments) == (&now.plan, &now.segments) {
        return Ok(());
    }
    let lock = bundle.lock_exclusive()?;
    bundle.update(&lock, |m| (m.plan, m.segments) = (now.plan, now.segments))?;
    Ok(())
}

/// Runs steps and keeps what they cost.
struct Stages<'a> {
    progress: &'a dyn Progress,
    costs: Vec<StageCost>,
}

impl Stages<'_> {
    fn run<T>(
        &mut self,
        stage: &str,
        work: impl FnOnce() -> Result<T, PipelineError>,
    ) -> Result<T, PipelineError> {
        self.progress.event(Event::Started { stage, steps: 1 });
        let meter = Meter::start(stage);
        let result = work()?;
        let cost = meter.stop();
        self.progress.event(Event::Finished { cost: &cost });
        self.costs.push(cost);
        Ok(result)
    }
}

fn read_json(path: &Path) -> Result<Value, PipelineError> {
    let bytes = std::fs::read(path).map_err(|e| BundleError::io(path, e))?;
    Ok(serde_json::from_slice(&bytes).map_err(|e| BundleError::malformed(path, e))?)
}

fn read_samples(path: &Path, graph: &Graph) -> Result<Vec<Inputs>, PipelineError> {
    let specs = halocast_model::input_specs(graph);
    let samples = Inputs::list_from_json(&specs, &read_json(path)?);
    Ok(samples.map_err(|e| BundleError::malformed(path, e))?)
}

/// The fidelity report, on held-out samples where they are given.
fn measure(
    options: &CompileOptions,
    graph: &Graph,
    quantized: &Quantized,
    calibration: Vec<Inputs>,
) -> Result<FidelityReport, PipelineError> {
    let samples = match &options.samples {
        Some(path) => read_samples(path, graph)?,
        None => calibration,
    };
    let language = match &options.prompts {
        Some(path) => Some(language_samples(&samples, &read_json(path)?)),
        None => None,
    };
    let report = match groups(options)? {
        Some(groups) => halocast_model::embedding_fidelity(graph, quantized, &samples, &groups)?,
        None => halocast_model::fidelity(graph, quantized, &samples, language.as_ref())?,
    };
    if let Some(minimum) = options.min_cosine {
        report.require_cosine(minimum)?;
    }
    Ok(report)
}

/// The groups of paraphrases, where every sample has one (`{"group": name, "inputs": …}`) and there are no prompts.
fn groups(options: &CompileOptions) -> Result<Option<Vec<String>>, PipelineError> {
    let Some(path) = options
        .samples
        .as_ref()
        .filter(|_| options.prompts.is_none())
    else {
        return Ok(None);
    };
    let json = read_json(path)?;
    let samples = json.as_array().into_iter().flatten();
    let group = |sample: &Value| Some(sample.get("group")?.as_str()?.to_owned());
    Ok(samples.map(group).collect())
}

/// Windows are the samples; prompts are those of the file that training did not see.
fn language_samples(windows: &[Inputs], prompts: &Value) -> LanguageSamples {
    let ids = |i: &Inputs| -> Vec<u32> {
        let tokens = i.0.first().map_or(&[][..], Vec::as_slice);
        tokens.iter().map(|&t| t as u32).collect()
    };
    let prompts = prompts.as_array().into_iter().flatten();
    let held_out = prompts.filter(|p| p["split"] != "trained");
    let bytes = |p: &Value| {
        let text = p["prompt"].as_str().unwrap_or_default();
        text.bytes().map(u32::from).collect()
    };
    LanguageSamples {
        windows: windows.iter().map(ids).collect(),
        prompts: held_out.map(bytes).collect(),
        max_new_tokens: usize::MAX,
        stop: Some(u32::from(b'\n')),
    }
}

/// The smallest cosine of any output.
fn smallest_cosine(report: &FidelityReport) -> f64 {
    report
        .outputs
        .iter()
        .map(|o| o.agreement.cosine)
        .fold(f64::INFINITY, f64::min)
}

fn pretty<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("plain data");
    bytes.push(b'\n');
    bytes
}
