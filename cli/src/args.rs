//! The command line. The calls are stable: tests and scripts use them.

use crate::chain_args::{DemoArgs, DeployArgs, RelayArgs, RequestArgs, StatusArgs};
use alloy::primitives::B256;
use clap::{Args, Parser, Subcommand, ValueEnum};
use halocast_prover::pipeline::Segments;
use std::path::PathBuf;

/// Proves what a machine-learning model answers, and lets a smart contract check it.
#[derive(Debug, Parser)]
#[command(
    name = "halocast",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
#[command(after_help = "The way of a model:
  halocast compile model.onnx --calibration samples.json --out model.bundle
  halocast setup model.bundle
  halocast prove model.bundle --input input.json --out proof.json
  halocast verify model.bundle proof.json
Or see everything at once, chain included: halocast demo")]
pub(crate) struct Cli {
    /// Print the result as JSON on standard output.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compile an ONNX model to a bundle: import, quantize, measure fidelity, cut into segments.
    Compile(CompileArgs),
    /// Show what a bundle holds and what its proofs will cost; checks every file.
    Inspect(InspectArgs),
    /// Run the integer program that proofs are about, beside the float model.
    Execute(ExecuteArgs),
    /// Make the keys of a bundle. Restartable: finished keys are kept.
    Setup(SetupArgs),
    /// Prove one run. Restartable: finished segments are kept.
    Prove(ProveArgs),
    /// Check a proof; exit code 0 only if it is valid.
    Verify(VerifyArgs),
    /// Write what a contract takes of a proof about several items: root, proof, and the path of each.
    Set(SetArgs),
    /// Write the Solidity verifier of a bundle.
    Verifier(VerifierArgs),
    /// Name the error in a contract's revert data.
    Explain(ExplainArgs),
    /// Put verifier, router, registry and oracle on a chain; run again it changes nothing.
    Deploy(DeployArgs),
    /// Answer the requests of a deployed oracle until stopped.
    Relay(RelayArgs),
    /// Ask a deployed oracle.
    Request(RequestArgs),
    /// Show a deployment, or what became of a request.
    Status(StatusArgs),
    /// The whole way with the shipped language model on a local chain.
    Demo(DemoArgs),
    /// Measure what proving costs on this machine, for the plans of `compile`: some three minutes of two cores.
    Calibrate(CalibrateArgs),
    /// Structured reference strings.
    #[command(subcommand)]
    Srs(SrsCommand),
}

/// What is stated of a model.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TaskArg {
    /// Outputs belong to inputs.
    Infer,
    /// Greedy decoding of a causal language model.
    Generate,
}

/// How far to go.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum StageArg {
    /// Layer proofs only.
    Layers,
    /// Down to the proof for a contract.
    #[default]
    All,
}

/// What aggregated proofs spend least of.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ObjectiveArg {
    /// CPU time of the prover.
    Total,
    /// Gas of a verification: fewer commitments, at most twice the work for the prover.
    Gas,
}

/// What a plan spends least of.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum PlanObjectiveArg {
    /// CPU seconds of one request: all layer proofs, folds and the aggregation.
    #[default]
    Total,
    /// Wall seconds of one request when every layer proof, and every fold, has a machine of its own like this one: the
    /// slowest layer proof, then a fold, then the aggregation.
    Latency,
    /// Points that the contract multiplies, which gas grows with; among equals CPU seconds. Beyond four segments layer
    /// proofs are folded and the contract sees the fold only: then the number of segments costs no gas.
    Gas,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  halocast compile mlp.onnx --calibration mlp.calibration.json --out mlp.bundle
  halocast compile tinygemma.onnx --task generate --calibration prompts.json --fidelity-min-cosine 0.999 --out tg.bundle

The calibration file is a JSON list of inputs: [{\"inputs\": {\"x\": [[0.1, 0.2]]}}, …]")]
pub(crate) struct CompileArgs {
    /// The model.
    pub(crate) model: PathBuf,
    /// JSON list of sample inputs that scales are chosen on.
    #[arg(long, value_name = "FILE.json")]
    pub(crate) calibration: PathBuf,
    /// JSON list of held-out inputs to measure fidelity on; the calibration inputs if not given.
    #[arg(long, value_name = "FILE.json")]
    pub(crate) samples: Option<PathBuf>,
    /// JSON list of prompts (`[{"prompt": "text"}, …]`): the report then compares greedy continuations and bits per token.
    #[arg(long, value_name = "FILE.json", requires = "samples")]
    pub(crate) prompts: Option<PathBuf>,
    /// What is stated.
    #[arg(long, value_enum, default_value = "infer")]
    pub(crate) task: TaskArg,
    /// Fail (and write no bundle) when an output's cosine to the float model's is below this on any sample.
    #[arg(long, value_name = "X")]
    pub(crate) fidelity_min_cosine: Option<f64>,
    /// Inputs that one proof is about. They share the weights, so that a proof of several costs less than a proof of each;
    /// with fewer inputs (`prove --input`) it costs the same. It is part of the model's identity.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) batch: usize,
    /// How to cut the model: `auto`, `layer` (one segment a layer, embedding and head apart), or a number of segments.
    #[arg(long, value_name = "auto|layer|N", default_value = "auto", value_parser = parse_segments)]
    pub(crate) segments: Segments,
    /// What to spend least of, of the cuts that are possible; `setup` then makes the aggregation for it. `inspect` shows what
    /// was considered.
    #[arg(long, value_enum, default_value = "total")]
    pub(crate) objective: PlanObjectiveArg,
    /// Largest memory that any prover may be predicted to take, of a layer, a fold or the aggregation: `1536MiB`, `16GiB`.
    /// Without it `--segments auto` keeps to domains of 2^18 rows where it can.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) max_memory: Option<u64>,
    /// Cost figures that `calibrate` wrote; if not given costs.json of the cache directory, or built-in figures.
    #[arg(long, value_name = "FILE")]
    pub(crate) costs: Option<PathBuf>,
    /// Directory of the bundle.
    #[arg(long, value_name = "BUNDLE")]
    pub(crate) out: PathBuf,
    /// Replace a bundle of another model that is there already.
    #[arg(long)]
    pub(crate) force: bool,
}

pub(crate) fn parse_segments(text: &str) -> Result<Segments, String> {
    match text {
        "auto" => Ok(Segments::Auto),
        "layer" => Ok(Segments::PerLayer),
        _ => match text.parse() {
            Ok(n) if n > 0 => Ok(Segments::Count(n)),
            _ => Err("expected auto, layer or a number above 0".into()),
        },
    }
}

/// Whole mebibytes or gibibytes, in bytes.
fn parse_size(text: &str) -> Result<u64, String> {
    let units = [("MiB", 20), ("GiB", 30)];
    let parsed = units.iter().find_map(|&(unit, shift)| {
        let count: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        count.checked_mul(1 << shift).filter(|&n| n > 0)
    });
    parsed.ok_or_else(|| "expected a number of MiB or GiB, like 2GiB".into())
}

#[derive(Debug, Args)]
#[command(
    after_help = "Three layer proofs of a synthetic program and their aggregation are made as `setup` and `prove` make them, with the
development string. Nothing else should run meanwhile. What bundles say of plans is not changed: compile again."
)]
pub(crate) struct CalibrateArgs {
    /// The file to write; costs.json of the cache directory if not given, where `compile` looks.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// How far to go; with `layers` the figures of aggregations stay as they are.
    #[arg(long, value_enum, default_value = "all")]
    pub(crate) stage: StageArg,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The bundle.
    pub(crate) bundle: PathBuf,
    /// Do not hash the large key files.
    #[arg(long)]
    pub(crate) quick: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  infer:    {\"inputs\": {\"x\": [[0.1, 0.2, 0.3]]}}
  generate: {\"inputs\": {\"prompt\": \"Once upon\", \"n\": 12}}  or  {\"inputs\": {\"prompt\": [79, 110], \"n\": 12}}

A prompt may be text only for a byte-level model; tokenising text is not part of what is proven.")]
pub(crate) struct ExecuteArgs {
    /// The bundle.
    pub(crate) bundle: PathBuf,
    /// The input.
    #[arg(long, value_name = "FILE.json")]
    pub(crate) input: PathBuf,
    /// Where to write the outputs; standard output if not given.
    #[arg(long, value_name = "OUT.json")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Without --srs the development string is used. It is INSECURE: everybody can forge proofs under it, and
only local chains take its verifiers. `halocast srs import` makes a real one from a public ceremony."
)]
pub(crate) struct SetupArgs {
    /// The bundle.
    pub(crate) bundle: PathBuf,
    /// Reference string to use.
    #[arg(long, value_name = "FILE")]
    pub(crate) srs: Option<PathBuf>,
    /// Make every key again, whatever is there. Needed to vouch for a bundle that comes from someone else: a key there may not be what
    /// the program gives. The model id stays the same if it was.
    #[arg(long)]
    pub(crate) again: bool,
    /// How far to go.
    #[arg(long, value_enum, default_value = "all")]
    pub(crate) stage: StageArg,
    /// What aggregated proofs are to spend least of; another one than before makes the aggregation key again. If nothing was
    /// ever said, what `compile` planned for.
    #[arg(long, value_enum, value_name = "total|gas")]
    pub(crate) objective: Option<ObjectiveArg>,
    /// Layer proofs that are folded into one before the aggregation takes them, 1 to 32; 0 for none. Folds are made one
    /// after another and kept, need less memory than one aggregation of everything, and cost a proof more.
    #[arg(long, value_name = "N")]
    pub(crate) fold: Option<usize>,
    /// Range-checked columns of the aggregation circuit: 5, 10, 20 or 40. More are faster, and cost memory and gas. Asked for,
    /// the aggregation keys are made again.
    #[arg(long, value_name = "COLUMNS")]
    pub(crate) width: Option<usize>,
    /// Memory that aggregating may use, for example 4GiB; without it what `compile` planned with, or else a layout is chosen
    /// for time or gas alone. Asked for, the aggregation keys are made again.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) max_memory: Option<u64>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  halocast prove tg.bundle --input question.json --context 0x1f --out proof.json
  halocast prove tg.bundle --input question.json --stage layers --out layers.json
  halocast prove tg4.bundle --batch questions.json --out proof.json      (compiled with --batch 4)

The context is the word that ties a proof to one request of one oracle (its contextOf()); 0 if it is not given. A batch is a JSON
list of inputs, each with its own: [{\"inputs\": …, \"context\": \"0x1f\"}, …]")]
pub(crate) struct ProveArgs {
    /// The bundle.
    pub(crate) bundle: PathBuf,
    /// The input, as for `execute`.
    #[arg(long, value_name = "FILE.json", required_unless_present = "batch")]
    pub(crate) input: Option<PathBuf>,
    /// Several inputs with their contexts, at most as many as the bundle was compiled for.
    #[arg(long, value_name = "FILE.json", conflicts_with_all = ["input", "context"])]
    pub(crate) batch: Option<PathBuf>,
    /// Context word, below 2^248.
    #[arg(long, value_name = "HEX", default_value = "0x0")]
    pub(crate) context: String,
    /// How far to go.
    #[arg(long, value_enum, default_value = "all")]
    pub(crate) stage: StageArg,
    /// Where to write the proof.
    #[arg(long, value_name = "PROOF.json")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The bundle.
    pub(crate) bundle: PathBuf,
    /// The proof: of the layers, or the aggregated one.
    pub(crate) proof: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  halocast set tg4.bundle proof.json --out set.json

The file has root, depth and proof for the oracle's submitSet or fulfillBatchFromSet, and index, outputs and path of each item.")]
pub(crate) struct SetArgs {
    /// The bundle, compiled with --batch.
    pub(crate) bundle: PathBuf,
    /// Its proof, from `prove --batch`.
    pub(crate) proof: PathBuf,
    /// Where to write the set.
    #[arg(long, value_name = "SET.json")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct VerifierArgs {
    /// The bundle.
    pub(crate) bundle: PathBuf,
    /// Directory for the Solidity files and their metadata.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "Example: halocast explain 0x5dd58b8b")]
pub(crate) struct ExplainArgs {
    /// The data, 0x and hex.
    pub(crate) data: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SrsCommand {
    /// Make the INSECURE development string.
    New(SrsNewArgs),
    /// Import a public powers-of-tau ceremony file (.ptau, BN254), checking it by pairings.
    Import(SrsImportArgs),
    /// Say what a string file is.
    Info(SrsInfoArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SrsNewArgs {
    /// log2 of the number of points.
    #[arg(long, value_name = "K")]
    pub(crate) k: u32,
    /// Where to write it; the cache if not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SrsImportArgs {
    /// The ceremony file.
    pub(crate) ptau: PathBuf,
    /// log2 of the number of points to take.
    #[arg(long, value_name = "K")]
    pub(crate) k: u32,
    /// SHA-256 that the ceremony file must have. The other checks do not show who made it.
    #[arg(long, value_name = "HEX")]
    pub(crate) sha256: Option<B256>,
    /// Where to write the string.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct SrsInfoArgs {
    /// The string.
    pub(crate) file: PathBuf,
}
