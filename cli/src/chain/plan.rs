//! From a bundle to what is to be deployed.

use super::model_id;
use alloy::primitives::U256;
use eyre::WrapErr;
use halocast_oracle::DeployPlan;
use halocast_oracle::deploy::{
    CompilerRecord, ModelMetadata, ModelPlan, ModelTask, TensorSpec, compile_solidity, find_solc,
};
use halocast_prover::bundle::{self, Bundle, Manifest, TaskSpec};
use halocast_prover::pipeline;
use halocast_verifier_gen::{CONTRACT_NAME, GeneratedVerifier};

/// The Solidity verifier of a bundle, whose manifest is about the same words as its key.
pub(crate) fn generated(bundle: &Bundle) -> eyre::Result<GeneratedVerifier> {
    let vk = pipeline::load_vk(bundle)?;
    let verifier =
        halocast_verifier_gen::generate(&vk).wrap_err("cannot generate the Solidity verifier")?;
    expect_words(bundle.manifest(), &verifier)?;
    Ok(verifier)
}

/// Only the key says which public words are inputs. Taken from elsewhere, an input word could pass for an output, which the
/// prover chooses; so the manifest, whose shapes the registry counts, must agree.
fn expect_words(manifest: &Manifest, verifier: &GeneratedVerifier) -> eyre::Result<()> {
    let key = (verifier.input_words, verifier.output_words);
    let manifest = (manifest.input_words, manifest.output_words);
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

/// Everything a deployment needs to know of a bundle; compiles its verifier.
pub(crate) fn plan(bundle: &Bundle, chain_id: u64, metadata_uri: &str) -> eyre::Result<DeployPlan> {
    let verifier = generated(bundle)?;
    let code = compile_solidity(&find_solc()?, &verifier.sol, CONTRACT_NAME)
        .wrap_err("cannot compile the generated verifier")?;
    let model = ModelPlan {
        model_id: model_id(bundle)?,
        raw_verifier: code,
        input_words: u32::try_from(verifier.input_words)?,
        output_words: u32::try_from(verifier.output_words)?,
        proof_length: u32::try_from(verifier.proof_blob_len)?,
        vk_digest: verifier.vk_digest.into(),
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
    use halocast_prover::bundle::Packing;
    use halocast_verifier_gen::CompilerSettings;

    fn manifest(input_words: usize, output_words: usize) -> Manifest {
        Manifest {
            format: bundle::FORMAT,
            halocast: String::new(),
            name: "m".into(),
            task: TaskSpec::Infer,
            inputs: Vec::new(),
            outputs: Vec::new(),
            packing: Packing::current(),
            input_words,
            output_words,
            segments: Vec::new(),
            setup: None,
            files: Default::default(),
            checksum: String::new(),
        }
    }

    #[test]
    fn a_manifest_cannot_move_words_of_the_key() {
        let verifier = GeneratedVerifier {
            sol: String::new(),
            compiler: CompilerSettings {
                solc: String::new(),
                via_ir: false,
                optimizer: false,
            },
            instances: 12 + 1 + 3 + 3 + 1,
            input_words: 3,
            output_words: 3,
            proof_len: 0,
            proof_blob_len: 0,
            vk_digest: [0; 32],
            insecure_srs: true,
            srs: String::new(),
            generator: String::new(),
        };
        expect_words(&manifest(3, 3), &verifier).expect("they agree");
        for (inputs, outputs) in [(2, 4), (4, 2), (3, 4), (2, 3)] {
            let error = expect_words(&manifest(inputs, outputs), &verifier).expect_err("moved");
            assert!(
                error
                    .to_string()
                    .contains("the verifying key is for 3 and 3"),
                "{error}"
            );
        }
    }
}
