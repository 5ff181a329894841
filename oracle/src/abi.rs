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
/// Contracts that nothing here calls, for the names of their errors.
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod named {
    alloy::sol!(
        #[derive(Debug)]
        OptimisticOracle,
        "../contracts/abi/OptimisticOracle.json"
    );
    alloy::sol!(
        #[derive(Debug)]
        AskTinyGemma,
        "../contracts/abi/AskTinyGemma.json"
    );
    alloy::sol!(
        #[derive(Debug)]
        CompareTexts,
        "../contracts/abi/CompareTexts.json"
    );
    alloy::sol!(
        #[derive(Debug)]
        ProofGate,
        "../contracts/abi/ProofGate.json"
    );
    alloy::sol!(
        #[derive(Debug)]
        ValueVerifier,
        "../contracts/abi/ValueVerifier.json"
    );
    alloy::sol!(
        #[derive(Debug)]
        ERC7992Adapter,
        "../contracts/abi/ERC7992Adapter.json"
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

/// Names the error in revert data: oracle, registry, leaf, batch verifier, router, generated verifier and the rest are searched in this order.
pub fn decode_revert(data: &[u8]) -> Revert {
    macro_rules! search {
        ($($errors:path),* $(,)?) => {
            $(if let Ok(error) = <$errors>::abi_decode(data) {
                return known(format!("{error:?}"));
            })*
            // Nodes and tools often show the selector alone.
            if let Some(selector) = data.first_chunk::<4>() {
                $(if let Some(signature) = <$errors>::signature_by_selector(*selector) {
                    return bare(signature);
                })*
            }
        };
    }
    search!(
        InferenceOracle::InferenceOracleErrors,
        ModelRegistry::ModelRegistryErrors,
        ModelVerifier::ModelVerifierErrors,
        BatchVerifier::BatchVerifierErrors,
        VerifierRouter::VerifierRouterErrors,
        RoutedVerifier::RoutedVerifierErrors,
        raw_abi::IHalo2Verifier::IHalo2VerifierErrors,
        named::OptimisticOracle::OptimisticOracleErrors,
        named::AskTinyGemma::AskTinyGemmaErrors,
        named::CompareTexts::CompareTextsErrors,
        named::ProofGate::ProofGateErrors,
        named::ValueVerifier::ValueVerifierErrors,
        named::ERC7992Adapter::ERC7992AdapterErrors,
    );
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

/// An error whose arguments are not in the data, or are not those of its signature.
fn bare(signature: &str) -> Revert {
    let name = signature.split('(').next().unwrap_or_default().to_owned();
    Revert {
        text: format!("{signature}, without its arguments"),
        name,
    }
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

    /// Revert data with nothing but zeros and empty sequences in it.
    fn zeros(name: &str, types: &[String]) -> Vec<u8> {
        let is_dynamic = |kind: &str| kind == "string" || kind == "bytes" || kind.ends_with("[]");
        let mut data = keccak256(format!("{name}({})", types.join(",")))[..4].to_vec();
        let head = 32 * types.len();
        for kind in types {
            let offset = if is_dynamic(kind) { head } else { 0 };
            data.extend(alloy::primitives::U256::from(offset).to_be_bytes::<32>());
        }
        data.extend([0; 32]); // the one length that all offsets point to
        data
    }

    /// V7: every error in the ABI of every published contract has a name, and it is this one.
    #[test]
    fn v7_errors_of_all_contracts_have_names() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts/abi");
        let mut seen = std::collections::BTreeSet::new();
        for file in std::fs::read_dir(dir).expect("contracts/abi") {
            let path = file.expect("a file").path();
            let text = std::fs::read(&path).expect("reads");
            let json: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
            let entries = json["abi"].as_array().expect("an ABI");
            for error in entries.iter().filter(|e| e["type"] == "error") {
                let name = error["name"].as_str().expect("a name");
                let inputs = error["inputs"].as_array().expect("arguments");
                let kind = |input: &serde_json::Value| input["type"].as_str().map(str::to_owned);
                let types: Vec<String> = inputs.iter().filter_map(kind).collect();
                let revert = decode_revert(&zeros(name, &types));
                assert_eq!(revert.name, name, "{}: {revert}", path.display());
                assert!(!revert.text.ends_with("without its arguments"), "{revert}");
                seen.insert(name.to_owned());
            }
        }
        assert!(seen.len() > 100, "{}", seen.len());
    }

    /// V7: arguments are shown; what nobody knows has no name.
    #[test]
    fn v7_errors_are_shown_with_their_arguments() {
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
        let bare = decode_revert(&keccak256("ProofLength(uint256,uint256)")[..4]);
        assert_eq!(bare.name, "ProofLength");
        assert_eq!(
            bare.text,
            "ProofLength(uint256,uint256), without its arguments"
        );
        assert!(
            decode_revert(&[1, 2, 3, 4])
                .text
                .starts_with("unknown error")
        );
        assert_eq!(decode_revert(&[]).name, "Empty");
    }
}
