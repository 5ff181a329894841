//! `halocast demo`: the whole way on a private chain, with a small language model or a sentence-embedding model: compile, set
//! up, deploy, ask from a contract, answer and prove in the relayer, read the answer back from the contract; then five forgeries.
//!
//! `scene.rs`: what is asked and answered; `chain_side.rs`: what happens on chain; `forgeries.rs`: the attempts; `report.rs`:
//! `report.json` and the text.

mod chain_side;
mod forgeries;
mod report;
mod scene;

use crate::args::{CompileArgs, ObjectiveArg, PlanObjectiveArg, TaskArg};
use crate::chain_args::DemoArgs;
use crate::commands::{compile, setup::objective};
use crate::ui::{Bars, Output};
use eyre::WrapErr;
use halocast_prover::bundle::{Bundle, create_dir, write_json};
use halocast_prover::pipeline::{self, AggregationOptions, SetupOptions, StageCost};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// The name of all-MiniLM-L6-v2, and where `make minilm` puts it.
const MINILM: &str = "minilm";
const MINILM_DIR: &str = "target/minilm/minilm-16";

pub(crate) fn run(args: DemoArgs, out: &Output) -> eyre::Result<ExitCode> {
    let begin = Instant::now();
    let say = |text: &str| eprintln!("{text}");
    let model = model_dir(&args.model)?;
    create_dir(&args.out)?;
    say("1. compile, measure, cut into segments");
    let bars = Bars::new();
    let mut stages = Vec::new();
    let bundle_dir = args.out.join("bundle");
    let compiled = pipeline::compile(
        &compile::options(&compile_args(&args, &model, &bundle_dir)?),
        &bars,
    )
    .wrap_err_with(|| format!("cannot compile {}", model.display()))?;
    say(&format!(
        "   {} segments; cosine to the floating-point model {:.6}",
        compiled.segments, compiled.cosine
    ));
    stages.extend(compiled.stages);
    say("2. keys");
    let mut bundle = Bundle::open(&bundle_dir)?;
    let scene = scene::Scene::new(&args, &model, bundle.manifest())?;
    let options = SetupOptions {
        aggregation: AggregationOptions {
            objective: Some(objective(args.objective)),
            ..AggregationOptions::default()
        },
        ..SetupOptions::default()
    };
    let setup = pipeline::setup(&mut bundle, &options, &bars).wrap_err("cannot set up")?;
    stages.extend(setup.stages);
    drop(bars);
    let shown = chain_side::run(&args, &scene, bundle, &say)?;
    stages.extend(shown.proof.stages.iter().cloned());
    let report = report::Report::new(&shown, peak(&stages), begin.elapsed().as_secs_f64());
    let path = args.out.join("report.json");
    write_json(&path, &report)?;
    out.result(&report, || report.text(&path))?;
    let refused = report.forgeries.iter().all(|f| f.refused);
    eyre::ensure!(
        refused,
        "a forgery was accepted, or refused for another reason than it should be"
    );
    Ok(ExitCode::SUCCESS)
}

/// The directory of a model: as given, or the one that `make minilm` fills.
fn model_dir(model: &Path) -> eyre::Result<PathBuf> {
    let dir = match model.to_str() {
        Some(MINILM) if !model.exists() => PathBuf::from(MINILM_DIR),
        _ => model.to_owned(),
    };
    let missing = ["model.onnx", "calibration.json"].map(|file| dir.join(file));
    let missing = missing.iter().find(|path| !path.is_file());
    eyre::ensure!(
        missing.is_none(),
        "{} is not there{}",
        missing.map_or_else(String::new, |m| m.display().to_string()),
        if dir == Path::new(MINILM_DIR) {
            ": `make minilm` brings it"
        } else {
            ""
        }
    );
    Ok(dir)
}

fn compile_args(args: &DemoArgs, model: &Path, bundle: &Path) -> eyre::Result<CompileArgs> {
    // An embedding model comes with the embeddings it should give.
    let task = match scene::embeds(model)? {
        true => TaskArg::Infer,
        false => TaskArg::Generate,
    };
    Ok(CompileArgs {
        batch: 1,
        model: model.join("model.onnx"),
        calibration: model.join("calibration.json"),
        samples: None,
        prompts: None,
        task,
        fidelity_min_cosine: None,
        segments: args.segments,
        objective: match args.objective {
            ObjectiveArg::Total => PlanObjectiveArg::Total,
            ObjectiveArg::Gas => PlanObjectiveArg::Gas,
        },
        max_memory: None,
        costs: None,
        out: bundle.to_owned(),
        // What lies there is an earlier demo's.
        force: true,
    })
}

fn peak(stages: &[StageCost]) -> u64 {
    let stages = stages.iter().map(|s| s.peak_rss_bytes);
    stages.max().unwrap_or(0).max(pipeline::peak_rss_bytes())
}

/// A directory of the demo's, emptied: what an earlier demo's relayer left must not answer this one's chain.
fn fresh_dir(path: PathBuf) -> eyre::Result<PathBuf> {
    if path.is_dir() {
        std::fs::remove_dir_all(&path)
            .wrap_err_with(|| format!("cannot empty {}", path.display()))?;
    }
    create_dir(&path)?;
    Ok(path)
}
