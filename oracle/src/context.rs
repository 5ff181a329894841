//! The context word: what binds a proof to one request of one oracle on one chain and to one payee.

use crate::abi::domain_tag;
use alloy::primitives::{Address, U256, keccak256};
use alloy::sol_types::SolValue;

/// `uint256(keccak256(abi.encode(DOMAIN_TAG, chainid, oracle, requestId, payee))) >> 8`, as the oracle computes it (`contextOf`).
pub fn context_word(chain_id: u64, oracle: Address, request_id: U256, payee: Address) -> U256 {
    let preimage = (
        domain_tag(),
        U256::from(chain_id),
        oracle,
        request_id,
        payee,
    )
        .abi_encode();
    U256::from_be_bytes(keccak256(preimage).0) >> 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_248_bits_and_depends_on_every_part() {
        let a = Address::repeat_byte(1);
        let b = Address::repeat_byte(2);
        let one = U256::from(1);
        let base = context_word(1, a, one, b);
        assert!(base.bit_len() <= 248);
        for other in [
            context_word(2, a, one, b),
            context_word(1, b, one, b),
            context_word(1, a, U256::from(2), b),
            context_word(1, a, one, a),
        ] {
            assert_ne!(base, other);
        }
    }
}
