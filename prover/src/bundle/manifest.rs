//! `manifest.json`: what a bundle holds, for people, for chains and for the checks on opening it. Data and its digest only.

use super::files::{FileEntry, Mode, write_file};
use super::{BundleError, PlanSummary};
use crate::aggregate::Objective;
use halocast_ir::{ACT_OFFSET, Program, SLOT_BITS, SLOTS_PER_WORD, TensorId, word_count};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Version of every file format in a bundle. A bundle of another version is refused.
pub const FORMAT: u32 = 2;
/// File name of the manifest.
pub const MANIFEST: &str = "manifest.json";

/// The manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`] when it was written.
    pub format: u32,
    /// Version of halocast that wrote it.
    pub halocast: String,
    /// The model's name: the stem of its ONNX file.
    pub name: String,
    /// What is stated.
    pub task: TaskSpec,
    /// Public inputs in packing order.
    pub inputs: Vec<TensorSpec>,
    /// Public outputs in packing order.
    pub outputs: Vec<TensorSpec>,
    /// How values become words.
    pub packing: Packing,
    /// Number of public input words of an item.
    pub input_words: usize,
    /// Number of public output words of an item.
    pub output_words: usize,
    /// Items that one proof is about; its public words are those of all items, one after the other.
    pub items: usize,
    /// The segments that are proven one by one.
    pub segments: Vec<SegmentSummary>,
    /// Why these segments; absent in bundles of before there were plans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanSummary>,
    /// Present once `setup` has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<Setup>,
    /// Every file of the bundle but this one and the proof jobs, by path relative to the bundle.
    pub files: BTreeMap<String, FileEntry>,
    /// SHA-256 of this file with this string empty.
    pub checksum: String,
}

/// What the statement says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum TaskSpec {
    /// Outputs belong to inputs.
    Infer,
    /// Greedy decoding, certified in one pass.
    Generate {
        /// Static sequence length.
        sequence_length: usize,
        /// Number of token ids.
        vocabulary: usize,
    },
}

/// One tensor of the interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorSpec {
    /// Name in the model.
    pub name: String,
    /// Shape.
    pub shape: Vec<usize>,
    /// "float" or "int" (token ids, lengths).
    pub dtype: String,
    /// The integer x stands for x / 2^scale.
    pub scale: i8,
    /// Smallest integer that is accepted.
    pub min: i64,
    /// Largest integer that is accepted.
    pub max: i64,
}

/// How values become words: value i is slot i mod `values_per_word` of word i / `values_per_word`, slot 0 lowest,
/// as value + `offset`; unused slots of the last word are 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packing {
    /// Bits of a slot.
    pub value_bits: u32,
    /// Slots of a word.
    pub values_per_word: usize,
    /// Added to a value to store it.
    pub offset: i64,
}

/// A segment and what its proof costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentSummary {
    /// Name.
    pub name: String,
    /// log2 of the domain size.
    pub k: u32,
    /// First op and one past the last.
    pub ops: [usize; 2],
    /// Rows used.
    pub rows: usize,
    /// Rows of the lookup table, beside them.
    pub table_rows: usize,
    /// Advice, fixed and permutation columns.
    pub columns: [usize; 3],
    /// Points that a verifier multiplies.
    pub points: usize,
    /// Predicted CPU seconds of a proof.
    pub predicted_cpu_s: f64,
    /// Predicted peak memory of a proof.
    pub predicted_peak_bytes: u64,
}

/// What `setup` has made so far; which keys exist is told by [`Manifest::files`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// Names the reference string's secret (`srs::SrsId`).
    pub srs: String,
    /// Whether it is the development string, whose secret everybody knows.
    pub srs_insecure: bool,
    /// The file it was taken from, for the stages that need it again; absent for the development string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub srs_file: Option<PathBuf>,
    /// The model's commitment, 32 bytes big endian in hex; fixed by the layer keys and the salt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_commitment: Option<String>,
    /// The aggregation circuit, once its key exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<AggregateSummary>,
}

/// Shape of the aggregation circuit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AggregateSummary {
    /// log2 of the domain size.
    pub k: u32,
    /// Advice cells.
    pub cells: u64,
    /// Digest of the outer verifying key.
    pub vk_digest: String,
    /// What the circuit's layout spends least of.
    #[serde(default)]
    pub objective: Objective,
    /// Folds; absent where the aggregation takes the layer proofs themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold: Option<FoldSummary>,
}

/// Folds under the aggregation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldSummary {
    /// Layer proofs of a fold.
    pub capacity: usize,
    /// Digest of the key of folds.
    pub vk_digest: String,
}

impl TensorSpec {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Packing {
    /// The packing of [`halocast_ir::pack`].
    pub fn current() -> Self {
        Packing {
            value_bits: SLOT_BITS,
            values_per_word: SLOTS_PER_WORD,
            offset: ACT_OFFSET,
        }
    }
}

impl Manifest {
    /// Its text with an empty checksum: what the checksum is over.
    fn blank_text(&self) -> String {
        let mut blank = self.clone();
        blank.checksum.clear();
        let mut text =
            serde_json::to_string_pretty(&blank).expect("a manifest has only string keys");
        text.push('\n');
        text
    }

    /// Parses and checks `manifest.json` of a bundle.
    pub fn read(path: &Path) -> Result<Self, BundleError> {
        let bytes = std::fs::read(path).map_err(|e| BundleError::io(path, e))?;
        let value: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|e| BundleError::malformed(path, e))?;
        let format = value.get("format").and_then(serde_json::Value::as_u64);
        match format {
            Some(v) if v == FORMAT as u64 => {}
            Some(got) => {
                return Err(BundleError::Version {
                    path: path.to_owned(),
                    got,
                    expected: FORMAT as u64,
                });
            }
            None => return Err(BundleError::malformed(path, "it has no format version")),
        }
        let manifest: Manifest =
            serde_json::from_value(value).map_err(|e| BundleError::malformed(path, e))?;
        // Over the bytes and not over the parsed value, so that no byte of the file can change unseen.
        let blank =
            String::from_utf8_lossy(&bytes).replacen(&field(&manifest.checksum), &field(""), 1);
        let got = hex::encode(Sha256::digest(blank));
        if got != manifest.checksum {
            return Err(BundleError::Corrupt {
                path: path.to_owned(),
                expected: manifest.checksum,
                got,
            });
        }
        manifest.check_paths(path)?;
        Ok(manifest)
    }

    /// Writes it with a fresh checksum.
    pub fn write(&mut self, path: &Path) -> Result<(), BundleError> {
        let blank = self.blank_text();
        self.checksum = hex::encode(Sha256::digest(&blank));
        let text = blank.replacen(&field(""), &field(&self.checksum), 1);
        write_file(path, text.as_bytes(), Mode::Public).map(|_| ())
    }

    /// A manifest is data from outside: its paths must stay inside the bundle.
    fn check_paths(&self, path: &Path) -> Result<(), BundleError> {
        let inside = |p: &String| {
            let mut parts = Path::new(p).components().peekable();
            parts.peek().is_some() && parts.all(|c| matches!(c, std::path::Component::Normal(_)))
        };
        match self.files.keys().find(|p| !inside(p)) {
            None => Ok(()),
            Some(p) => Err(BundleError::malformed(
                path,
                format!("it names the file {p}, which is outside the bundle"),
            )),
        }
    }

    /// Number of public words of a proof: commitment, inputs, outputs, context.
    pub fn public_words(&self) -> usize {
        self.items * (self.input_words + self.output_words) + 2
    }
}

/// The checksum's line; the last field, so that no string of the manifest can look like it before it.
fn field(checksum: &str) -> String {
    format!("\n  \"checksum\": \"{checksum}\"\n")
}

/// Words that a list of tensors takes.
pub fn words_of(program: &Program, ids: &[TensorId]) -> usize {
    word_count(program.value_count(ids))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            format: FORMAT,
            halocast: "0.1.0".into(),
            name: "m".into(),
            task: TaskSpec::Infer,
            inputs: Vec::new(),
            outputs: Vec::new(),
            packing: Packing::current(),
            input_words: 1,
            output_words: 1,
            items: 1,
            segments: Vec::new(),
            plan: None,
            setup: None,
            files: BTreeMap::new(),
            checksum: String::new(),
        }
    }

    #[test]
    fn a_manifest_of_before_there_were_plans_opens() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(MANIFEST);
        let mut old = manifest();
        old.write(&path).unwrap();
        assert!(!std::fs::read_to_string(&path).unwrap().contains("plan"));
        assert_eq!(Manifest::read(&path).unwrap().plan, None);
        let option = super::super::PlanOption {
            domains: vec![17, 18],
            layers_cpu_s: 67.123,
            aggregation_cpu_s: 54.7,
            latency_s: 54.321,
            points: 45,
            peak_bytes: 1 << 31,
            within_memory: true,
        };
        old.plan = Some(PlanSummary {
            objective: super::super::PlanObjective::Latency,
            segments: "auto".into(),
            max_memory: Some(3 << 30),
            max_k: 18,
            costs: "a test".into(),
            aggregation: super::super::PlannedAggregation {
                k: 18,
                width: 5,
                columns: 2,
                fold: 0,
                cpu_s: 54.7,
                key_cpu_s: 12.03,
                peak_bytes: 1 << 31,
                max_layout_bytes: None,
            },
            chosen: 0,
            considered: vec![option],
        });
        old.write(&path).unwrap();
        assert_eq!(Manifest::read(&path).unwrap(), old);
    }

    #[test]
    fn edits_versions_and_paths_outside_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(MANIFEST);
        let mut good = manifest();
        good.write(&path).unwrap();
        assert_eq!(Manifest::read(&path).unwrap(), good);

        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(
            &path,
            text.replace("\"input_words\": 1", "\"input_words\": 2"),
        )
        .unwrap();
        let e = Manifest::read(&path).unwrap_err();
        assert!(matches!(e, BundleError::Corrupt { .. }), "{e}");

        std::fs::write(&path, text.replace("\"format\": 2", "\"format\": 7")).unwrap();
        let e = Manifest::read(&path).unwrap_err();
        assert!(matches!(e, BundleError::Version { got: 7, .. }), "{e}");

        let mut bad = manifest();
        let entry = FileEntry {
            sha256: String::new(),
            bytes: 0,
        };
        bad.files.insert("../x".into(), entry);
        bad.write(&path).unwrap();
        let e = Manifest::read(&path).unwrap_err();
        assert!(matches!(e, BundleError::Malformed { .. }), "{e}");
    }
}
