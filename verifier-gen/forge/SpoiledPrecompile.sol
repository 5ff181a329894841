// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @dev Lies at 0xe0 + n and answers like the precompile n, but for what slot 0 says.
contract SpoiledPrecompile {
    uint160 internal constant AWAY = 0xe0;

    /// @dev 0: as it is. 1: fails, with the right answer. 2: says nothing. 3: a byte too little. 4: a byte too much. 5: something else.
    uint256 internal way;

    fallback(
        bytes calldata input
    ) external returns (bytes memory answer) {
        bool success;
        (success, answer) = address(uint160(address(this)) - AWAY).staticcall(input);
        uint256 last = answer.length - 1;
        if (way == 2) return "";
        if (way == 4) return bytes.concat(answer, hex"00");
        if (way == 5) answer[last] ^= 0x02;
        assembly ("memory-safe") {
            if eq(sload(way.slot), 3) { mstore(answer, last) }
            if or(iszero(success), eq(sload(way.slot), 1)) { revert(add(answer, 0x20), mload(answer)) }
        }
    }
}
