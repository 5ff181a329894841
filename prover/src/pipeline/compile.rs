//! Compilation: ONNX and calibration inputs to a bundle.

use super::{Event, Meter, PipelineError, Progress, StageCost};
use crate::bundle::{
    Bundle, BundleError, Compiled, FORMAT, Interface, MODEL, Manifest, NewBundle, Packing,
    SegmentSummary,
};
use halocast_circuit::{CircuitError, Segment, SegmentPolicy, largest_k_within, partition};
use halocast_ir::Program;
use halocast_model::{FidelityReport, Graph, Inputs, LanguageSamples, QuantizeOptions, Quantized};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Largest domain that `--segments auto` uses: 2^18 keeps a layer proof below a gigabyte.
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
    /// Whatever costs least in domains of at most 2^[`AUTO_MAX_K`] rows (more where one op needs more, or as many as
    /// [`CompileOptions::max_memory`] allows): [`SegmentPolicy::Cheapest`].
    Auto,
    /// One a layer, the embedding and the head apart: [`SegmentPolicy::PerLayer`].
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
    /// How to cut.
    pub segments: Segments,
    /// Largest memory, in bytes, that a layer proof may be predicted to take; for [`Segments::Auto`].
    pub max_memory: Option<u64>,
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
    /// Public input words.
    pub input_words: usize,
    /// Public output words.
    pub output_words: usize,
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
    let mut stages = Stages {
        progress,
        costs: Vec::new(),
    };
    let onnx = std::fs::read(&options.model).map_err(|e| BundleError::io(&options.model, e))?;
    let graph = stages.run("import", || {
        Ok(halocast_model::import_onnx(&options.model)?)
    })?;
    let calibration = read_samples(&options.calibration, &graph)?;
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
    let segments = stages.run("partition", || cut(&quantized.program, options))?;
    let manifest = manifest(&options.model, &quantized, &segments)?;
    let compiled = Compiled {
        quantized,
        segments,
    };
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
    let bundle = Bundle::create(&options.out, new, options.force)?;
    let manifest = bundle.manifest();
    let language = fidelity.language.as_ref();
    Ok(CompileReport {
        bundle: options.out.clone(),
        name: manifest.name.clone(),
        segments: manifest.segments.len(),
        input_words: manifest.input_words,
        output_words: manifest.output_words,
        cosine: smallest_cosine(&fidelity),
        float_bits_per_token: language.map(|l| l.float_bits_per_token),
        integer_bits_per_token: language.map(|l| l.integer_bits_per_token),
        stages: stages.costs,
    })
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

fn cut(program: &Program, options: &CompileOptions) -> Result<Vec<Segment>, PipelineError> {
    let policy = match (options.segments, options.max_memory) {
        (Segments::Auto, None) => return cut_in_the_smallest(program, AUTO_MAX_K),
        (Segments::Auto, Some(bytes)) => SegmentPolicy::Cheapest(largest_k_within(bytes)?),
        (Segments::Count(n), None) => SegmentPolicy::Count(n),
        (Segments::PerLayer, None) => SegmentPolicy::PerLayer,
        (Segments::Count(_) | Segments::PerLayer, Some(_)) => {
            return Err(PipelineError::Invalid {
                what:
                    "a memory budget chooses the cuts itself: it goes with automatic segments only"
                        .into(),
            });
        }
    };
    Ok(partition(program, policy)?)
}

/// In domains of at most 2^k rows; where an op alone needs more, in the smallest that hold it.
fn cut_in_the_smallest(program: &Program, k: u32) -> Result<Vec<Segment>, PipelineError> {
    match partition(program, SegmentPolicy::Cheapest(k)) {
        Err(CircuitError::Domain { smallest, .. }) => {
            Ok(partition(program, SegmentPolicy::Cheapest(smallest))?)
        }
        result => Ok(result?),
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

/// `models/tinygemma/model.onnx` is called tinygemma, `mlp.onnx` mlp.
fn model_name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let parent = path.parent().and_then(Path::file_name);
    match (stem.as_ref(), parent) {
        ("model", Some(parent)) => parent.to_string_lossy().into_owned(),
        _ => stem.into_owned(),
    }
}

fn manifest(
    model: &Path,
    quantized: &Quantized,
    segments: &[Segment],
) -> Result<Manifest, PipelineError> {
    let interface = Interface::of(quantized);
    let summaries = segments.iter().map(|s| summary(&quantized.program, s));
    Ok(Manifest {
        format: FORMAT,
        halocast: env!("CARGO_PKG_VERSION").into(),
        name: model_name(model),
        task: interface.task,
        inputs: interface.inputs,
        outputs: interface.outputs,
        packing: Packing::current(),
        input_words: interface.input_words,
        output_words: interface.output_words,
        segments: summaries.collect::<Result<_, _>>()?,
        setup: None,
        files: BTreeMap::new(),
        checksum: String::new(),
    })
}

fn summary(program: &Program, segment: &Segment) -> Result<SegmentSummary, PipelineError> {
    let report = halocast_circuit::report(program, segment)?;
    Ok(SegmentSummary {
        name: segment.name.clone(),
        k: segment.k,
        ops: [segment.ops.start, segment.ops.end],
        rows: report.rows,
        table_rows: report.table_rows,
        columns: report.columns,
        points: report.points,
        predicted_cpu_s: report.predicted_cpu_s,
        predicted_peak_bytes: report.predicted_peak_bytes,
    })
}
