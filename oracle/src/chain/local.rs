//! A private chain: the pinned anvil with the limits of a real one, stopped when dropped.

use super::{Account, ChainClient, RetryPolicy};
use crate::error::{OracleError, Result};
use alloy::node_bindings::{Anvil, AnvilInstance};
use alloy::signers::local::PrivateKeySigner;
use std::path::{Path, PathBuf};

/// Where anvil lies under a checkout's root after `scripts/tools/install.sh`.
const PINNED: &str = "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";
/// Oldest anvil that knows the options used here.
const OLDEST: (u32, u32) = (1, 7);

/// How a private chain is started.
#[derive(Debug, Clone, Default)]
pub struct LocalChainOptions {
    /// The binary; found by itself if not given (`$ANVIL`, the pinned one above the current folder, a recent one on PATH).
    pub anvil: Option<PathBuf>,
    /// Port; a free one if not given.
    pub port: Option<u16>,
    /// Chain id, 31337 by default.
    pub chain_id: Option<u64>,
    /// More arguments (`--no-mining`, `--state FILE`, …). Not `--silent`: its output is read.
    pub args: Vec<String>,
}

/// A running anvil.
pub struct LocalChain {
    instance: AnvilInstance,
}

impl std::fmt::Debug for LocalChain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalChain")
            .field("endpoint", &self.instance.endpoint())
            .finish_non_exhaustive()
    }
}

impl LocalChain {
    /// Starts anvil with hardfork prague, EIP-170 and the transaction gas cap in force.
    pub fn start(options: &LocalChainOptions) -> Result<Self> {
        let path = match &options.anvil {
            Some(path) => path.clone(),
            None => find_anvil()?,
        };
        let mut anvil = Anvil::at(&path)
            .args(["--hardfork", "prague", "--enable-tx-gas-limit"])
            .chain_id(options.chain_id.unwrap_or(31_337))
            .args(&options.args)
            .timeout(20_000);
        if let Some(port) = options.port {
            anvil = anvil.port(port);
        }
        let instance = anvil.try_spawn().map_err(|e| OracleError::Tool {
            tool: "anvil".into(),
            message: format!("{} does not start: {e}", path.display()),
        })?;
        Ok(Self { instance })
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        self.instance.endpoint()
    }

    /// Chain id.
    pub fn chain_id(&self) -> u64 {
        self.instance.chain_id()
    }

    /// One of anvil's ten funded accounts.
    pub fn account(&self, index: usize) -> Account {
        let key = self.instance.keys()[index % self.instance.keys().len()].clone();
        Account::from_signer(PrivateKeySigner::from(key))
    }

    /// The same account's private key in hex, for a relayer process's environment. These keys are public knowledge.
    pub fn private_key(&self, index: usize) -> String {
        let key = self.instance.keys()[index % self.instance.keys().len()].clone();
        PrivateKeySigner::from(key).to_bytes().to_string()
    }

    /// A client for it.
    pub fn client(&self) -> Result<ChainClient> {
        ChainClient::http(&self.url(), RetryPolicy::default())
    }
}

/// `$ANVIL`, else the pinned binary of the checkout around the current folder, else a recent anvil on PATH.
fn find_anvil() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("ANVIL").filter(|v| !v.is_empty()) {
        return Ok(named.into());
    }
    let here = std::env::current_dir().map_err(OracleError::io("reading", "."))?;
    if let Some(pinned) = here
        .ancestors()
        .map(|dir| dir.join(PINNED))
        .find(|path| path.is_file())
    {
        return Ok(pinned);
    }
    on_path().ok_or_else(|| OracleError::Tool {
        tool: "anvil".into(),
        message: format!("not found: run scripts/tools/install.sh (it brings {PINNED}), or set ANVIL to an anvil >= 1.7"),
    })
}

fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // node_modules/.bin holds wrappers that outlive their parent.
    let mut found = std::env::split_paths(&path)
        .map(|dir| dir.join("anvil"))
        .filter(|p| p.is_file());
    found.find(|p| !p.components().any(|c| c.as_os_str() == "node_modules") && is_recent(p))
}

fn is_recent(anvil: &Path) -> bool {
    let Ok(output) = std::process::Command::new(anvil).arg("--version").output() else {
        return false;
    };
    version_in(&String::from_utf8_lossy(&output.stdout)).is_some_and(|v| v >= OLDEST)
}

/// First `a.b.c` in a text.
fn version_in(text: &str) -> Option<(u32, u32)> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .find_map(|word| {
            let mut parts = word.split('.');
            let (major, minor) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            parts.next().map(|_| (major, minor))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(
            version_in("anvil Version: 1.7.1-stable\nCommit SHA"),
            Some((1, 7))
        );
        assert_eq!(version_in("none"), None);
    }
}
