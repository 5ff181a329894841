//! Whether a chain holds what a record says: code hashes, the oracle's registry, the models' routes.

use super::record::{ContractRecord, DeploymentRecord};
use crate::abi::{InferenceOracle, ModelRegistry, ModelVerifier};
use crate::chain::ChainClient;
use crate::error::{OracleError, Result};
use alloy::primitives::{B256, keccak256};

/// Compares every contract of the record with the chain.
pub async fn check_deployment(client: &ChainClient, record: &DeploymentRecord) -> Result<()> {
    client
        .expect_chain(record.chain_id, "the deployment record")
        .await?;
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
        expect_code(client, "raw verifier", &model.raw_verifier).await?;
        if let Some(key) = &model.key_contract {
            expect_code(client, "key contract", key).await?;
        }
        expect_code(client, "model verifier", &model.model_verifier).await?;
        let route = client
            .view(
                registry,
                &ModelRegistry::routeOfCall {
                    modelId: model.model_id,
                },
            )
            .await?;
        let vk = client
            .view(
                model.model_verifier.address,
                &ModelVerifier::vkDigestCall {},
            )
            .await?;
        let key = client
            .view(
                model.model_verifier.address,
                &ModelVerifier::keyContractCall {},
            )
            .await?;
        let recorded = model.key_contract.as_ref().map(|key| key.address);
        if key != recorded.unwrap_or_default() {
            return Err(OracleError::Deployment(format!(
                "model {}: key contract {key} on chain, recorded is {recorded:?}",
                model.model_id
            )));
        }
        if route.verifier != model.model_verifier.address || vk != model.vk_digest {
            return Err(OracleError::Deployment(format!(
                "model {}: verifier {} with key {vk} on chain, recorded are {} and {}",
                model.model_id, route.verifier, model.model_verifier.address, model.vk_digest
            )));
        }
    }
    Ok(())
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
