//! `halocast verifier`

use crate::args::VerifierArgs;
use crate::chain;
use crate::ui::Output;
use eyre::WrapErr;
use halocast_prover::bundle::{Bundle, Mode, create_dir, write_file, write_json};
use halocast_verifier_gen::{BackEnd, CONTRACT_NAME, GeneratedVerifier, KEY_CONTRACT_NAME};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;

pub(crate) fn run(args: VerifierArgs, out: &Output) -> eyre::Result<ExitCode> {
    let bundle = super::open(&args.bundle)?;
    let verifier = chain::generated(&bundle)
        .wrap_err_with(|| format!("no verifier for {}", args.bundle.display()))?;
    create_dir(&args.out)?;
    let source = args.out.join(format!("{CONTRACT_NAME}.sol"));
    write_file(&source, verifier.sol.as_bytes(), Mode::Public)?;
    write_split(&args.out.join("split"), &verifier)?;
    let metadata = args.out.join(format!("{CONTRACT_NAME}.json"));
    let value = metadata_json(&bundle, &verifier);
    write_json(&metadata, &value)?;
    let result = json!({"source": source, "metadata": metadata, "verifier": value});
    out.result(&result, || {
        let gas = verifier.predicted_gas;
        let better = match verifier.recommended {
            BackEnd::Monolithic => "the whole one",
            BackEnd::Split => "the one with the key apart",
        };
        format!(
            "{} and {} written; a verification takes some {} gas, with the key apart {} (transaction, leaf and oracle not counted); a deployment takes {better}",
            source.display(),
            metadata.display(),
            gas.monolithic,
            gas.split
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The same verifier with the key in a contract of its own: registering another model of this shape costs only the key.
fn write_split(dir: &Path, verifier: &GeneratedVerifier) -> eyre::Result<()> {
    create_dir(dir)?;
    let files = [
        (CONTRACT_NAME, &verifier.split.verifier),
        (KEY_CONTRACT_NAME, &verifier.split.key),
    ];
    for (name, source) in files {
        let path = dir.join(format!("{name}.sol"));
        write_file(&path, source.as_bytes(), Mode::Public)?;
    }
    Ok(())
}

/// What a deployment needs to know, without the source.
fn metadata_json(bundle: &Bundle, verifier: &GeneratedVerifier) -> Value {
    json!({
        "contract": CONTRACT_NAME,
        "model": bundle.commitment(),
        "compiler": verifier.compiler,
        "instances": verifier.instances,
        "input_words": verifier.input_words,
        "output_words": verifier.output_words,
        "proof_bytes": verifier.proof_len,
        "proof_blob_bytes": verifier.proof_blob_len,
        "recommended": verifier.recommended,
        "predicted_gas": verifier.predicted_gas,
        "vk_digest": alloy::primitives::B256::from(verifier.vk_digest),
        "srs_digest": alloy::primitives::B256::from(verifier.srs_digest),
        "circuit_digest": alloy::primitives::B256::from(verifier.circuit_digest),
        "split": {
            "verifier": format!("split/{CONTRACT_NAME}.sol"),
            "key": format!("split/{KEY_CONTRACT_NAME}.sol"),
            "key_bytes": verifier.split.key_contract_size,
            "shape_digest": alloy::primitives::B256::from(verifier.split.shape_digest),
        },
        "insecure_srs": verifier.insecure_srs,
        "srs": verifier.srs,
        "generator": verifier.generator,
    })
}
