//! Whether a chain holds what a record says: code hashes, the oracle's registry, the models' routes.

use super::entries::ROUTE_ACTIVE;
use super::record::{ContractRecord, DeploymentRecord, ModelRecord};
use crate::abi::{
    BatchVerifier, InferenceOracle, ModelRegistry, ModelVerifier, RoutedVerifier, VerifierRouter,
};
use crate::chain::ChainClient;
use crate::error::{OracleError, Result};
use alloy::primitives::{B256, keccak256};
use std::fmt::Display;

/// Compares every contract of the record with the chain.
pub async fn check_deployment(client: &ChainClient, record: &DeploymentRecord) -> Result<()> {
    client
        .expect_chain(record.chain_id, "the deployment record")
        .await?;
    expect_code(client, "verifier router", &record.verifier_router).await?;
    expect_code(client, "model registry", &record.model_registry).await?;
    expect_code(client, "inference oracle", &record.inference_oracle).await?;
    let registry = client
        .view(
            record.inference_oracle.address,
            &InferenceOracle::registryCall {},
        )
        .await?;
    if registry != record.model_registry.address {
        return Err(OracleError::Deployment(format!(
            "the oracle's registry is {registry}, recorded is {}",
            record.model_registry.address
        )));
    }
    for model in &record.models {
        check_model(client, record, model).await?;
    }
    Ok(())
}

/// A model's contracts, and the way of its proofs: registry → (batch verifier →) routed verifier → router → leaf → key
/// contract.
async fn check_model(
    client: &ChainClient,
    record: &DeploymentRecord,
    model: &ModelRecord,
) -> Result<()> {
    expect_code(client, "raw verifier", &model.raw_verifier).await?;
    if let Some(key) = &model.key_contract {
        expect_code(client, "key contract", key).await?;
    }
    expect_code(client, "model verifier", &model.model_verifier).await?;
    expect_code(client, "routed verifier", &model.routed_verifier).await?;
    let (leaf, routed) = (model.model_verifier.address, model.routed_verifier.address);
    let expect = |what: &str, got: &dyn Display, recorded: &dyn Display| {
        expect_same(model, what, got, recorded)
    };
    let vk = client.view(leaf, &ModelVerifier::vkDigestCall {}).await?;
    expect("verifying key", &vk, &model.vk_digest)?;
    let key = client
        .view(leaf, &ModelVerifier::keyContractCall {})
        .await?;
    let recorded = model.key_contract.as_ref().map(|key| key.address);
    expect("key contract", &key, &recorded.unwrap_or_default())?;

    let router = client.view(routed, &RoutedVerifier::routerCall {}).await?;
    expect("router", &router, &record.verifier_router.address)?;
    let selector = model.selector;
    let got = client
        .view(routed, &RoutedVerifier::selectorCall {})
        .await?;
    expect("selector", &got, &selector)?;
    let route = client
        .view(router, &VerifierRouter::routeOfCall { selector })
        .await?;
    expect("the route's leaf", &route.verifier, &leaf)?;
    // What is stopped is as recorded, but gives no results.
    if route.status != ROUTE_ACTIVE {
        tracing::warn!(%selector, model = %model.model_id, "the model's route is not active");
    }
    let call = ModelRegistry::routeOfCall {
        modelId: model.model_id,
    };
    let entry = client.view(record.model_registry.address, &call).await?;
    let registered = model.registered().address;
    expect("registered verifier", &entry.verifier, &registered)?;
    check_batch_verifier(client, model).await?;
    // Also if none is recorded: whoever is named there answers for sets of the model.
    let call = ModelRegistry::batchVerifierOfCall {
        modelId: model.model_id,
    };
    let got = client.view(record.model_registry.address, &call).await?;
    let recorded = model.batch_verifier.as_ref().map(|batch| batch.address);
    expect("batch verifier", &got, &recorded.unwrap_or_default())
}

/// The batch verifier over the model's route; there is one if a proof has several slots, and only then.
async fn check_batch_verifier(client: &ChainClient, model: &ModelRecord) -> Result<()> {
    let Some(batch) = &model.batch_verifier else {
        return expect_same(model, "slots of a route", &1, &model.slots);
    };
    expect_code(client, "batch verifier", batch).await?;
    let address = batch.address;
    let flat = client.view(address, &BatchVerifier::flatCall {}).await?;
    let routed = model.routed_verifier.address;
    expect_same(model, "the batch verifier's route", &flat, &routed)?;
    let slots = client.view(address, &BatchVerifier::slotsCall {}).await?;
    expect_same(model, "slots", &slots, &model.slots)
}

fn expect_same(
    model: &ModelRecord,
    what: &str,
    got: &dyn Display,
    recorded: &dyn Display,
) -> Result<()> {
    let (got, recorded) = (got.to_string(), recorded.to_string());
    if got == recorded {
        return Ok(());
    }
    let model = model.model_id;
    Err(OracleError::Deployment(format!(
        "model {model}: {what} {got} on chain, recorded is {recorded}"
    )))
}

async fn expect_code(client: &ChainClient, name: &str, contract: &ContractRecord) -> Result<()> {
    let code = client.code(contract.address).await?;
    let got = if code.is_empty() {
        B256::ZERO
    } else {
        keccak256(&code)
    };
    if got == contract.code_hash {
        return Ok(());
    }
    Err(OracleError::CodeMismatch {
        name: name.into(),
        address: contract.address,
        got,
        expected: contract.code_hash,
    })
}
