//! A model on disk: the directory that `compile` makes and every later stage reads and adds to.
//!
//! | path | what | made by |
//! |---|---|---|
//! | `manifest.json` | what there is, shapes, digests ([`Manifest`]) | every stage |
//! | `program.bin` | the integer program and its partition ([`Compiled`]) | compile |
//! | `model.onnx` | the float model, for reference outputs | compile |
//! | `fidelity.json`, `fidelity.md`, `errors.svg`, `cosine.svg`, `saturation.svg` | how far the two are apart | compile |
//! | `keys/segment-<i>.key`, `keys/aggregate.{key,vk}` | keys | setup |
//! | `secret/model.salt` | what hides the weights behind the model's commitment; owner only | setup |
//! | `jobs/<hash>/` | proofs in the making ([`Job`]); owner only, not in the manifest | prove |
//! | `evm/` | Solidity verifier | verifier |
//!
//! Opening a bundle checks that program, partition and manifest belong together (`interface` says what a program states).
//! Files appear whole or not at all (`files`), say what they belong to (`container`) and can be loaded alone; two processes
//! may work in one bundle (`lock`). What the stages do lives in [`crate::pipeline`].

mod container;
mod error;
mod files;
mod interface;
mod jobs;
mod lock;
mod manifest;
mod plan;

pub use container::{Header, Reader, open as open_container, write as write_container};
pub use error::BundleError;
pub use files::{AtomicFile, FileEntry, Mode, create_dir, hash_file, write_file, write_json};
pub use interface::Interface;
pub use jobs::{Job, JobKey};
pub use lock::Lock;
pub use manifest::{
    AggregateSummary, FORMAT, FoldSummary, MANIFEST, Manifest, Packing, SegmentSummary, Setup,
    TaskSpec, TensorSpec, words_of,
};
pub use plan::{PlanObjective, PlanOption, PlanSummary, PlannedAggregation};

use halocast_circuit::Segment;
use halocast_ir::{Program, ProgramError, Task};
use halocast_model::Quantized;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

/// File of the program.
pub const PROGRAM: &str = "program.bin";
/// File of the float model.
pub const MODEL: &str = "model.onnx";
/// File of the salt.
pub const SALT: &str = "secret/model.salt";
/// File of the aggregation key.
pub const AGGREGATE_KEY: &str = "keys/aggregate.key";
/// File of the key of folds, where the aggregation takes folds.
pub const FOLD_KEY: &str = "keys/fold.key";
/// File of what verifies aggregated proofs.
pub const AGGREGATE_VK: &str = "keys/aggregate.vk";
/// Most items of a proof.
pub const MAX_ITEMS: usize = 64;
/// Files up to this size are hashed whenever the bundle is opened, larger ones when they are used.
const HASH_ON_OPEN: u64 = 16 << 20;

/// File of a segment's key.
pub fn segment_key_file(index: usize) -> String {
    format!("keys/segment-{index}.key")
}

/// What `compile` makes of a model: all that is needed to execute and to prove.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Compiled {
    /// The integer program of one item, and how real inputs and outputs map to its integers.
    pub quantized: Quantized,
    /// Items that one proof is about, 1 to [`MAX_ITEMS`].
    pub items: usize,
    /// Partition of the program that is proven ([`Compiled::proven`]).
    pub segments: Vec<Segment>,
}

impl Compiled {
    /// The program that proofs are about: that of one item, or of all items together.
    pub fn proven(&self) -> Result<Cow<'_, Program>, ProgramError> {
        Ok(match self.items {
            1 => Cow::Borrowed(&self.quantized.program),
            items => Cow::Owned(self.quantized.program.batched(items)?),
        })
    }
}

/// Everything that goes into a new bundle.
pub struct NewBundle<'a> {
    /// Manifest without files and checksum.
    pub manifest: Manifest,
    /// Program and partition.
    pub compiled: &'a Compiled,
    /// Further files by relative path.
    pub files: Vec<(&'static str, Vec<u8>)>,
}

/// An open bundle.
#[derive(Debug)]
pub struct Bundle {
    root: PathBuf,
    manifest: Manifest,
    compiled: Compiled,
    /// The program of all items, where a proof is about several.
    batched: Option<Program>,
}

impl Bundle {
    /// Opens and checks a bundle: version, manifest, program, that every file is there, and the digests of the small ones.
    pub fn open(root: &Path) -> Result<Self, BundleError> {
        let manifest_path = root.join(MANIFEST);
        if !manifest_path.is_file() {
            return Err(BundleError::NotABundle {
                path: root.to_owned(),
                what: format!("there is no {MANIFEST} (`halocast compile` makes one)"),
            });
        }
        let manifest = Manifest::read(&manifest_path)?;
        for (name, entry) in &manifest.files {
            let path = root.join(name);
            if entry.bytes <= HASH_ON_OPEN {
                files::check_file(&path, entry)?;
            } else {
                files::check_length(&path, entry)?;
            }
        }
        let path = root.join(PROGRAM);
        let entry = manifest
            .files
            .get(PROGRAM)
            .ok_or_else(|| BundleError::malformed(&manifest_path, "it lists no program"))?;
        let bytes = container::open(&path, Some(entry))?.bytes(&path)?;
        let compiled: Compiled =
            bincode::deserialize(&bytes).map_err(|e| BundleError::malformed(&path, e))?;
        let mut bundle = Bundle {
            root: root.to_owned(),
            manifest,
            compiled,
            batched: None,
        };
        bundle.check_program(&path)?;
        Ok(bundle)
    }

    /// A bundle may come from someone else: its program must be well-formed, its statement the one that its task names,
    /// its segments a partition of what is proven, and the manifest must say the same.
    fn check_program(&mut self, path: &Path) -> Result<(), BundleError> {
        let malformed = |what: String| BundleError::malformed(path, what);
        let program = self.program();
        program.validate().map_err(|e| malformed(e.to_string()))?;
        match program.task {
            Task::Generate { .. } => {
                halocast_model::check_generation(program).map_err(|e| malformed(e.to_string()))?;
            }
            // An output could be a hint, which the prover chooses.
            Task::Infer if !program.hints.is_empty() => {
                return Err(malformed("its task is infer, and it has hints".into()));
            }
            Task::Infer => {}
        }
        let items = self.compiled.items;
        if !(1..=MAX_ITEMS).contains(&items) {
            return Err(malformed(format!(
                "{items} items a proof, at most {MAX_ITEMS}"
            )));
        }
        if items > 1 {
            let batched = program.batched(items);
            let batched = batched.map_err(|e| malformed(e.to_string()))?;
            batched.validate().map_err(|e| malformed(e.to_string()))?;
            self.batched = Some(batched);
        }
        halocast_circuit::check_partition(self.proven(), self.segments())
            .map_err(|e| malformed(e.to_string()))?;
        self.check_manifest()
    }

    fn check_manifest(&self) -> Result<(), BundleError> {
        let m = &self.manifest;
        let stated = Interface {
            task: m.task.clone(),
            inputs: m.inputs.clone(),
            outputs: m.outputs.clone(),
            input_words: m.input_words,
            output_words: m.output_words,
        };
        let segment = |s: &SegmentSummary| (s.name.clone(), s.k, s.ops[0]..s.ops[1]);
        let own = |s: &Segment| (s.name.clone(), s.k, s.ops.clone());
        let same = stated == Interface::of(self.quantized())
            && m.items == self.compiled.items
            && m.packing == Packing::current()
            && m.segments
                .iter()
                .map(segment)
                .eq(self.segments().iter().map(own));
        match same {
            true => Ok(()),
            false => Err(BundleError::malformed(
                &self.root.join(MANIFEST),
                "it describes another program than the bundle's",
            )),
        }
    }

    /// Writes a new bundle, whole or not at all. An existing bundle of the very same program is left as it is, keys and
    /// all; anything else in the way is an error unless `force`.
    pub fn create(root: &Path, new: NewBundle<'_>, force: bool) -> Result<Self, BundleError> {
        let name = root
            .file_name()
            .ok_or_else(|| BundleError::malformed(root, "it is no directory name"))?;
        let parent = root.parent().filter(|p| !p.as_os_str().is_empty());
        if let Some(parent) = parent {
            create_dir(parent)?;
        }
        let temp = root.with_file_name(format!(
            ".{}.tmp-{}",
            name.to_string_lossy(),
            std::process::id()
        ));
        let result = write_new(&temp, new).and_then(|fresh| place(&temp, root, &fresh, force));
        let _ = fs::remove_dir_all(&temp);
        result?;
        Bundle::open(root)
    }

    /// Its directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The integer program of one item.
    pub fn program(&self) -> &Program {
        &self.compiled.quantized.program
    }

    /// The program that proofs are about: that of one item, or of all [`Bundle::items`] together.
    pub fn proven(&self) -> &Program {
        self.batched.as_ref().unwrap_or_else(|| self.program())
    }

    /// Items that one proof is about.
    pub fn items(&self) -> usize {
        self.compiled.items
    }

    /// The program with its inputs and outputs in real units.
    pub fn quantized(&self) -> &Quantized {
        &self.compiled.quantized
    }

    /// The partition of what is proven.
    pub fn segments(&self) -> &[Segment] {
        &self.compiled.segments
    }

    /// Identity of the compiled model: digest of its program file. Keys and jobs carry it.
    pub fn model_digest(&self) -> &str {
        &self.manifest.files[PROGRAM].sha256
    }

    /// The path of one of its files.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The salted commitment, once set up.
    pub fn commitment(&self) -> Option<&str> {
        self.manifest.setup.as_ref()?.model_commitment.as_deref()
    }

    /// Hashes every file, the large ones too; `each` is told the name before.
    pub fn check_all(&self, mut each: impl FnMut(&str)) -> Result<(), BundleError> {
        for (name, entry) in &self.manifest.files {
            each(name);
            files::check_file(&self.root.join(name), entry)?;
        }
        Ok(())
    }

    /// Keeps others from changing keys and manifest while they are read. Falls back to none where the directory cannot be
    /// written (then nobody else can change it either).
    pub fn lock_shared(&self) -> Option<Lock> {
        Lock::shared(&self.root.join(".lock")).ok()
    }

    /// Waits until nobody else works with the bundle, and reads its manifest again.
    pub fn lock_exclusive(&mut self) -> Result<Lock, BundleError> {
        let lock = Lock::exclusive(&self.root.join(".lock"))?;
        *self = Bundle::open(&self.root)?;
        Ok(lock)
    }

    /// Changes the manifest on disk; the caller holds the exclusive lock.
    pub fn update(
        &mut self,
        _lock: &Lock,
        change: impl FnOnce(&mut Manifest),
    ) -> Result<(), BundleError> {
        let mut manifest = self.manifest.clone();
        change(&mut manifest);
        manifest.write(&self.root.join(MANIFEST))?;
        self.manifest = manifest;
        Ok(())
    }

    /// Opens one of its containers, checking that it belongs to this model.
    pub fn open_own(&self, name: &str, kind: &str) -> Result<Reader, BundleError> {
        let path = self.path(name);
        let reader = container::open(&path, self.manifest.files.get(name))?;
        if reader.header.kind != kind {
            return Err(BundleError::Foreign {
                path,
                what: "kind of file",
                got: reader.header.kind,
                expected: kind.to_owned(),
            });
        }
        let got = reader.header.model.clone().unwrap_or_default();
        if got != self.model_digest() {
            return Err(BundleError::Foreign {
                path,
                what: "model",
                got,
                expected: self.model_digest().to_owned(),
            });
        }
        Ok(reader)
    }

    /// The error for a stage that has not run.
    pub fn stage_missing(&self, what: &'static str, command: &str) -> BundleError {
        BundleError::StageMissing {
            path: self.root.clone(),
            what,
            command: format!("halocast {command} {}", self.root.display()),
        }
    }
}

/// Writes all files of a new bundle into `temp`.
fn write_new(temp: &Path, new: NewBundle<'_>) -> Result<Manifest, BundleError> {
    let _ = fs::remove_dir_all(temp);
    create_dir(temp)?;
    let mut manifest = new.manifest;
    let header = Header {
        kind: "program".into(),
        model: None,
        srs: None,
        segment: None,
        job: None,
    };
    let path = temp.join(PROGRAM);
    let bytes = bincode::serialize(new.compiled).map_err(|e| BundleError::malformed(&path, e))?;
    let entry = container::write(&path, Mode::Public, &header, |w| w.write_all(&bytes))?;
    manifest.files.insert(PROGRAM.into(), entry);
    for (name, bytes) in &new.files {
        let entry = write_file(&temp.join(name), bytes, Mode::Public)?;
        manifest.files.insert((*name).into(), entry);
    }
    manifest.write(&temp.join(MANIFEST))?;
    Ok(manifest)
}

/// Moves a finished bundle to its place.
fn place(temp: &Path, root: &Path, fresh: &Manifest, force: bool) -> Result<(), BundleError> {
    let occupied = fs::read_dir(root).is_ok_and(|mut d| d.next().is_some()) || root.is_file();
    if occupied {
        let old = Manifest::read(&root.join(MANIFEST));
        if old.as_ref().is_ok_and(|m| m.files == subset(m, fresh)) {
            return Ok(());
        }
        let what = match old {
            Ok(_) => "another bundle",
            Err(_) => "something that is no bundle of this version",
        };
        let is_bundle = root.join(MANIFEST).is_file();
        if !(force && is_bundle) {
            return Err(BundleError::Exists {
                path: root.to_owned(),
                what,
            });
        }
        // Out of the way first, so that a kill between the two leaves one of them whole.
        let old = temp.with_extension(format!("old-{}", std::process::id()));
        fs::rename(root, &old).map_err(|e| BundleError::io(root, e))?;
        fs::rename(temp, root).map_err(|e| BundleError::io(root, e))?;
        return fs::remove_dir_all(&old).map_err(|e| BundleError::io(&old, e));
    }
    if root.is_dir() {
        fs::remove_dir(root).map_err(|e| BundleError::io(root, e))?;
    }
    fs::rename(temp, root).map_err(|e| BundleError::io(root, e))
}

/// `old`'s files with those of `fresh` put over them: equal to `old`'s when a new compilation would change nothing.
fn subset(old: &Manifest, fresh: &Manifest) -> std::collections::BTreeMap<String, FileEntry> {
    let mut files = old.files.clone();
    files.extend(fresh.files.clone());
    files
}
