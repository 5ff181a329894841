//! Bindings of the contracts, generated from the JSON that is checked in under `contracts/abi/`, and their errors by name.
//!
//! Nothing here talks to a chain: calls are encoded and answers decoded; [`crate::chain`] carries them.

use alloy::primitives::{Bytes, keccak256};
use alloy::sol_types::{SolError, SolInterface};

#[allow(missing_docs, unreachable_pub, clippy::all)]
mod oracle_abi {
    alloy::sol!(
        #[derive(Debug)]
        InferenceOracle,
        "../contracts/abi/InferenceOracle.json"
    );
}
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod registry_abi {
    alloy::sol!(
        #[derive(Debug)]
        ModelRegistry,
        "../contracts/abi/ModelRegistry.json"
    );
}
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod verifier_abi {
    alloy::sol!(
        #[derive(Debug)]
        ModelVerifier,
        "../contracts/abi/ModelVerifier.json"
    );
}
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod batch_abi {
    alloy::sol!(
        #[derive(Debug)]
        BatchVerifier,
        "../contracts/abi/BatchVerifier.json"
    );
}
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod router_abi {
    alloy::sol!(
        #[derive(Debug)]
        VerifierRouter,
        "../contracts/abi/VerifierRouter.json"
    );
}
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod routed_abi {
    alloy::sol!(
        #[derive(Debug)]
        RoutedVerifier,
        "../contracts/abi/RoutedVerifier.json"
    );
}
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod raw_abi {
    alloy::sol!(
        #[derive(Debug)]
        IHalo2Verifier,
        "../contracts/abi/IHalo2Verifier.json"
    );
}
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod example_abi {
    alloy::sol!(
        #[derive(Debug)]
        AskTinyGemma,
        "../contracts/abi/AskTinyGemma.json"
    );
}

pub use batch_abi::BatchVerifier;
pub use oracle_abi::InferenceOracle;
pub use registry_abi::ModelRegistry;
pub use routed_abi::RoutedVerifier;
pub use router_abi::VerifierRouter;
pub use verifier_abi::ModelVerifier;

/// What a contract said when it reverted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revert {
    /// The error's name, `Error`/`Panic` for Solidity's own, or the selector in hex if nobody knows it.
    pub name: String,
    /// The error with its arguments, for people.
    pub text: String,
}

impl std::fmt::Display for Revert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Names the error in revert data: oracle, registry, leaf, batch verifier, router, generated verifier and example are searched in this order.
pub fn decode_revert(data: &[u8]) -> Revert {
    if let Ok(error) = InferenceOracle::InferenceOracleErrors::abi_decode(data) {
        return known(format!("{error:?}"));
    }
    if let Ok(error) = ModelRegistry::ModelRegistryErrors::abi_decode(data) {
        return known(format!("{error:?}"));
    }
    if let Ok(error) = ModelVerifier::ModelVerifierErrors::abi_decode(data) {
        return known(format!("{error:?}"));
    }
    if let Ok(error) = BatchVerifier::BatchVerifierErrors::abi_decode(data) {
        return known(format!("{error:?}"));
    }
    if let Ok(error) = VerifierRouter::VerifierRouterErrors::abi_decode(data) {
        return known(format!("{error:?}"));
    }
    if let Ok(error) = raw_abi::IHalo2Verifier::IHalo2VerifierErrors::abi_decode(data) {
        return known(format!("{error:?}"));
    }
    if let Ok(error) = example_abi::AskTinyGemma::AskTinyGemmaErrors::abi_decode(data) {
        return known(format!("{error:?}"));
    }
    unknown(data)
}

/// The derived `Debug` of an error enum reads `Name(Name { field: value })`: the inner part is what people want to see.
fn known(debug: String) -> Revert {
    let name = debug
        .split(['(', ' '])
        .next()
        .unwrap_or_default()
        .to_owned();
    let text = debug
        .strip_prefix(&format!("{name}("))
        .and_then(|rest| rest.strip_suffix(')'))
        .unwrap_or(&debug)
        .to_owned();
    Revert { name, text }
}

fn unknown(data: &[u8]) -> Revert {
    if let Ok(error) = alloy::sol_types::Revert::abi_decode(data) {
        return Revert {
            name: "Error".into(),
            text: error.reason,
        };
    }
    if let Ok(error) = alloy::sol_types::Panic::abi_decode(data) {
        return Revert {
            name: "Panic".into(),
            text: error.to_string(),
        };
    }
    let shown = |bytes: usize| Bytes::copy_from_slice(&data[..data.len().min(bytes)]).to_string();
    match data.len() {
        0 => Revert {
            name: "Empty".into(),
            text: "reverted without data".into(),
        },
        _ => Revert {
            name: shown(4),
            text: format!("unknown error {}", shown(36)),
        },
    }
}

/// First word of the context's preimage; the contract has the same constant.
pub fn domain_tag() -> alloy::primitives::B256 {
    keccak256("halocast.inference.context.v1")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// V7: revert data of each contract has a name, other data has none.
    #[test]
    fn v7_errors_of_all_contracts_have_names() {
        let number = |n: u8| [[0; 31].as_slice(), &[n]].concat();
        let cases = [
            ("PairingFailed()", vec![], "PairingFailed"),
            (
                "PointNotOnCurve(uint256)",
                number(5),
                "PointNotOnCurve { index: 5 }",
            ),
            (
                "KeyShapeMismatch(bytes32,bytes32)",
                [0; 64].to_vec(),
                "KeyShapeMismatch",
            ),
            ("ProofRejected()", vec![], "ProofRejected"),
            (
                "ProofLength(uint256,uint256)",
                [number(1), number(2)].concat(),
                "ProofLength { got: 1, expected: 2 }",
            ),
            (
                "SelectorStopped(bytes4)",
                [0; 32].to_vec(),
                "SelectorStopped",
            ),
            (
                "SetRootMismatch(bytes32,bytes32)",
                [0; 64].to_vec(),
                "SetRootMismatch",
            ),
            (
                "KeyContractCodeMismatch(bytes32,bytes32)",
                [0; 64].to_vec(),
                "KeyContractCodeMismatch",
            ),
        ];
        for (signature, arguments, expected) in cases {
            let data = [&keccak256(signature)[..4], &arguments].concat();
            let revert = decode_revert(&data);
            assert!(revert.text.starts_with(expected), "{signature}: {revert}");
        }
        assert!(
            decode_revert(&[1, 2, 3, 4])
                .text
                .starts_with("unknown error")
        );
        assert_eq!(decode_revert(&[]).name, "Empty");
    }
}
