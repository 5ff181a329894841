//! The public interface: checks the key, compiles the numerator, lays out the memory, fills the templates.

use crate::{
    GenerateError,
    gas::{SPLIT, predict},
    plan::Plans,
    render::hex,
    shape::Shape,
};
use halo2_base::halo2_proofs::halo2curves::bn256::{Bn256, G1Affine};
use halocast_prover::aggregate::{ACCUMULATOR_WORDS, AggregationVk};
use serde::{Deserialize, Serialize};
use snark_verifier::{
    pcs::kzg::KzgDecidingKey,
    util::hash::{Digest, Keccak256},
    verifier::plonk::PlonkProtocol,
};

/// Name of the generated contract.
pub const CONTRACT_NAME: &str = "Halo2Verifier";

/// Name of the data contract of the split back end.
pub const KEY_CONTRACT_NAME: &str = "Halo2VerifyingKey";

/// The compiler the source is for; its pragma says the same.
pub const SOLC_VERSION: &str = "0.8.37";

/// Bytes of code that a chain takes (EIP-170).
pub const CODE_SIZE_LIMIT: usize = 24_576;

/// How the source must be compiled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompilerSettings {
    /// solc version.
    pub solc: String,
    /// Whether through IR. Both pipelines give the same behaviour; this is the smaller code.
    pub via_ir: bool,
    /// Whether with the optimizer.
    pub optimizer: bool,
    /// The optimizer's estimate of how often the code runs.
    pub runs: u32,
}

impl CompilerSettings {
    fn pinned() -> Self {
        Self {
            solc: SOLC_VERSION.to_owned(),
            via_ir: true,
            optimizer: true,
            runs: 1_000_000,
        }
    }
}

/// The back end with the key in a contract of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitSources {
    /// The contract [`CONTRACT_NAME`] for all keys of this shape: same shape, same bytes.
    pub verifier: String,
    /// The contract [`KEY_CONTRACT_NAME`].
    pub key: String,
    /// Bytes of code of the key contract.
    pub key_contract_size: usize,
    /// Code of the key contract: its constructor returns it, so that no compiler says it.
    pub key_code: Vec<u8>,
    /// Names the shape; both contracts hold it.
    pub shape_digest: [u8; 32],
}

/// Where the key of a verifier is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackEnd {
    /// In the verifier's code.
    Monolithic,
    /// In a contract of its own.
    Split,
}

/// Gas of the raw verifier's execution; the transaction, its calldata, leaf and oracle come on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PredictedGas {
    /// With the key inside.
    pub monolithic: u64,
    /// With the key in a contract of its own.
    pub split: u64,
}

/// The sources for one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierSources {
    /// Everything in one contract.
    pub monolithic: String,
    /// Verifier and key apart.
    pub split: SplitSources,
    /// Public words.
    pub instances: usize,
    /// Bytes of a proof.
    pub proof_len: usize,
    /// Instructions of the quotient's program.
    pub instructions: usize,
    /// The back end with more of its code straight-line; the monolithic one if both are equal.
    pub recommended: BackEnd,
    /// What a verification is predicted to cost.
    pub predicted_gas: PredictedGas,
    /// Digest of the circuit without its key.
    pub circuit_digest: [u8; 32],
}

/// A raw verifier and what the contract around it must know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratedVerifier {
    /// Solidity source of the contract [`CONTRACT_NAME`], key inside.
    pub sol: String,
    /// The same verifier with the key apart.
    pub split: SplitSources,
    /// How to compile it.
    pub compiler: CompilerSettings,
    /// Public words that the contract reads.
    pub instances: usize,
    /// Words of I.
    pub input_words: usize,
    /// Words of O.
    pub output_words: usize,
    /// Bytes of the SNARK proof.
    pub proof_len: usize,
    /// Bytes of the blob that the leaf takes: accumulator limbs ‖ proof.
    pub proof_blob_len: usize,
    /// The faster back end of those that fit a contract.
    pub recommended: BackEnd,
    /// What a verification is predicted to cost.
    pub predicted_gas: PredictedGas,
    /// SHA-256 of the verifying key.
    pub vk_digest: [u8; 32],
    /// Names the secret of the reference string.
    pub srs_digest: [u8; 32],
    /// Keccak-256 of the circuit without its key: equal for models of the same shape.
    pub circuit_digest: [u8; 32],
    /// Whether the key was made with the insecure development string.
    pub insecure_srs: bool,
    /// Where the reference string comes from.
    pub srs: String,
    /// Name and version of the generator.
    pub generator: String,
}

/// Generates the raw verifier of an aggregation's key.
pub fn generate(vk: &AggregationVk) -> Result<GeneratedVerifier, GenerateError> {
    let layout = vk.layout();
    let protocol = vk.protocol();
    let limbs: Vec<_> = (0..ACCUMULATOR_WORDS).map(|row| (0, row)).collect();
    if protocol.num_instance != [layout.total()] || protocol.accumulator_indices != [limbs] {
        let reason = "the public words are not accumulator, M, I, O, C in one column";
        return Err(GenerateError::UnsupportedKey(reason.to_owned()));
    }
    let sources = sources(protocol, vk.deciding_key(), &provenance(vk))?;
    Ok(GeneratedVerifier {
        sol: sources.monolithic,
        recommended: sources.recommended,
        predicted_gas: sources.predicted_gas,
        srs_digest: vk.srs_id().0,
        circuit_digest: sources.circuit_digest,
        split: sources.split,
        compiler: CompilerSettings::pinned(),
        instances: sources.instances,
        input_words: layout.input_words,
        output_words: layout.output_words,
        proof_len: sources.proof_len,
        proof_blob_len: 32 * ACCUMULATOR_WORDS + sources.proof_len,
        vk_digest: vk.digest(),
        insecure_srs: vk.srs_is_insecure(),
        srs: vk.srs_origin().to_string(),
        generator: generator(),
    })
}

/// Generates the sources for any protocol within the generator's features. `provenance` is comment lines for the top, one a line.
pub fn sources(
    protocol: &PlonkProtocol<G1Affine>,
    deciding_key: &KzgDecidingKey<Bn256>,
    provenance: &[String],
) -> Result<VerifierSources, GenerateError> {
    let shape = Shape::new(protocol, deciding_key)?;
    let plans = Plans::new(&shape);
    let header = header(provenance);
    let monolithic = plans.largest(|sources| sources.monolithic(&header))?;
    let split = plans.largest(|sources| Ok(sources.split(&self::header(&[]))?.0))?;
    let predicted_gas = PredictedGas {
        monolithic: predict(&shape, &monolithic, plans.length),
        split: predict(&shape, &split, plans.length) + SPLIT,
    };
    let (verifier, shape_digest) = split.sources(&shape).split(&self::header(&[]))?;
    let key_contract_size = split.sources(&shape).key_contract_size();
    check_code_size(KEY_CONTRACT_NAME, BackEnd::Split, key_contract_size)?;
    Ok(VerifierSources {
        monolithic: monolithic.sources(&shape).monolithic(&header)?,
        split: SplitSources {
            verifier,
            key: split.sources(&shape).key(&header, shape_digest)?,
            key_contract_size,
            key_code: split.sources(&shape).key_code(shape_digest),
            shape_digest,
        },
        instances: shape.instances,
        proof_len: shape.proof_len(),
        instructions: plans.length,
        recommended: if monolithic.slowness() > split.slowness() {
            BackEnd::Split
        } else {
            BackEnd::Monolithic
        },
        circuit_digest: circuit_digest(protocol)?,
        predicted_gas,
    })
}

/// Of everything that two keys of one circuit have in common.
fn circuit_digest(protocol: &PlonkProtocol<G1Affine>) -> Result<[u8; 32], GenerateError> {
    let mut circuit = protocol.clone();
    circuit.preprocessed.fill(G1Affine::generator());
    circuit.transcript_initial_state = None;
    let bytes = bincode::serialize(&("halocast circuit", circuit));
    let bytes = bytes.map_err(|e| GenerateError::UnsupportedKey(format!("not plain data: {e}")))?;
    Ok(Keccak256::digest(&bytes).into())
}

/// Whether a chain takes a contract of `size` bytes of code; if not, what to change depends on the back end that it is of.
pub fn check_code_size(
    contract: &'static str,
    back_end: BackEnd,
    size: usize,
) -> Result<(), GenerateError> {
    if size <= CODE_SIZE_LIMIT {
        return Ok(());
    }
    Err(GenerateError::CodeSize {
        contract,
        size,
        limit: CODE_SIZE_LIMIT,
        advice: match back_end {
            BackEnd::Monolithic => {
                "use the split back end, which holds the key in a contract of its own"
            }
            BackEnd::Split => "use fewer columns, lookups or gates",
        },
    })
}

fn generator() -> String {
    format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
}

/// Comment lines at the top of a source. No time and no path: same key, same bytes.
fn header(provenance: &[String]) -> String {
    let CompilerSettings { solc, runs, .. } = CompilerSettings::pinned();
    let first = format!(
        "Generated by {} | solc {solc} optimizer runs={runs} via-IR | do not edit",
        generator()
    );
    let lines = std::iter::once(&first).chain(provenance);
    let lines: Vec<String> = lines.map(|line| format!("// {line}")).collect();
    lines.join("\n")
}

fn provenance(vk: &AggregationVk) -> Vec<String> {
    let layout = vk.layout();
    let mut lines = vec![
        format!("vk 0x{}", hex(&vk.digest())),
        format!("Reference string: {} | id {}", vk.srs_origin(), vk.srs_id()),
        format!(
            "Public words: {ACCUMULATOR_WORDS} accumulator limbs | M | {} input words | {} output words | C; proof: {} bytes",
            layout.input_words,
            layout.output_words,
            vk.proof_len()
        ),
    ];
    if vk.srs_is_insecure() {
        lines.push(
            "INSECURE: anyone can forge proofs for this contract. Local chains only.".to_owned(),
        );
    }
    lines
}
