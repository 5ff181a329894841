//! The pinned Solidity compiler, for a generated verifier: by way of the IR, optimizer on. The legacy pipeline gives the same behaviour.

use super::plan::CompiledCode;
use super::record::RAW_VERIFIER_RUNS;
use crate::error::{OracleError, Result};
use alloy::primitives::Bytes;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SCRIPT: &str = "scripts/tools/solc";

/// `$FOUNDRY_SOLC`, else `scripts/tools/solc` of the checkout around the current folder.
pub fn find_solc() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("FOUNDRY_SOLC").filter(|v| !v.is_empty()) {
        return Ok(named.into());
    }
    let here = std::env::current_dir().map_err(OracleError::io("reading", "."))?;
    here.ancestors().map(|dir| dir.join(SCRIPT)).find(|path| path.is_file()).ok_or_else(|| {
        tool_error(format!("{SCRIPT} is not in this folder or above: run inside the checkout, or set FOUNDRY_SOLC to a compiler 0.8.37"))
    })
}

/// Compiles one contract of one source. Blocks for seconds.
pub fn compile_solidity(solc: &Path, source: &str, contract: &str) -> Result<CompiledCode> {
    let input = json!({
        "language": "Solidity",
        "sources": { "Verifier.sol": { "content": source } },
        "settings": {
            "optimizer": { "enabled": true, "runs": RAW_VERIFIER_RUNS },
            "viaIR": true,
            "evmVersion": "prague",
            "metadata": { "bytecodeHash": "none", "appendCBOR": false },
            "outputSelection": { "*": { "*": ["evm.bytecode.object", "evm.deployedBytecode.object"] } }
        }
    });
    let output = run(solc, input.to_string())?;
    let answer: Value = serde_json::from_slice(&output)
        .map_err(|e| tool_error(format!("its answer does not parse: {e}")))?;
    let errors = answer["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|e| e["severity"] == "error");
    if let Some(error) = errors.map(|e| &e["formattedMessage"]).next() {
        return Err(tool_error(
            error.as_str().unwrap_or("unknown error").to_owned(),
        ));
    }
    let evm = &answer["contracts"]["Verifier.sol"][contract]["evm"];
    Ok(CompiledCode {
        init_code: code(&evm["bytecode"], contract)?,
        runtime_code: code(&evm["deployedBytecode"], contract)?,
    })
}

fn code(object: &Value, contract: &str) -> Result<Bytes> {
    let hex = object["object"].as_str().filter(|s| !s.is_empty());
    let hex =
        hex.ok_or_else(|| tool_error(format!("the source has no contract {contract} with code")))?;
    hex.parse()
        .map_err(|e| tool_error(format!("bytecode of {contract}: {e}")))
}

fn run(solc: &Path, input: String) -> Result<Vec<u8>> {
    let started = |e: std::io::Error| tool_error(format!("{} does not run: {e}", solc.display()));
    let mut child = Command::new(solc)
        .arg("--standard-json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(started)?;
    let mut stdin = child
        .stdin
        .take()
        .ok_or_else(|| tool_error("no pipe to its input".into()))?;
    // Written from a thread: a compiler that prints while it reads would otherwise block both.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().map_err(started)?;
    let written = writer
        .join()
        .map_err(|_| tool_error("the writer thread died".into()))?;
    if !output.status.success() || written.is_err() {
        return Err(tool_error(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        ));
    }
    Ok(output.stdout)
}

fn tool_error(message: String) -> OracleError {
    OracleError::Tool {
        tool: "solc".into(),
        message,
    }
}
