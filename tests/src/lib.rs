//! Helpers of the end-to-end tests: the built command, fixtures, damaged files. The tests themselves are in `tests/tests`;
//! they call `halocast` as a user does.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// Root of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the checkout")
        .to_owned()
}

/// The built command; built here if need be, so that `cargo test -p halocast-tests` alone tests what the sources say. The
/// same selection as in the Makefile: another one would build dependencies again with other features.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            // The selection that `make test` builds: another one would build dependencies again with other features.
            .args([
                "build",
                "--release",
                "--quiet",
                "--workspace",
                "--all-targets",
            ])
            .current_dir(root())
            .status()
            .expect("cargo runs");
        assert!(status.success(), "halocast does not build");
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        target
            .unwrap_or_else(|| root().join("target"))
            .join("release/halocast")
    })
}

/// What a call did.
#[derive(Debug)]
pub struct Run {
    /// Exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("{e}: {}\n{}", self.stdout, self.stderr))
    }

    /// The same, of a call that must have succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// The error text of a call that must have failed with exit code 1 and must say `what`.
    #[track_caller]
    pub fn fails(self, what: &str) -> Self {
        assert_eq!(self.code, Some(1), "{}\n{}", self.stdout, self.stderr);
        let all = format!("{}{}", self.stdout, self.stderr);
        assert!(all.contains(what), "expected {what:?} in:\n{all}");
        assert!(!all.contains("panicked"), "{all}");
        self
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Run {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A call that is not started yet. Standard input is closed: nothing may ask questions.
pub fn command<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(binary());
    command
        .args(args)
        .current_dir(root())
        .env("HALOCAST_CACHE", cache())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs `halocast` to its end.
pub fn halocast<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Run {
    command(args).output().expect("halocast starts").into()
}

/// Where reference strings are kept over test runs.
pub fn cache() -> PathBuf {
    match std::env::var_os("HALOCAST_CACHE") {
        Some(dir) => dir.into(),
        None => root().join("target/cache"),
    }
}

/// A fixture's directory.
pub fn fixture(name: &str) -> PathBuf {
    root().join("models/fixtures").join(name)
}

/// Compiles a fixture to `out`, with more arguments.
pub fn compile(name: &str, out: &Path, more: &[&str]) -> Run {
    let dir = fixture(name);
    let (model, calibration) = (dir.join("model.onnx"), dir.join("calibration.json"));
    let mut args = vec![
        "compile".into(),
        model.into_os_string(),
        "--calibration".into(),
    ];
    args.extend([
        calibration.into_os_string(),
        "--out".into(),
        out.as_os_str().to_owned(),
    ]);
    args.extend(more.iter().map(Into::into));
    halocast(args)
}

/// The fixture's stored PyTorch runs: `[{"inputs": …, "outputs": …}]`.
pub fn reference(name: &str) -> Vec<Value> {
    let bytes = std::fs::read(fixture(name).join("reference.json")).expect("fixtures have one");
    serde_json::from_slice(&bytes).expect("a JSON list")
}

/// Writes the `index`-th stored input of a fixture where a command can read it.
pub fn write_input(name: &str, index: usize, path: &Path) {
    let json = serde_json::json!({"inputs": reference(name)[index]["inputs"]});
    std::fs::write(path, json.to_string()).expect("a writable directory");
}

/// Flips one bit in the middle of a file.
pub fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).expect("it is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).expect("it can be written");
}

/// All numbers of nested arrays, in order.
pub fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().expect("a number")],
    }
}

/// Cosine of two vectors.
pub fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Names in a directory, the hidden ones too.
pub fn entries(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .expect("a directory")
        .map(|e| {
            e.expect("readable")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}
