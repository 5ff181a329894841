//! CREATE2 through the deterministic deployment proxy: the address follows from the code alone, so that a second run finds what a first
//! one made, and what is found there is what was wanted.

use crate::chain::{ChainClient, TxPlan};
use crate::error::{OracleError, Result};
use alloy::primitives::{Address, B256, Bytes, U256, address, b256, keccak256};

/// The deterministic deployment proxy, on almost every chain and built into anvil.
pub const FACTORY: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");

/// Hash of its code. Another factory at this address could put other code where ours is looked for.
const FACTORY_CODE_HASH: B256 =
    b256!("2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989");

/// Salt of every contract: keccak256("halocast.deploy.v1"). The init code tells contracts apart.
pub const SALT: B256 = b256!("1df35e1d3c0d4afe8352fdd1beb0e0659915ed3201b7b8bde060eea7a17b5dca");

/// Where this init code lands.
pub fn create2_address(init_code: &[u8]) -> Address {
    FACTORY.create2_from_code(SALT, init_code)
}

/// The transaction that puts it there.
pub(super) fn create2_tx(name: &str, init_code: &[u8]) -> TxPlan {
    let data: Bytes = [SALT.as_slice(), init_code].concat().into();
    TxPlan {
        to: FACTORY,
        value: U256::ZERO,
        data,
        action: format!("deploying {name}"),
    }
}

/// Upper bound of the gas a creation needs: calldata (EIP-7623's floor of 40 a byte), init code words, 200 a byte of code, the constructor.
pub(super) fn gas_bound(init_code: &[u8]) -> u64 {
    let bytes = init_code.len() as u64;
    53_000 + 40 * bytes + 2 * bytes.div_ceil(32) + 200 * bytes + 400_000
}

/// Fails where the proxy is missing or something else stands in its place.
pub(super) async fn expect_factory(client: &ChainClient) -> Result<()> {
    let code = client.code(FACTORY).await?;
    if code.is_empty() {
        return Err(OracleError::Deployment(format!(
            "this chain has no deterministic deployment proxy at {FACTORY}; see github.com/Arachnid/deterministic-deployment-proxy"
        )));
    }
    let got = keccak256(&code);
    if got != FACTORY_CODE_HASH {
        return Err(OracleError::CodeMismatch {
            name: "deterministic deployment proxy".into(),
            address: FACTORY,
            got,
            expected: FACTORY_CODE_HASH,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn salt_is_what_it_says() {
        assert_eq!(SALT, keccak256("halocast.deploy.v1"));
    }

    #[test]
    fn same_code_same_address() {
        assert_eq!(create2_address(b"a"), create2_address(b"a"));
        assert_ne!(create2_address(b"a"), create2_address(b"b"));
    }
}
