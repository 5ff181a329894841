// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @dev Looks at code as the machine does, instruction by instruction.
library Opcodes {
    uint8 private constant GAS = 0x5a;
    uint8 private constant PUSH1 = 0x60;
    uint8 private constant PUSH32 = 0x7f;
    uint8 private constant STATICCALL = 0xfa;

    /// A STATICCALL to somewhere else than one of the precompiles that a verifier uses.
    error CallsElsewhere(uint256 place);

    /// @notice First instruction that keeps something, changes something or runs foreign code; the code's length if there is none.
    /// @param readsCode Whether reading another contract's code is allowed.
    function forbidden(
        bytes memory code,
        bool readsCode
    ) internal pure returns (uint256) {
        for (uint256 i = 0; i < code.length; i = next(code, i)) {
            uint8 op = uint8(code[i]);
            bool stays = op == 0x54 || op == 0x55 || op == 0x5c || op == 0x5d || (op >= 0xa0 && op <= 0xa4);
            bool calls = op == 0xf0 || op == 0xf1 || op == 0xf2 || op == 0xf4 || op == 0xf5 || op == 0xff;
            bool reads = !readsCode && (op == 0x3b || op == 0x3c || op == 0x3f);
            if (stays || calls || reads) return i;
        }
        return code.length;
    }

    /// @notice Where the code pushes the addresses that it calls, each one a literal of a byte from 5 to 8 and pushed right before gas and call: no
    /// address is computed, none comes from calldata.
    function precompileCalls(
        bytes memory code
    ) internal pure returns (uint256[] memory places) {
        places = new uint256[](code.length);
        uint256 count;
        (uint256 before, uint256 last) = (0, 0);
        for (uint256 i = 0; i < code.length; i = next(code, i)) {
            if (uint8(code[i]) == STATICCALL) {
                uint8 gas_ = uint8(code[last]);
                bool literal = gas_ == GAS || (gas_ >= PUSH1 && gas_ <= PUSH32);
                uint8 to = uint8(code[before + 1]);
                if (!literal || uint8(code[before]) != PUSH1 || to < 5 || to > 8) revert CallsElsewhere(i);
                places[count++] = before + 1;
            }
            (before, last) = (last, i);
        }
        assembly ("memory-safe") {
            mstore(places, count)
        }
    }

    function next(
        bytes memory code,
        uint256 i
    ) private pure returns (uint256) {
        uint8 op = uint8(code[i]);
        return i + 1 + (op >= PUSH1 && op <= PUSH32 ? op - PUSH1 + 1 : 0);
    }
}
