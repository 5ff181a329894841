//! `halocast relay`

use crate::chain::{BundleEngine, Logged};
use crate::chain_args::RelayArgs;
use crate::ui::Output;
use eyre::WrapErr;
use halocast_oracle::relay::{FailPoint, RelayerOptions, init_logging, run_until_signal};
use halocast_oracle::{InferenceEngine, RelayerConfig};
use std::process::ExitCode;
use std::sync::Arc;

/// Names a place where a test pulls the plug.
const FAILPOINT: &str = "HALOCAST_FAILPOINT";

pub(crate) fn run(args: RelayArgs, out: &Output) -> eyre::Result<ExitCode> {
    let config = RelayerConfig::check(&args.config)?;
    init_logging(&config.log);
    let mut engines: Vec<Arc<dyn InferenceEngine>> = Vec::new();
    for path in &args.bundles {
        let bundle = super::open(path)?;
        let engine = BundleEngine::new(bundle, Arc::new(Logged))
            .wrap_err_with(|| format!("cannot serve {}", path.display()))?;
        engines.push(Arc::new(engine));
    }
    let models: Vec<String> = engines.iter().map(|e| e.model_id().to_string()).collect();
    if !args.check {
        let options = RelayerOptions {
            failpoint: FailPoint::from_env(FAILPOINT),
            ..RelayerOptions::default()
        };
        run_until_signal(&args.config, config, engines, options)?;
    }
    let result = serde_json::json!({"stopped": !args.check, "models": models});
    out.result(&result, || match args.check {
        true => format!("configuration and bundles are good: {}", models.join(", ")),
        false => "stopped".to_owned(),
    })?;
    Ok(ExitCode::SUCCESS)
}
