//! The transactions of a model that create nothing: its leaf's route in the router, its entry in the registry, and its batch verifier there.

use super::contracts::Contracts;
use super::record::RegistrationRecord;
use super::run::{Run, StepStatus};
use crate::abi::{ModelRegistry, VerifierRouter};
use crate::chain::{ReceiptInfo, TxPlan};
use crate::error::{OracleError, Result};
use alloy::primitives::{Address, U256};
use alloy::sol_types::SolCall;

/// Statuses of a route; the higher ones are tombstones.
pub(super) const ROUTE_UNKNOWN: u8 = 0;
pub(super) const ROUTE_ACTIVE: u8 = 1;
const ROUTE_STOPPED: u8 = 2;

/// Name of the step that only models with a batch verifier have.
pub(super) const BATCH_STEP: &str = "batch registration";

impl Run<'_> {
    /// Whether the router has the leaf's route.
    pub(super) async fn is_routed(&self, contracts: &Contracts) -> Result<bool> {
        let (selector, leaf) = (contracts.selector, contracts.leaf.address);
        let call = VerifierRouter::routeOfCall { selector };
        let route = self.client.view(contracts.router.address, &call).await?;
        match route.status {
            ROUTE_UNKNOWN => Ok(false),
            ROUTE_ACTIVE | ROUTE_STOPPED if route.verifier == leaf => Ok(true),
            ROUTE_ACTIVE | ROUTE_STOPPED => Err(OracleError::Deployment(format!(
                "route {selector} leads to {}, this plan's leaf is {leaf}: other code for the same key and model",
                route.verifier
            ))),
            _ => Err(OracleError::Deployment(format!(
                "route {selector} was ended for good: this key of model {} is not to be used any more; set the bundle up anew",
                self.plan.model.model_id
            ))),
        }
    }

    /// Adds the leaf's route, if the router has none.
    pub(super) async fn route(
        &mut self,
        contracts: &Contracts,
    ) -> Result<Option<RegistrationRecord>> {
        let (key, address) = (contracts.selector.to_string(), contracts.router.address);
        if self.is_routed(contracts).await? {
            let receipt = self.earlier_receipt(&key).await?;
            self.report("route", address, StepStatus::Unchanged, None);
            let old = self.old.as_ref();
            let recorded = old.and_then(|r| r.model(self.plan.model.model_id)?.route.clone());
            return Ok(receipt.map(in_block).or(recorded));
        }
        let call = VerifierRouter::addVerifierCall {
            verifier: contracts.leaf.address,
        };
        let plan = TxPlan {
            to: address,
            value: U256::ZERO,
            data: call.abi_encode().into(),
            action: format!("adding route {}", contracts.selector),
        };
        let receipt = self.send(&key, plan).await?;
        let gas = Some(receipt.gas_used);
        self.report("route", address, StepStatus::Done, gas);
        Ok(Some(in_block(receipt)))
    }

    pub(super) async fn is_registered(&self, contracts: &Contracts) -> Result<bool> {
        let model_id = self.plan.model.model_id;
        let registry = contracts.registry.address;
        if self
            .client
            .view(registry, &ModelRegistry::statusOfCall { modelId: model_id })
            .await?
            == 0
        {
            return Ok(false);
        }
        let route = self
            .client
            .view(registry, &ModelRegistry::routeOfCall { modelId: model_id })
            .await?;
        let expected = contracts.registered().address;
        if route.verifier != expected {
            return Err(OracleError::Deployment(format!(
                "model {model_id} is registered with verifier {}, this plan makes {expected}: other key or other code under the same commitment",
                route.verifier
            )));
        }
        Ok(true)
    }

    pub(super) async fn register(
        &mut self,
        contracts: &Contracts,
    ) -> Result<Option<RegistrationRecord>> {
        let model = &self.plan.model;
        let (key, address) = (model.model_id.to_string(), contracts.registry.address);
        if self.is_registered(contracts).await? {
            let receipt = self.earlier_receipt(&key).await?;
            self.report("registration", address, StepStatus::Unchanged, None);
            let recorded = self
                .old
                .as_ref()
                .and_then(|old| old.model(self.plan.model.model_id)?.registration.clone());
            return Ok(receipt.map(in_block).or(recorded));
        }
        let call = ModelRegistry::registerCall {
            modelId: model.model_id,
            verifier: contracts.registered().address,
            owner: self.owner(),
            metadata: model.metadata.to_abi(),
            metadataURI: model.metadata_uri.clone(),
        };
        let action = format!("registering model {}", model.model_id);
        let plan = TxPlan {
            to: address,
            value: U256::ZERO,
            data: call.abi_encode().into(),
            action,
        };
        let receipt = self.send(&key, plan).await?;
        self.report(
            "registration",
            address,
            StepStatus::Done,
            Some(receipt.gas_used),
        );
        Ok(Some(in_block(receipt)))
    }
}

impl Run<'_> {
    /// Whether the registry has the plan's batch verifier; it takes one once.
    pub(super) async fn is_batch_registered(&self, contracts: &Contracts) -> Result<bool> {
        let Some(batch) = &contracts.batch else {
            return Ok(true);
        };
        let model_id = self.plan.model.model_id;
        let call = ModelRegistry::batchVerifierOfCall { modelId: model_id };
        let got = self.client.view(contracts.registry.address, &call).await?;
        if got != Address::ZERO && got != batch.address {
            return Err(OracleError::Deployment(format!(
                "model {model_id} has the batch verifier {got}, this plan makes {}, and the registry takes one only",
                batch.address
            )));
        }
        Ok(got == batch.address)
    }

    /// Gives the registry the batch verifier for sets, if there is one and the registry has it not.
    pub(super) async fn register_batch(
        &mut self,
        contracts: &Contracts,
    ) -> Result<Option<RegistrationRecord>> {
        let Some(batch) = &contracts.batch else {
            return Ok(None);
        };
        let (model_id, address) = (self.plan.model.model_id, contracts.registry.address);
        let key = format!("{model_id}/batch");
        if self.is_batch_registered(contracts).await? {
            let receipt = self.earlier_receipt(&key).await?;
            self.report(BATCH_STEP, address, StepStatus::Unchanged, None);
            let old = self.old.as_ref().and_then(|old| old.model(model_id));
            let recorded = old.and_then(|model| model.batch_registration.clone());
            return Ok(receipt.map(in_block).or(recorded));
        }
        let call = ModelRegistry::setBatchVerifierCall {
            modelId: model_id,
            batchVerifier: batch.address,
        };
        let plan = TxPlan {
            to: address,
            value: U256::ZERO,
            data: call.abi_encode().into(),
            action: format!("naming the batch verifier of model {model_id}"),
        };
        let receipt = self.send(&key, plan).await?;
        let gas = Some(receipt.gas_used);
        self.report(BATCH_STEP, address, StepStatus::Done, gas);
        Ok(Some(in_block(receipt)))
    }
}

fn in_block(receipt: ReceiptInfo) -> RegistrationRecord {
    RegistrationRecord {
        block: receipt.block_number,
        tx: receipt.hash,
    }
}
