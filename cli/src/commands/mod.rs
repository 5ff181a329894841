//! One file a command.

pub(crate) mod calibrate;
pub(crate) mod compile;
pub(crate) mod deploy;
pub(crate) mod execute;
pub(crate) mod explain;
pub(crate) mod inspect;
pub(crate) mod prove;
pub(crate) mod relay;
pub(crate) mod request;
pub(crate) mod set;
pub(crate) mod setup;
pub(crate) mod srs;
pub(crate) mod status;
pub(crate) mod verifier;
pub(crate) mod verify;

use eyre::WrapErr;
use halocast_prover::bundle::Bundle;
use std::path::Path;

/// Opens a bundle.
fn open(path: &Path) -> eyre::Result<Bundle> {
    Bundle::open(path).wrap_err_with(|| format!("cannot open the bundle {}", path.display()))
}

/// Reads a JSON file.
fn read_json(path: &Path) -> eyre::Result<serde_json::Value> {
    let bytes = std::fs::read(path).wrap_err_with(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).wrap_err_with(|| format!("{} is not JSON", path.display()))
}
