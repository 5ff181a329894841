//! What the chain commands share: the prover behind the relayer's seam, deployment plans from bundles, accounts.

mod batch;
mod engine;
mod plan;

pub(crate) use batch::{check_contexts, proof_context, set_of};
pub(crate) use engine::{BundleEngine, Logged};
pub(crate) use plan::{generated, plan};

use crate::chain_args::{ChainArgs, KeyArgs};
use alloy::primitives::{B256, U256};
use eyre::WrapErr;
use halocast_oracle::deploy::record_path;
use halocast_oracle::{Account, ChainClient, DeploymentRecord, RetryPolicy, Secret};
use halocast_prover::bundle::Bundle;
use halocast_prover::ir::Word;
use std::path::{Path, PathBuf};

/// A runtime for one command.
pub(crate) fn block_on<T>(future: impl Future<Output = eyre::Result<T>>) -> eyre::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .wrap_err("cannot start the runtime")?
        .block_on(future)
}

/// A node; nothing is sent yet.
pub(crate) fn client(args: &ChainArgs) -> eyre::Result<ChainClient> {
    Ok(ChainClient::http(&args.rpc_url, RetryPolicy::default())?)
}

/// Where the record of a chain is.
pub(crate) fn record_file(args: &ChainArgs, chain_id: u64) -> PathBuf {
    match &args.deployment {
        Some(path) => path.clone(),
        None => record_path(Path::new("deployments"), chain_id),
    }
}

/// The record of the node's chain.
pub(crate) async fn load_record(
    args: &ChainArgs,
    client: &ChainClient,
) -> eyre::Result<DeploymentRecord> {
    let chain_id = client.chain_id().await?;
    let path = record_file(args, chain_id);
    let record = DeploymentRecord::load(&path).wrap_err_with(|| {
        format!("no deployment for chain {chain_id} (`halocast deploy` makes one)")
    })?;
    record.expect_chain(&path, chain_id, &args.rpc_url)?;
    Ok(record)
}

/// The signing account: environment, else keystore. Never asks for a password.
pub(crate) fn account(args: &KeyArgs) -> eyre::Result<Account> {
    let variable = |name: &str| {
        std::env::var(name)
            .ok()
            .filter(|v| !v.is_empty())
            .map(Secret::new)
    };
    if let Some(key) = variable("HALOCAST_PRIVATE_KEY") {
        return Ok(Account::from_private_key(&key)?);
    }
    let Some(keystore) = &args.keystore else {
        eyre::bail!("no key: set HALOCAST_PRIVATE_KEY or give --keystore");
    };
    let password = match (variable("HALOCAST_KEYSTORE_PASSWORD"), &args.password_file) {
        (Some(password), _) => password,
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path)
                .wrap_err_with(|| format!("cannot read {}", path.display()))?;
            Secret::new(text.trim_end_matches(['\r', '\n']).to_owned())
        }
        (None, None) => {
            eyre::bail!("no password: set HALOCAST_KEYSTORE_PASSWORD or give --password-file")
        }
    };
    Ok(Account::from_keystore(keystore, &password)?)
}

/// The model's commitment as the chain knows it.
pub(crate) fn model_id(bundle: &Bundle) -> eyre::Result<B256> {
    let commitment = bundle
        .commitment()
        .ok_or_else(|| bundle.stage_missing("model commitment", "setup"))?;
    commitment
        .parse()
        .wrap_err("the manifest's model commitment")
}

/// A packed word for the chain.
pub(crate) fn to_u256(word: &Word) -> U256 {
    U256::from_le_bytes(*word)
}

/// A chain's word for the prover; what is not below 2^248 is caught when it is unpacked.
pub(crate) fn to_word(value: &U256) -> Word {
    value.to_le_bytes()
}
