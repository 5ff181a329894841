//! The command line of everything that talks to a chain.

use clap::{Args, ValueEnum};
use halocast_prover::pipeline::Segments;
use halocast_verifier_gen::BackEnd;
use std::path::PathBuf;

/// A node, and where the deployment's record is.
#[derive(Debug, Args)]
pub(crate) struct ChainArgs {
    /// HTTP endpoint of a node.
    #[arg(
        long,
        value_name = "URL",
        env = "HALOCAST_RPC_URL",
        default_value = "http://127.0.0.1:8545"
    )]
    pub(crate) rpc_url: String,
    /// Deployment record; `deployments/<chain-id>.json` of the node's chain if not given.
    #[arg(long, value_name = "FILE.json")]
    pub(crate) deployment: Option<PathBuf>,
}

/// Who signs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Key (or the environment variable HALOCAST_PRIVATE_KEY, in hex)")]
pub(crate) struct KeyArgs {
    /// Encrypted keystore file.
    #[arg(long, value_name = "FILE")]
    pub(crate) keystore: Option<PathBuf>,
    /// File with its password; the variable HALOCAST_KEYSTORE_PASSWORD replaces it.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Without --broadcast it says what it would do and sends nothing. Addresses follow from the code (CREATE2): run
again, or after a kill, it finds what is there. Example for a local chain:
  HALOCAST_PRIVATE_KEY=0x… halocast deploy tg.bundle --rpc-url http://127.0.0.1:8545 --broadcast"
)]
pub(crate) struct DeployArgs {
    /// The bundle, set up.
    pub(crate) bundle: PathBuf,
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// The chain must have this id.
    #[arg(long, value_name = "ID")]
    pub(crate) chain_id: Option<u64>,
    /// Send the transactions.
    #[arg(long)]
    pub(crate) broadcast: bool,
    /// Where the model's manifest will be published.
    #[arg(long, value_name = "URI", default_value = "")]
    pub(crate) metadata_uri: String,
    /// Where the verifying key goes: into the verifier, or into a contract of its own beside a verifier that serves all models of the
    /// shape. The faster of the two that fit if not given.
    #[arg(long, value_enum, value_name = "mono|split")]
    pub(crate) verifier: Option<BackEndArg>,
}

/// Where the verifying key goes.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum BackEndArg {
    /// Into the verifier.
    Mono,
    /// Into a contract of its own.
    Split,
}

impl From<BackEndArg> for BackEnd {
    fn from(arg: BackEndArg) -> Self {
        match arg {
            BackEndArg::Mono => Self::Monolithic,
            BackEndArg::Split => Self::Split,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Example: halocast relay tg.bundle --config relayer.yaml
The configuration is described in oracle/README.md. Stops at SIGTERM; killing it at any point is safe.")]
pub(crate) struct RelayArgs {
    /// Bundles of the models to serve.
    #[arg(required = true)]
    pub(crate) bundles: Vec<PathBuf>,
    /// The YAML configuration.
    #[arg(long, value_name = "FILE.yaml")]
    pub(crate) config: PathBuf,
    /// Only check configuration, deployment and bundles.
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example: halocast request tg.bundle --input question.json --fee 1000000000000000 --wait"
)]
pub(crate) struct RequestArgs {
    /// The bundle: its packing, its commitment.
    pub(crate) bundle: PathBuf,
    /// The input, as for `execute`.
    #[arg(long, value_name = "FILE.json")]
    pub(crate) input: PathBuf,
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// Fee for whoever proves the answer, in wei.
    #[arg(long, value_name = "WEI", default_value = "0")]
    pub(crate) fee: String,
    /// Seconds until the fee can be taken back.
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    pub(crate) deadline: u64,
    /// Contract to call with the result.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) callback: Option<String>,
    /// Gas for that call.
    #[arg(long, value_name = "GAS", default_value_t = 250_000)]
    pub(crate) callback_gas: u32,
    /// Wait until there is a result (or the deadline passed).
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  halocast status --rpc-url http://127.0.0.1:8545          compares the chain with the deployment record
  halocast status 7 --bundle tg.bundle                     request 7 and its answer")]
pub(crate) struct StatusArgs {
    /// The request; without it the deployment is shown and checked.
    pub(crate) request: Option<String>,
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    /// Bundle of the model, to show the answer in its own units.
    #[arg(long, value_name = "BUNDLE")]
    pub(crate) bundle: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Starts an anvil of its own (scripts/tools/install.sh brings it) and stops it. Everything is written below --out.

Examples:
  halocast demo
  halocast demo --model minilm --out target/demo-minilm     (after `make minilm`; two proofs, some 20 CPU minutes)"
)]
pub(crate) struct DemoArgs {
    /// Directory of a language model (model.onnx, calibration.json), or of an embedding model (with reference.json beside them);
    /// `minilm` is what `make minilm` brings.
    #[arg(long, value_name = "DIR|minilm", default_value = "models/tinygemma")]
    pub(crate) model: PathBuf,
    /// Where bundle, jobs and report.json go. Keys are kept there for the next run.
    #[arg(long, value_name = "DIR", default_value = "target/demo")]
    pub(crate) out: PathBuf,
    /// The question to a language model.
    #[arg(long, default_value = "Q:capital of France?A:")]
    pub(crate) prompt: String,
    /// Number of tokens to answer.
    #[arg(long, value_name = "N", default_value_t = 6)]
    pub(crate) tokens: usize,
    /// Two texts for an embedding model to compare, of those in reference.json; the first two there if not given.
    #[arg(long, num_args = 2, value_names = ["FIRST", "SECOND"])]
    pub(crate) texts: Option<Vec<String>>,
    /// Cosine from which the contract calls two texts similar, in ten-thousandths.
    #[arg(long, value_name = "1..10000", default_value_t = 7000)]
    pub(crate) threshold_bps: u16,
    /// How to cut the model: `layer` (the embedding, each layer, the head), `auto`, or a number of segments.
    #[arg(long, value_name = "auto|layer|N", default_value = "layer", value_parser = crate::args::parse_segments)]
    pub(crate) segments: Segments,
    /// What the aggregated proof is to spend least of.
    #[arg(long, value_enum, value_name = "total|gas", default_value = "total")]
    pub(crate) objective: crate::args::ObjectiveArg,
}
