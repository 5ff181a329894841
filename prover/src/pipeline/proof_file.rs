//! `PROOF.json`: what `prove` writes, `verify` reads and a relayer sends. Documented in `docs/proof-format.md`.

use super::PipelineError;
use super::words::{field_from_hex, field_to_hex, word_from_hex};
use crate::bundle::{BundleError, Mode, write_file};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halocast_ir::Word;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Version of the file.
pub const PROOF_FORMAT: u32 = 1;
/// Value of the field `format`.
const NAME: &str = "halocast-proof";

/// A proof with everything public that it speaks of. Field elements are 32 bytes, big endian, in hex with `0x`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofFile {
    /// "halocast-proof".
    pub format: String,
    /// [`PROOF_FORMAT`].
    pub version: u32,
    /// The model's name, for people.
    pub name: String,
    /// Commitment of the model.
    pub model: String,
    /// Context word; a layers proof does not bind it.
    pub context: String,
    /// Where a proof is about several items: the context word of each, which `context` binds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contexts: Vec<String>,
    /// Packed public input words, of all items.
    pub inputs: Vec<String>,
    /// Packed public output words, of all items.
    pub outputs: Vec<String>,
    /// The proof itself.
    #[serde(flatten)]
    pub body: ProofBody,
}

/// The two kinds of proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ProofBody {
    /// One proof a segment. For the prover's own use: such a proof hides less than the aggregated one and does not bind
    /// the context.
    Layers {
        /// In order.
        layers: Vec<LayerEntry>,
        /// Salts of the first and the last boundary, which open them to the public words.
        salts: [String; 2],
    },
    /// The aggregated proof, for a contract.
    Evm {
        /// All public inputs of the outer proof: accumulator limbs, M, I…, O…, C.
        instances: Vec<String>,
        /// The SNARK proof, Keccak transcript.
        proof: String,
    },
}

/// One segment's proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerEntry {
    /// Name of the segment.
    pub name: String,
    /// Commitments to the tensors before and after it.
    pub instances: [String; 2],
    /// The SNARK proof, Poseidon transcript.
    pub proof: String,
}

impl ProofBody {
    /// Bytes of the SNARK proof, or of all layer proofs together.
    pub fn proof_bytes(&self) -> usize {
        let bytes = |hex: &str| hex.trim_start_matches("0x").len() / 2;
        match self {
            ProofBody::Layers { layers, .. } => layers.iter().map(|l| bytes(&l.proof)).sum(),
            ProofBody::Evm { proof, .. } => bytes(proof),
        }
    }
}

impl ProofFile {
    /// A proof file of this version.
    pub fn new(name: &str, model: &str, statement: &Statement, body: ProofBody) -> Self {
        let hex = |words: &[Word]| words.iter().map(super::words::word_to_hex).collect();
        ProofFile {
            format: NAME.into(),
            version: PROOF_FORMAT,
            name: name.to_owned(),
            model: model.to_owned(),
            context: field_to_hex(&statement.context),
            contexts: statement.contexts.iter().map(field_to_hex).collect(),
            inputs: hex(&statement.inputs),
            outputs: hex(&statement.outputs),
            body,
        }
    }

    /// Reads and checks the shape of a file; numbers are checked when they are used.
    pub fn read(path: &Path) -> Result<Self, PipelineError> {
        let bytes = std::fs::read(path).map_err(|e| BundleError::io(path, e))?;
        let file: ProofFile =
            serde_json::from_slice(&bytes).map_err(|e| BundleError::malformed(path, e))?;
        if file.format != NAME {
            let what = format!("its format is {:?}, not {NAME:?}", file.format);
            return Err(BundleError::malformed(path, what).into());
        }
        if file.version != PROOF_FORMAT {
            return Err(BundleError::Version {
                path: path.to_owned(),
                got: file.version as u64,
                expected: PROOF_FORMAT as u64,
            }
            .into());
        }
        Ok(file)
    }

    /// Writes it, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), PipelineError> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("strings only");
        bytes.push(b'\n');
        write_file(path, &bytes, Mode::Public)?;
        Ok(())
    }

    /// "layers" or "evm".
    pub fn kind(&self) -> &'static str {
        match self.body {
            ProofBody::Layers { .. } => "layers",
            ProofBody::Evm { .. } => "evm",
        }
    }

    /// The public words, parsed.
    pub fn statement(&self) -> Result<Statement, PipelineError> {
        let words = |v: &[String], name: &str| -> Result<Vec<Word>, PipelineError> {
            v.iter()
                .enumerate()
                .map(|(i, s)| word_from_hex(s, &format!("{name}[{i}]")))
                .collect()
        };
        Ok(Statement {
            inputs: words(&self.inputs, "inputs")?,
            outputs: words(&self.outputs, "outputs")?,
            context: field_from_hex(&self.context, "context")?,
            contexts: self
                .contexts
                .iter()
                .map(|c| field_from_hex(c, "contexts"))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// The public part of a proof, without the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Packed input words.
    pub inputs: Vec<Word>,
    /// Packed output words.
    pub outputs: Vec<Word>,
    /// Context word.
    pub context: Fr,
    /// Context words of the items; not part of what is proven, `context` is.
    pub contexts: Vec<Fr>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_survive_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("proof.json");
        // Words are little endian: the last byte is the highest, and 0.
        let mut word = [1; 32];
        word[31] = 0;
        let statement = Statement {
            inputs: vec![word, [0; 32]],
            outputs: vec![[0; 32]],
            context: Fr::from(42),
            contexts: vec![Fr::from(40), Fr::from(41)],
        };
        let zero = || field_to_hex(&Fr::zero());
        let layer = LayerEntry {
            name: "s".into(),
            instances: [zero(), zero()],
            proof: "0x0102".into(),
        };
        let bodies = [
            ProofBody::Layers {
                layers: vec![layer],
                salts: [zero(), zero()],
            },
            ProofBody::Evm {
                instances: vec![zero()],
                proof: "0x010203".into(),
            },
        ];
        for (body, bytes) in bodies.into_iter().zip([2, 3]) {
            let file = ProofFile::new("m", &zero(), &statement, body);
            file.write(&path).unwrap();
            let read = ProofFile::read(&path).unwrap();
            assert_eq!(read, file);
            assert_eq!(read.statement().unwrap(), statement);
            assert_eq!(read.body.proof_bytes(), bytes);
        }
    }
}
