//! Five attempts at something that was not proven. Each changes one thing of a proof that the chain accepts as it is.

use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, Bytes, U256, uint};
use alloy::sol_types::SolCall;
use eyre::WrapErr;
use halocast_oracle::abi::{InferenceOracle, ModelVerifier, Revert};
use halocast_oracle::chain::CallSpec;
use halocast_oracle::{ChainClient, OracleError};
use serde::Serialize;

/// Modulus of the BN254 scalar field.
const MODULUS: U256 =
    uint!(0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001_U256);

/// A proof that was accepted.
pub(super) struct Genuine {
    pub(super) verifier: Address,
    pub(super) oracle: Address,
    pub(super) model_id: B256,
    pub(super) context: U256,
    pub(super) inputs: Vec<U256>,
    pub(super) outputs: Vec<U256>,
    pub(super) proof: Bytes,
    pub(super) payee: Address,
    /// An open request for the very same input.
    pub(super) other_request: U256,
}

/// One attempt.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Forgery {
    pub(super) name: String,
    /// Whether it was refused, and for the right reason.
    pub(super) refused: bool,
    /// What the contract said; empty if it accepted.
    pub(super) error: String,
}

impl Forgery {
    /// Any other error than `expected` shows nothing: a call that never came to the check reverts too.
    fn new(name: &str, expected: &str, revert: Option<Revert>) -> Self {
        Forgery {
            name: name.to_owned(),
            refused: revert.as_ref().is_some_and(|r| r.name == expected),
            error: revert.map_or_else(String::new, |r| r.to_string()),
        }
    }
}

/// Tries all five, after making sure that the proof is accepted when nothing is changed.
pub(super) async fn attempt(client: &ChainClient, genuine: &Genuine) -> eyre::Result<Vec<Forgery>> {
    let unchanged = verify_call(genuine);
    ask(client, genuine.verifier, &unchanged)
        .await?
        .map_or(Ok(()), |error| {
            Err(eyre::eyre!("the genuine proof is refused: {error}"))
        })?;
    let mut found = Vec::new();
    let mut note = |name: &str, expected: &str, revert: Option<Revert>| {
        found.push(Forgery::new(name, expected, revert));
    };

    let mut call = verify_call(genuine);
    change_last_output(&mut call.outputs);
    note(
        "changed output token",
        "ProofRejected",
        ask(client, genuine.verifier, &call).await?,
    );

    let call = InferenceOracle::fulfillCall {
        requestId: genuine.other_request,
        payee: genuine.payee,
        outputs: genuine.outputs.clone(),
        proof: genuine.proof.clone(),
    };
    note(
        "changed context (another request)",
        "ProofRejected",
        ask(client, genuine.oracle, &call).await?,
    );

    let mut call = verify_call(genuine);
    call.modelId_.0[31] ^= 1;
    note(
        "changed model commitment",
        "ModelMismatch",
        ask(client, genuine.verifier, &call).await?,
    );

    let mut call = verify_call(genuine);
    let mut proof = call.proof.to_vec();
    let middle = (12 * 32 + proof.len()) / 2;
    proof[middle] ^= 1;
    call.proof = proof.into();
    note(
        "flipped proof bit",
        "ProofRejected",
        ask(client, genuine.verifier, &call).await?,
    );

    let mut call = verify_call(genuine);
    call.outputs[0] += MODULUS;
    note(
        "instance plus the field modulus",
        "InstanceNotInField",
        ask(client, genuine.verifier, &call).await?,
    );
    Ok(found)
}

fn verify_call(genuine: &Genuine) -> ModelVerifier::verifyCall {
    ModelVerifier::verifyCall {
        modelId_: genuine.model_id,
        context: genuine.context,
        inputs: genuine.inputs.clone(),
        outputs: genuine.outputs.clone(),
        proof: genuine.proof.clone(),
    }
}

/// Another token where the answer has one: the last slot in use that is not 0 (a stored 0 is 2^15).
fn change_last_output(outputs: &mut [U256]) {
    let zero = U256::from(1u64 << 15);
    for word in outputs.iter_mut().rev() {
        for slot in (0..15usize).rev() {
            let value = (*word >> (16 * slot)) & U256::from(0xffff);
            if value > zero {
                *word ^= U256::from(1) << (16 * slot);
                return;
            }
        }
    }
}

/// What a contract says to a call: nothing, or why it reverts.
async fn ask<C: SolCall>(
    client: &ChainClient,
    to: Address,
    call: &C,
) -> eyre::Result<Option<Revert>> {
    let spec = CallSpec {
        to: Some(to),
        data: call.abi_encode().into(),
        ..CallSpec::default()
    };
    match client.call(&spec, BlockId::latest(), C::SIGNATURE).await {
        Ok(_) => Ok(None),
        Err(OracleError::Reverted { revert, .. }) => Ok(Some(revert)),
        Err(other) => Err(other).wrap_err("the chain did not answer"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_expected_error_is_a_refusal() {
        let revert = |name: &str| {
            Some(Revert {
                name: name.into(),
                text: format!("{name} {{ .. }}"),
            })
        };
        let refused = |revert| Forgery::new("f", "ProofRejected", revert).refused;
        assert!(refused(revert("ProofRejected")));
        assert!(!refused(revert("ProofLength")));
        assert!(!refused(revert("0x")));
        assert!(!refused(None));
    }
}
