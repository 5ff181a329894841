//! What is to be deployed. Bytecode comes in ready; see `solc.rs` for where a generated verifier's comes from.

use super::record::CompilerRecord;
use crate::abi::ModelRegistry;
use crate::error::{OracleError, Result};
use alloy::primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

/// Most bytes of code a contract may have (EIP-170).
pub(crate) const MAX_CODE: usize = 24_576;
/// Most bytes of init code (EIP-3860).
const MAX_INIT_CODE: usize = 49_152;
/// The chains on which a development reference string is accepted.
pub(crate) const LOCAL_CHAINS: [u64; 2] = [31_337, 1337];

/// A compiled contract without constructor arguments and immutables.
#[derive(Debug, Clone)]
pub struct CompiledCode {
    /// What creates it.
    pub init_code: Bytes,
    /// What then lies on chain.
    pub runtime_code: Bytes,
}

/// What the model's statement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelTask {
    /// outputs = model(inputs).
    Infer,
    /// Greedy continuation of a prompt.
    Generate,
}

/// One tensor of the model's interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TensorSpec {
    /// Name in the model file.
    pub name: String,
    /// Dimensions.
    pub shape: Vec<u32>,
    /// Real value of one integer step, times 10^18.
    pub scale_e18: U256,
}

/// How words carry values; see `IModelRegistry.ModelMetadata`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelMetadata {
    /// What is stated.
    pub task: ModelTask,
    /// Bits of one packed value.
    pub value_bits: u8,
    /// Values in one word.
    pub values_per_word: u8,
    /// Static length of a generating model, else 0.
    pub sequence_length: u32,
    /// Input tensors in packing order.
    pub inputs: Vec<TensorSpec>,
    /// Output tensors in packing order.
    pub outputs: Vec<TensorSpec>,
}

/// One model with its generated verifier.
#[derive(Debug, Clone)]
pub struct ModelPlan {
    /// The commitment `M`.
    pub model_id: B256,
    /// The generated Halo2 verifier.
    pub raw_verifier: CompiledCode,
    /// The contract with its key, if the verifier serves many.
    pub key_contract: Option<CompiledCode>,
    /// Results a proof has room for. With more than one a batch verifier stands before the route.
    pub slots: u32,
    /// Packed input words of one result.
    pub input_words: u32,
    /// Packed output words of one result.
    pub output_words: u32,
    /// Bytes of a proof blob, the 12 accumulator limbs included.
    pub proof_length: u32,
    /// Digest of the outer verifying key.
    pub vk_digest: B256,
    /// Names the secret of the reference string.
    pub srs_digest: B256,
    /// Digest of the outer circuit without its key.
    pub circuit_digest: B256,
    /// Whether the reference string is a development one.
    pub srs_insecure: bool,
    /// Packing, shapes and scales.
    pub metadata: ModelMetadata,
    /// Where the manifest lies.
    pub metadata_uri: String,
}

/// A whole deployment.
#[derive(Debug, Clone)]
pub struct DeployPlan {
    /// The chain it is for; the node must be on it.
    pub chain_id: u64,
    /// Admin, registrar and guardian; the deployer if not given. An existing record's owner is kept.
    pub owner: Option<Address>,
    /// The model.
    pub model: ModelPlan,
    /// How the raw verifier was compiled, for the record.
    pub compiler: CompilerRecord,
    /// Halocast's version, for the record.
    pub version: String,
}

impl DeployPlan {
    /// Everything that can be refused without asking a chain.
    pub fn check(&self) -> Result<()> {
        let model = &self.model;
        if model.srs_insecure && !LOCAL_CHAINS.contains(&self.chain_id) {
            return Err(OracleError::InsecureSrs {
                chain_id: self.chain_id,
                model_id: model.model_id,
            });
        }
        model.raw_verifier.check("raw verifier")?;
        if let Some(key) = &model.key_contract {
            key.check("key contract")?;
        }
        if model.slots == 0 {
            return Err(OracleError::Deployment(
                "a proof with room for 0 results, expected at least 1".into(),
            ));
        }
        if model.proof_length <= 12 * 32 {
            return Err(OracleError::Deployment(format!(
                "a proof of {} bytes has no room for the limbs (384)",
                model.proof_length
            )));
        }
        Ok(())
    }
}

impl ModelPlan {
    /// Words of a whole proof: those of one result, for every slot.
    pub(super) fn flat(&self, words: u32) -> U256 {
        U256::from(words) * U256::from(self.slots)
    }
}

impl CompiledCode {
    fn check(&self, name: &str) -> Result<()> {
        if self.init_code.is_empty() || self.runtime_code.is_empty() {
            return Err(OracleError::Deployment(format!(
                "the {name} has no bytecode"
            )));
        }
        if self.runtime_code.len() > MAX_CODE || self.init_code.len() > MAX_INIT_CODE {
            return Err(OracleError::CodeTooLarge {
                name: name.into(),
                size: self.runtime_code.len(),
            });
        }
        Ok(())
    }
}

impl ModelMetadata {
    pub(super) fn to_abi(&self) -> ModelMetadataAbi {
        let tensors = |specs: &[TensorSpec]| specs.iter().map(TensorSpec::to_abi).collect();
        ModelMetadataAbi {
            task: match self.task {
                ModelTask::Infer => 0,
                ModelTask::Generate => 1,
            },
            valueBits: self.value_bits,
            valuesPerWord: self.values_per_word,
            sequenceLength: self.sequence_length,
            inputs: tensors(&self.inputs),
            outputs: tensors(&self.outputs),
        }
    }
}

impl TensorSpec {
    fn to_abi(&self) -> TensorSpecAbi {
        TensorSpecAbi {
            name: self.name.clone(),
            shape: self.shape.clone(),
            scaleE18: self.scale_e18,
        }
    }
}

type ModelMetadataAbi = ModelRegistry::ModelMetadata;
type TensorSpecAbi = ModelRegistry::TensorSpec;
