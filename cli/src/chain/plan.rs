//! From a bundle to what is to be deployed.

use super::model_id;
use alloy::primitives::U256;
use eyre::WrapErr;
use halocast_oracle::DeployPlan;
use halocast_oracle::deploy::{
    CompiledCode, CompilerRecord, ModelMetadata, ModelPlan, ModelTask, TensorSpec,
    compile_solidity, find_solc,
};
use halocast_prover::bundle::{self, Bundle, TaskSpec};
use halocast_prover::pipeline;
use halocast_verifier_gen::{
    BackEnd, CONTRACT_NAME, GeneratedVerifier, KEY_CONTRACT_NAME, check_code_size,
};

/// The Solidity verifier of a bundle, whose manifest is about the same words as its key.
pub(crate) fn generated(bundle: &Bundle) -> eyre::Result<GeneratedVerifier> {
    let vk = pipeline::load_vk(bundle)?;
    let verifier =
        halocast_verifier_gen::generate(&vk).wrap_err("cannot generate the Solidity verifier")?;
    let manifest = bundle.manifest();
    let of_all = |words: usize| manifest.items * words;
    expect_words(
        (of_all(manifest.input_words), of_all(manifest.output_words)),
        (verifier.input_words, verifier.output_words),
    )?;
    Ok(verifier)
}

/// Only the key says which public words are inputs. Taken from elsewhere, an input word could pass for an output, which the
/// prover chooses; so the manifest, whose shapes the registry counts, must agree.
fn expect_words(manifest: (usize, usize), key: (usize, usize)) -> eyre::Result<()> {
    eyre::ensure!(
        manifest == key,
        "the manifest says {} input and {} output words, the verifying key is for {} and {}",
        manifest.0,
        manifest.1,
        key.0,
        key.1
    );
    Ok(())
}

/// Everything a deployment needs to know of a bundle; compiles its verifier, of the recommended back end if none is named.
pub(crate) fn plan(
    bundle: &Bundle,
    chain_id: u64,
    metadata_uri: &str,
    back_end: Option<BackEnd>,
) -> eyre::Result<DeployPlan> {
    let verifier = generated(bundle)?;
    let (code, key_contract) = compiled(&verifier, back_end.unwrap_or(verifier.recommended))?;
    let model = ModelPlan {
        model_id: model_id(bundle)?,
        raw_verifier: code,
        key_contract,
        slots: u32::try_from(bundle.items())?,
        input_words: u32::try_from(bundle.manifest().input_words)?,
        output_words: u32::try_from(bundle.manifest().output_words)?,
        proof_length: u32::try_from(verifier.proof_blob_len)?,
        vk_digest: verifier.vk_digest.into(),
        srs_digest: verifier.srs_digest.into(),
        circuit_digest: verifier.circuit_digest.into(),
        srs_insecure: verifier.insecure_srs,
        metadata: metadata(bundle)?,
        metadata_uri: metadata_uri.to_owned(),
    };
    Ok(DeployPlan {
        chain_id,
        owner: None,
        model,
        compiler: CompilerRecord::raw_verifier(),
        version: env!("CARGO_PKG_VERSION").into(),
    })
}

/// The raw verifier, and the key contract if the key is apart.
fn compiled(
    verifier: &GeneratedVerifier,
    back_end: BackEnd,
) -> eyre::Result<(CompiledCode, Option<CompiledCode>)> {
    let solc = find_solc()?;
    let compile = |source: &str, name| {
        compile_solidity(&solc, source, name)
            .wrap_err_with(|| format!("cannot compile the generated {name}"))
    };
    let (source, key) = match back_end {
        BackEnd::Monolithic => (&verifier.sol, None),
        BackEnd::Split => {
            let mut key = compile(&verifier.split.key, KEY_CONTRACT_NAME)?;
            // Its constructor returns the key; what the compiler calls runtime code is empty.
            key.runtime_code = verifier.split.key_code.clone().into();
            (&verifier.split.verifier, Some(key))
        }
    };
    let code = compile(source, CONTRACT_NAME)?;
    check_code_size(CONTRACT_NAME, back_end, code.runtime_code.len())?;
    Ok((code, key))
}

fn metadata(bundle: &Bundle) -> eyre::Result<ModelMetadata> {
    let manifest = bundle.manifest();
    let (task, sequence_length) = match manifest.task {
        TaskSpec::Infer => (ModelTask::Infer, 0),
        TaskSpec::Generate {
            sequence_length, ..
        } => (ModelTask::Generate, sequence_length),
    };
    let tensors =
        |specs: &[bundle::TensorSpec]| specs.iter().map(tensor).collect::<eyre::Result<_>>();
    Ok(ModelMetadata {
        task,
        value_bits: u8::try_from(manifest.packing.value_bits)?,
        values_per_word: u8::try_from(manifest.packing.values_per_word)?,
        sequence_length: u32::try_from(sequence_length)?,
        inputs: tensors(&manifest.inputs)?,
        outputs: tensors(&manifest.outputs)?,
    })
}

fn tensor(spec: &bundle::TensorSpec) -> eyre::Result<TensorSpec> {
    let shape = spec
        .shape
        .iter()
        .map(|&n| u32::try_from(n))
        .collect::<Result<_, _>>()?;
    Ok(TensorSpec {
        name: spec.name.clone(),
        shape,
        scale_e18: scale_e18(spec.scale)?,
    })
}

/// `10^18 / 2^scale`. 10^18 has 18 factors of 2, so that scales up to 18 are exact; finer ones are rounded down.
fn scale_e18(scale: i8) -> eyre::Result<U256> {
    let unit = U256::from(10u64.pow(18));
    let value = match scale {
        0.. => unit >> usize::from(scale.unsigned_abs()),
        _ => unit << usize::from(scale.unsigned_abs()),
    };
    eyre::ensure!(!value.is_zero(), "scale 2^-{scale} is below 10^-18");
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_cannot_move_words_of_the_key() {
        expect_words((3, 3), (3, 3)).expect("they agree");
        for manifest in [(2, 4), (4, 2), (3, 4), (2, 3)] {
            let error = expect_words(manifest, (3, 3))
                .expect_err("moved")
                .to_string();
            assert!(
                error.contains("the verifying key is for 3 and 3"),
                "{error}"
            );
        }
    }
}
