//! `deployments/<chain-id>.json`: what lies where, written by the deploy tool, read by relayer, CLI and tests; and the journal of a run
//! that has not ended. Both are written whole or not at all.

use crate::chain::redact_url;
use crate::error::{OracleError, Result};
use alloy::primitives::{Address, B256, Bytes, FixedBytes};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The record's own format.
const FORMAT: u32 = 2;

/// One contract on chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContractRecord {
    /// Where.
    pub address: Address,
    /// Block of its creation; absent if somebody else created it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub block: Option<u64>,
    /// Transaction of its creation; absent if somebody else created it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tx: Option<B256>,
    /// keccak256 of the code on chain.
    pub code_hash: B256,
    /// Bytes of the code on chain.
    pub code_bytes: usize,
}

/// The transaction that registered a model, added its route or named its batch verifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegistrationRecord {
    /// Block.
    pub block: u64,
    /// Transaction.
    pub tx: B256,
}

/// One model of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelRecord {
    /// The commitment `M`.
    pub model_id: B256,
    /// Digest of the outer verifying key.
    pub vk_digest: B256,
    /// Whether the reference string is a development one.
    pub srs_insecure: bool,
    /// Results a proof has room for; absent for 1.
    #[serde(skip_serializing_if = "is_one", default = "one")]
    pub slots: u32,
    /// Packed input words of one result.
    pub input_words: u32,
    /// Packed output words of one result.
    pub output_words: u32,
    /// Bytes of a proof blob.
    pub proof_length: u32,
    /// Where the manifest lies.
    pub metadata_uri: String,
    /// The generated verifier. Not to be called directly.
    pub raw_verifier: ContractRecord,
    /// The contract with its key; absent if the verifier holds it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key_contract: Option<ContractRecord>,
    /// The leaf.
    pub model_verifier: ContractRecord,
    /// The leaf's route in the router.
    pub selector: FixedBytes<4>,
    /// When the route was added; absent if somebody else did it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub route: Option<RegistrationRecord>,
    /// The route in a leaf's shape: what the registry is given, if there is no batch verifier.
    pub routed_verifier: ContractRecord,
    /// What the registry is given if a proof has room for several results, as verifier of single results and of sets; absent for 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub batch_verifier: Option<ContractRecord>,
    /// Registration; absent if somebody else did it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub registration: Option<RegistrationRecord>,
    /// Registration of the batch verifier for sets; absent if there is none, or somebody else did it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub batch_registration: Option<RegistrationRecord>,
    /// How the raw verifier was compiled.
    pub compiler: CompilerRecord,
}

impl ModelRecord {
    /// What the registry holds as the model's verifier: takes the words of one result.
    pub fn registered(&self) -> &ContractRecord {
        self.batch_verifier
            .as_ref()
            .unwrap_or(&self.routed_verifier)
    }
}

fn one() -> u32 {
    1
}

// By reference: serde asks so.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_one(slots: &u32) -> bool {
    *slots == 1
}

/// Optimizer runs for a generated verifier: it is called for years.
pub(super) const RAW_VERIFIER_RUNS: u32 = 1_000_000;

/// How a contract was compiled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CompilerRecord {
    /// Solidity compiler.
    pub solc: String,
    /// EVM version.
    pub evm_version: String,
    /// Whether compiled by way of the IR.
    pub via_ir: bool,
    /// Optimizer runs; absent if it was off.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub optimizer_runs: Option<u32>,
}

impl CompilerRecord {
    /// Settings of `contracts/foundry.toml`, with which `contracts/abi/*.json` are made.
    pub fn contracts() -> Self {
        Self {
            solc: "0.8.37".into(),
            evm_version: "prague".into(),
            via_ir: true,
            optimizer_runs: Some(1000),
        }
    }

    /// Settings for a generated verifier (`compile_solidity`).
    pub fn raw_verifier() -> Self {
        Self {
            solc: "0.8.37".into(),
            evm_version: "prague".into(),
            via_ir: true,
            optimizer_runs: Some(RAW_VERIFIER_RUNS),
        }
    }
}

/// A deployment on one chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentRecord {
    /// Format of this file.
    pub format: u32,
    /// The chain.
    pub chain_id: u64,
    /// Halocast's version.
    pub version: String,
    /// `live`, `stopped` or `retired`.
    pub status: String,
    /// Admin, registrar and guardian at deployment.
    pub owner: Address,
    /// The CREATE2 factory.
    pub factory: Address,
    /// The CREATE2 salt.
    pub salt: B256,
    /// First block in which there can be a request.
    pub start_block: u64,
    /// `VerifierRouter`: where a verifier is stopped.
    pub verifier_router: ContractRecord,
    /// `ModelRegistry`.
    pub model_registry: ContractRecord,
    /// `InferenceOracle`.
    pub inference_oracle: ContractRecord,
    /// How leaves, router, registry and oracle were compiled.
    pub compiler: CompilerRecord,
    /// The models, in order of registration.
    pub models: Vec<ModelRecord>,
}

/// `<dir>/<chain-id>.json`.
pub fn record_path(dir: &Path, chain_id: u64) -> PathBuf {
    dir.join(format!("{chain_id}.json"))
}

impl DeploymentRecord {
    pub(super) const CURRENT_FORMAT: u32 = FORMAT;

    /// Reads a record.
    pub fn load(path: &Path) -> Result<Self> {
        let bad = |message: String| OracleError::Config {
            path: path.to_owned(),
            message,
        };
        let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => bad(
                "no such deployment record (`halocast deploy --broadcast` writes it)".to_owned(),
            ),
            _ => OracleError::io("reading", path)(error),
        })?;
        let record: Self = serde_json::from_str(&text).map_err(|e| bad(e.to_string()))?;
        if record.format != FORMAT {
            return Err(bad(format!(
                "format {} (this version reads {FORMAT})",
                record.format
            )));
        }
        Ok(record)
    }

    /// Reads a record if there is one.
    pub fn load_if_any(path: &Path) -> Result<Option<Self>> {
        if path.exists() {
            Self::load(path).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Writes the record whole or not at all.
    pub fn save(&self, path: &Path) -> Result<()> {
        write_json(path, self)
    }

    /// One model's entry.
    pub fn model(&self, model_id: B256) -> Option<&ModelRecord> {
        self.models.iter().find(|m| m.model_id == model_id)
    }

    /// Fails with a clear message if the record is for another chain.
    pub fn expect_chain(&self, path: &Path, chain_id: u64, url: &str) -> Result<()> {
        if self.chain_id == chain_id {
            return Ok(());
        }
        let what = format!("deployment record {}", path.display());
        Err(OracleError::ChainIdMismatch {
            what,
            expected: self.chain_id,
            got: chain_id,
            url: redact_url(url),
        })
    }
}

/// A transaction that was signed for a step of a run that has not ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JournalEntry {
    pub(super) hash: B256,
    pub(super) raw: Bytes,
    pub(super) gas_limit: u64,
}

/// Steps by address (or route by selector, registrations by model id) of a run that has not ended.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Journal {
    pub(super) entries: BTreeMap<String, JournalEntry>,
}

impl Journal {
    /// `<chain-id>.journal.json` beside the record.
    pub(super) fn path(record: &Path) -> PathBuf {
        record.with_extension("journal.json")
    }

    pub(super) fn load(record: &Path) -> Result<Self> {
        let path = Self::path(record);
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = std::fs::read_to_string(&path).map_err(OracleError::io("reading", &path))?;
        serde_json::from_str(&text).map_err(|e| OracleError::Config {
            path,
            message: e.to_string(),
        })
    }

    pub(super) fn save(&self, record: &Path) -> Result<()> {
        write_json(&Self::path(record), self)
    }

    pub(super) fn remove(record: &Path) -> Result<()> {
        let path = Self::path(record);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(OracleError::io("removing", path)(e))
            }
            _ => Ok(()),
        }
    }
}

/// Temporary file, sync, rename: a reader sees the old file or the new one.
fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let dir = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir).map_err(OracleError::io("creating", dir))?;
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|e| OracleError::Deployment(format!("writing {}: {e}", path.display())))?;
    text.push(b'\n');
    let temporary = path.with_extension(format!("tmp{}", std::process::id()));
    let written = write_synced(&temporary, &text).and_then(|()| std::fs::rename(&temporary, path));
    if let Err(e) = written {
        let _ = std::fs::remove_file(&temporary); // nothing half-written is left; the error that counts is the first
        return Err(OracleError::io("writing", path)(e));
    }
    Ok(())
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
