//! Compilation: ONNX and calibration inputs to a bundle.

use super::{Event, Meter, PipelineError, Progress, StageCost};
use crate::bundle::{
    Bundle, BundleError, Compiled, FORMAT, MODEL, Manifest, NewBundle, Packing, SegmentSummary,
    TaskSpec, TensorSpec, words_of,
};
use halocast_circuit::{Segment, SegmentPolicy};
use halocast_ir::{ACT_MAX, ACT_MIN, Program, Task, TensorId};
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
    /// As few as fit domains of 2^[`AUTO_MAX_K`] rows.
    Auto,
    /// One a layer: as many as there are softmaxes, or linear maps in a model without attention.
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
    let segments = stages.run("partition", || {
        Ok(halocast_circuit::partition(
            &quantized.program,
            policy(options.segments, &quantized.program),
        )?)
    })?;
    let manifest = manifest(&options.model, &quantized, &segments)?;
    let compiled = Compiled {
        quantized,
        segments,
    };
    let new = NewBundle {
        manifest,
        compiled: &compiled,
        files: vec![
            (MODEL, onnx),
            ("fidelity.json", pretty(&fidelity)),
            ("fidelity.md", fidelity.to_markdown().into_bytes()),
        ],
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

fn policy(segments: Segments, program: &Program) -> SegmentPolicy {
    let count = |label: &str| {
        program
            .ops
            .iter()
            .filter(|op| op.kind.label() == label)
            .count()
    };
    match segments {
        Segments::Auto => SegmentPolicy::MaxK(AUTO_MAX_K),
        Segments::Count(n) => SegmentPolicy::Count(n),
        Segments::PerLayer => match count("Softmax") {
            0 => SegmentPolicy::Count(count("Linear").max(1)),
            layers => SegmentPolicy::Count(layers),
        },
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
    let report = halocast_model::fidelity(graph, quantized, &samples, language.as_ref())?;
    if let Some(minimum) = options.min_cosine {
        report.require_cosine(minimum)?;
    }
    Ok(report)
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
    let program = &quantized.program;
    let summaries = segments.iter().map(|s| summary(program, s));
    Ok(Manifest {
        format: FORMAT,
        halocast: env!("CARGO_PKG_VERSION").into(),
        name: model_name(model),
        task: match program.task {
            Task::Infer => TaskSpec::Infer,
            Task::Generate { seq_len, vocab, .. } => TaskSpec::Generate {
                sequence_length: seq_len,
                vocabulary: vocab,
            },
        },
        inputs: input_specs(quantized),
        outputs: program
            .outputs
            .iter()
            .map(|&id| output_spec(quantized, id))
            .collect(),
        packing: Packing::current(),
        input_words: words_of(program, &program.inputs),
        output_words: words_of(program, &program.outputs),
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

fn input_specs(quantized: &Quantized) -> Vec<TensorSpec> {
    let program = &quantized.program;
    let one = |&id: &TensorId| {
        let declared = quantized.inputs.iter().find(|(_, tensor)| *tensor == id);
        match (&program.task, declared) {
            (Task::Infer, Some((spec, _))) => {
                let max = spec.vocab.map(|n| n as i64 - 1);
                let mut out = tensor_spec(program, id, &spec.name, &spec.shape);
                if let Some(max) = max {
                    (out.dtype, out.min, out.max) = ("int".into(), 0, max);
                }
                out
            }
            (Task::Generate { vocab, seq_len, .. }, _) => {
                let tensor = program.tensor(id);
                let mut out = tensor_spec(program, id, &tensor.name, &tensor.shape);
                let max = vocab.max(seq_len) - usize::from(vocab > seq_len);
                (out.dtype, out.min, out.max) = ("int".into(), 0, max as i64);
                out
            }
            _ => {
                let tensor = program.tensor(id);
                tensor_spec(program, id, &tensor.name, &tensor.shape)
            }
        }
    };
    program.inputs.iter().map(one).collect()
}

fn output_spec(quantized: &Quantized, id: TensorId) -> TensorSpec {
    let program = &quantized.program;
    if let Task::Generate { vocab, .. } = program.task {
        let tensor = program.tensor(id);
        let mut out = tensor_spec(program, id, &tensor.name, &tensor.shape);
        (out.dtype, out.min, out.max) = ("int".into(), 0, vocab as i64 - 1);
        return out;
    }
    let declared = quantized.outputs.iter().find(|o| o.tensor == id);
    match declared {
        Some(spec) => tensor_spec(program, id, &spec.name, &spec.shape),
        None => {
            let tensor = program.tensor(id);
            tensor_spec(program, id, &tensor.name, &tensor.shape)
        }
    }
}

fn tensor_spec(program: &Program, id: TensorId, name: &str, shape: &[usize]) -> TensorSpec {
    TensorSpec {
        name: name.to_owned(),
        shape: shape.to_vec(),
        dtype: "float".into(),
        scale: program.tensor(id).scale.0,
        min: ACT_MIN,
        max: ACT_MAX,
    }
}
