//! The contracts of a plan, where they belong, and whether they are there.

use super::create2::create2_address;
use super::plan::LOCAL_CHAINS;
use super::record::ContractRecord;
use super::run::Run;
use crate::abi::{
    BatchVerifier, InferenceOracle, ModelRegistry, ModelVerifier, RoutedVerifier, VerifierRouter,
};
use crate::error::{OracleError, Result};
use alloy::primitives::{Address, B256, Bytes, FixedBytes, U256, keccak256};
use alloy::sol_types::{SolConstructor, SolValue};

pub(super) struct Contract {
    pub(super) name: &'static str,
    pub(super) init_code: Bytes,
    pub(super) address: Address,
    /// Known beforehand where there are no immutables, else from the record.
    pub(super) code_hash: Option<B256>,
}

pub(super) struct Contracts {
    pub(super) raw: Contract,
    pub(super) key: Option<Contract>,
    pub(super) leaf: Contract,
    pub(super) router: Contract,
    /// The leaf's route.
    pub(super) selector: FixedBytes<4>,
    /// Exists only once the route does.
    pub(super) routed: Contract,
    /// Over the routed verifier, if a proof has room for more than one result.
    pub(super) batch: Option<Contract>,
    pub(super) registry: Contract,
    pub(super) oracle: Contract,
}

impl Contracts {
    /// In the order of their creation.
    pub(super) fn all(&self) -> Vec<&Contract> {
        let key = self.key.iter();
        let raw = std::iter::once(&self.raw).chain(key);
        raw.chain([&self.leaf, &self.router, &self.routed])
            .chain(&self.batch)
            .chain([&self.registry, &self.oracle])
            .collect()
    }

    /// What the registry is given as the model's verifier.
    pub(super) fn registered(&self) -> &Contract {
        self.batch.as_ref().unwrap_or(&self.routed)
    }
}

impl Run<'_> {
    pub(super) fn contracts(&self, owner: Address) -> Contracts {
        let model = &self.plan.model;
        let runtime_hash = keccak256(&model.raw_verifier.runtime_code);
        let raw = self.contract(
            "raw verifier",
            model.raw_verifier.init_code.clone(),
            Some(runtime_hash),
        );
        let key = model.key_contract.as_ref().map(|code| {
            let hash = keccak256(&code.runtime_code);
            self.contract("key contract", code.init_code.clone(), Some(hash))
        });
        let pins = ModelVerifier::Pins {
            rawVerifier: raw.address,
            rawCodeHash: runtime_hash,
            keyContract: key.as_ref().map_or(Address::ZERO, |key| key.address),
            keyCodeHash: key
                .as_ref()
                .and_then(|key| key.code_hash)
                .unwrap_or_default(),
            modelId: model.model_id,
            inputWords: model.flat(model.input_words),
            outputWords: model.flat(model.output_words),
            proofLength: U256::from(model.proof_length),
            vkDigest: model.vk_digest,
            srsDigest: model.srs_digest,
            circuitDigest: model.circuit_digest,
            srsIsInsecure: model.srs_insecure,
        };
        let leaf_args = ModelVerifier::constructorCall { pins };
        let leaf = self.contract(
            "model verifier",
            with_args(&ModelVerifier::BYTECODE, &leaf_args),
            None,
        );
        let router_args = VerifierRouter::constructorCall {
            admin: owner,
            guardian: owner,
            resumer: owner,
        };
        let router = self.contract(
            "verifier router",
            with_args(&VerifierRouter::BYTECODE, &router_args),
            None,
        );
        let selector = selector(model.vk_digest, model.model_id);
        let routed_args = RoutedVerifier::constructorCall {
            router_: router.address,
            selector_: selector,
        };
        let routed = self.contract(
            "routed verifier",
            with_args(&RoutedVerifier::BYTECODE, &routed_args),
            None,
        );
        let batch_args = BatchVerifier::constructorCall {
            flat_: routed.address,
            slots_: U256::from(model.slots),
        };
        let batch = (model.slots > 1).then(|| {
            let code = with_args(&BatchVerifier::BYTECODE, &batch_args);
            self.contract("batch verifier", code, None)
        });
        let registry_args = ModelRegistry::constructorCall {
            admin: owner,
            registrar: owner,
            guardian: owner,
        };
        let registry = self.contract(
            "model registry",
            with_args(&ModelRegistry::BYTECODE, &registry_args),
            None,
        );
        let oracle_args = InferenceOracle::constructorCall {
            registry_: registry.address,
            admin: owner,
            guardian: owner,
        };
        let oracle = self.contract(
            "inference oracle",
            with_args(&InferenceOracle::BYTECODE, &oracle_args),
            None,
        );
        Contracts {
            raw,
            key,
            leaf,
            router,
            selector,
            routed,
            batch,
            registry,
            oracle,
        }
    }

    fn contract(&self, name: &'static str, init_code: Bytes, code_hash: Option<B256>) -> Contract {
        let address = create2_address(&init_code);
        let recorded = self.recorded(address).map(|r| r.code_hash);
        Contract {
            name,
            init_code,
            address,
            code_hash: code_hash.or(recorded),
        }
    }

    pub(super) fn recorded(&self, address: Address) -> Option<&ContractRecord> {
        let old = self.old.as_ref()?;
        let models = old.models.iter().flat_map(|m| {
            [&m.raw_verifier, &m.model_verifier, &m.routed_verifier]
                .into_iter()
                .chain(&m.key_contract)
                .chain(&m.batch_verifier)
        });
        let whole = [
            &old.verifier_router,
            &old.model_registry,
            &old.inference_oracle,
        ];
        whole
            .into_iter()
            .chain(models)
            .find(|c| c.address == address)
    }

    /// Whether the contract is on chain. What a record names must be there, except on a local chain, which may be a new one.
    pub(super) async fn is_there(&self, contract: &Contract) -> Result<bool> {
        let code = self.client.code(contract.address).await?;
        let local = LOCAL_CHAINS.contains(&self.plan.chain_id);
        let got = if code.is_empty() {
            B256::ZERO
        } else {
            keccak256(&code)
        };
        match contract.code_hash {
            _ if code.is_empty() && (local || self.recorded(contract.address).is_none()) => {
                Ok(false)
            }
            Some(expected) if got != expected => Err(OracleError::CodeMismatch {
                name: contract.name.into(),
                address: contract.address,
                got,
                expected,
            }),
            _ => Ok(true),
        }
    }
}

/// First four bytes of keccak256(tag, key digest, model), as `VerifierRouter.selectorOf`.
fn selector(vk_digest: B256, model_id: B256) -> FixedBytes<4> {
    let tag = keccak256("halocast.router.selector.v1");
    let digest = keccak256((tag, vk_digest, model_id).abi_encode());
    FixedBytes::from_slice(&digest[..4])
}

fn with_args(code: &Bytes, args: &impl SolConstructor) -> Bytes {
    [code.as_ref(), &args.abi_encode()].concat().into()
}
