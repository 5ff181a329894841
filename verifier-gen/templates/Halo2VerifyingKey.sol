// SPDX-License-Identifier: MIT OR Apache-2.0
{{ header }}
pragma solidity {{ solc }};

/// @title Data contract: the key of one circuit, for the `Halo2Verifier` of shape {{ shape_digest }}
/// @notice Its code is a byte STOP and {{ words }} words. Cannot be called to any effect, has no storage, cannot be destroyed.
contract Halo2VerifyingKey {
    constructor() {
        assembly {
            // mem: 0x00-0x1f the byte STOP at 0x1f | 0x20 the key; nothing of Solidity runs afterwards
            mstore(0x00, 0)
{%- for word in key_words %}
            mstore({{ word.address }}, {{ word.value }})
{%- endfor %}
            return(0x1f, {{ key_contract_size }})
        }
    }
}
