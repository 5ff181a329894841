//! The relayer's YAML file. Unknown keys are errors; secrets come from the environment or from files, never from here.

use crate::chain::{Account, Secret};
use crate::deploy::DeploymentRecord;
use crate::error::{OracleError, Result};
use alloy::primitives::{Address, U256};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Replaces `chain.rpc_url`.
const ENV_RPC: &str = "HALOCAST_RPC_URL";
/// Private key in hex; replaces the keystore.
const ENV_KEY: &str = "HALOCAST_PRIVATE_KEY";
/// Password of the keystore; replaces `key.password_file`.
const ENV_PASSWORD: &str = "HALOCAST_KEYSTORE_PASSWORD";

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayerConfig {
    /// The chain and the deployment on it.
    pub chain: ChainConfig,
    /// Where the key is.
    #[serde(default)]
    pub key: KeyConfig,
    /// Where the relayer keeps its things.
    pub store: StoreConfig,
    /// What it pays.
    #[serde(default)]
    pub fees: FeeConfig,
    /// What it takes on.
    #[serde(default)]
    pub policy: PolicyConfig,
    /// What it says.
    #[serde(default)]
    pub log: LogConfig,
}

/// The chain and the deployment on it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainConfig {
    /// Chain id; the node and the deployment record must agree.
    pub id: u64,
    /// HTTP endpoint of a node. `HALOCAST_RPC_URL` replaces it.
    #[serde(default)]
    pub rpc_url: Option<Secret<String>>,
    /// `deployments/<chain-id>.json`.
    pub deployment: PathBuf,
    /// Pause between looks at the chain.
    #[serde(default = "defaults::poll_interval_ms")]
    pub poll_interval_ms: u64,
    /// Most blocks in one `eth_getLogs`; halved where the node wants fewer.
    #[serde(default = "defaults::log_range")]
    pub log_range: u64,
    /// Blocks on top of a request before it is worked on.
    #[serde(default)]
    pub request_confirmations: u64,
    /// Blocks, the result's own included, until a result counts as settled.
    #[serde(default = "defaults::confirmations")]
    pub confirmations: u64,
}

/// Where the key is. Without a keystore, `HALOCAST_PRIVATE_KEY` must be set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// Encrypted keystore file.
    #[serde(default)]
    pub keystore: Option<PathBuf>,
    /// File with its password (`HALOCAST_KEYSTORE_PASSWORD` replaces it).
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Who is credited; the key's own address if absent. Proofs are made for this address.
    #[serde(default)]
    pub payee: Option<Address>,
}

/// Where the relayer keeps its things.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// SQLite file; created if missing.
    pub database: PathBuf,
    /// Folder for proofs in the making.
    pub workdir: PathBuf,
}

/// What the relayer pays.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeeConfig {
    /// Never more than this per gas; above it the relayer waits.
    pub max_fee_gwei: f64,
    /// Tip per gas.
    pub priority_fee_gwei: f64,
    /// A transaction that waits longer is replaced by one that pays 12.5 % more.
    pub bump_after_seconds: u64,
    /// A transaction no node seems to have is sent again after this.
    pub resend_after_seconds: u64,
    /// Added to the gas estimate.
    pub gas_margin_percent: u64,
    /// Largest gas limit of a transaction (EIP-7825's cap by default).
    pub max_gas: u64,
}

/// What the relayer takes on.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyConfig {
    /// Smallest fee, in wei.
    pub min_fee_wei: U256,
    /// Least time left until the deadline when a request is taken on.
    pub min_seconds_left: u64,
    /// Largest callback gas.
    pub max_callback_gas: u32,
    /// Attempts at proving, and at sending, before a job is given up.
    pub attempts: u32,
    /// Pause after a failed attempt; doubles.
    pub retry_seconds: u64,
    /// How long a stop waits for the proof in the making.
    pub drain_seconds: u64,
}

/// What the relayer says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// Text or JSON.
    #[serde(default)]
    pub format: LogFormat,
    /// A tracing filter, `info` by default; `RUST_LOG` replaces it.
    #[serde(default)]
    pub filter: Option<String>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

impl Default for FeeConfig {
    fn default() -> Self {
        Self {
            max_fee_gwei: 200.0,
            priority_fee_gwei: 1.0,
            bump_after_seconds: 60,
            resend_after_seconds: 15,
            gas_margin_percent: 15,
            max_gas: 16_777_216,
        }
    }
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self {
            min_fee_wei: U256::ZERO,
            min_seconds_left: 300,
            max_callback_gas: 5_000_000,
            attempts: 5,
            retry_seconds: 5,
            drain_seconds: 30,
        }
    }
}

mod defaults {
    pub(super) const fn poll_interval_ms() -> u64 {
        1000
    }
    pub(super) const fn log_range() -> u64 {
        2000
    }
    pub(super) const fn confirmations() -> u64 {
        3
    }
}

impl FeeConfig {
    /// The cap in wei.
    pub fn max_fee(&self) -> u128 {
        gwei(self.max_fee_gwei)
    }

    /// The tip in wei.
    pub fn priority_fee(&self) -> u128 {
        gwei(self.priority_fee_gwei)
    }
}

/// Negative and NaN become 0 (`check` refuses them before).
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn gwei(value: f64) -> u128 {
    (value * 1e9).round() as u128
}

impl RelayerConfig {
    /// Reads and checks a file. Relative paths in it are relative to it.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(OracleError::io("reading", path))?;
        let mut config = Self::parse(&text).map_err(|message| OracleError::Config {
            path: path.to_owned(),
            message,
        })?;
        config.resolve_paths(path.parent().unwrap_or(Path::new(".")));
        Ok(config)
    }

    /// Parses and checks a file's text; the message shows line and column.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = serde_saphyr::from_str(text).map_err(|e| e.to_string())?;
        config.check_values()?;
        Ok(config)
    }

    /// Everything that can be found wrong without a chain: values, the deployment record, the key's presence. For `config check`.
    pub fn check(path: &Path) -> Result<Self> {
        let config = Self::load(path)?;
        config.rpc_url(path)?;
        let record = DeploymentRecord::load(&config.chain.deployment)?;
        if record.chain_id != config.chain.id {
            let message = format!(
                "chain.id is {}, {} is for chain {}",
                config.chain.id,
                config.chain.deployment.display(),
                record.chain_id
            );
            return Err(OracleError::Config {
                path: path.to_owned(),
                message,
            });
        }
        Ok(config)
    }

    fn check_values(&self) -> Result<(), String> {
        let fees = &self.fees;
        for (name, value) in [
            ("fees.max_fee_gwei", fees.max_fee_gwei),
            ("fees.priority_fee_gwei", fees.priority_fee_gwei),
        ] {
            if !value.is_finite() || value < 0.0 {
                return Err(format!("{name}: {value} is not a fee"));
            }
        }
        if fees.priority_fee_gwei > fees.max_fee_gwei {
            return Err(format!(
                "fees.priority_fee_gwei {} is over fees.max_fee_gwei {}",
                fees.priority_fee_gwei, fees.max_fee_gwei
            ));
        }
        let positive = [
            ("chain.poll_interval_ms", self.chain.poll_interval_ms),
            ("chain.log_range", self.chain.log_range),
            ("chain.confirmations", self.chain.confirmations),
            ("policy.attempts", self.policy.attempts.into()),
        ];
        match positive.into_iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(format!("{name}: must be at least 1")),
            None => Ok(()),
        }
    }

    fn resolve_paths(&mut self, base: &Path) {
        for path in [
            &mut self.chain.deployment,
            &mut self.store.database,
            &mut self.store.workdir,
        ] {
            *path = base.join(&*path);
        }
        for path in [&mut self.key.keystore, &mut self.key.password_file]
            .into_iter()
            .flatten()
        {
            *path = base.join(&*path);
        }
    }

    /// The node's URL: from the environment, else from the file.
    pub fn rpc_url(&self, path: &Path) -> Result<Secret<String>> {
        let from_env = std::env::var(ENV_RPC)
            .ok()
            .filter(|v| !v.is_empty())
            .map(Secret::new);
        from_env
            .or_else(|| self.chain.rpc_url.clone())
            .ok_or_else(|| OracleError::Config {
                path: path.to_owned(),
                message: format!("chain.rpc_url is missing and {ENV_RPC} is not set"),
            })
    }

    /// The signing account: from the environment, else from the keystore. Blocks for seconds.
    pub fn account(&self) -> Result<Account> {
        if let Some(key) = std::env::var(ENV_KEY).ok().filter(|v| !v.is_empty()) {
            return Account::from_private_key(&Secret::new(key));
        }
        let Some(keystore) = &self.key.keystore else {
            return Err(OracleError::Key(format!(
                "neither {ENV_KEY} nor key.keystore is set"
            )));
        };
        Account::from_keystore(keystore, &self.password()?)
    }

    fn password(&self) -> Result<Secret<String>> {
        if let Ok(password) = std::env::var(ENV_PASSWORD) {
            return Ok(Secret::new(password));
        }
        let Some(path) = &self.key.password_file else {
            return Err(OracleError::Key(format!(
                "neither {ENV_PASSWORD} nor key.password_file is set"
            )));
        };
        let text = std::fs::read_to_string(path).map_err(OracleError::io("reading", path))?;
        Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))
    }
}
