// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IInferenceOracle} from "./IInferenceOracle.sol";

/// @title Calling back somebody who may be hostile
/// @notice The callee is given exactly the gas that was promised, or the whole transaction reverts; whatever it does (revert, return a
/// megabyte, burn its gas), enough is left for the caller to finish.
library GuardedCall {
    /// @dev Gas kept back for what follows a callback: the call itself, one storage write, one event, the guard.
    uint256 internal constant OVERHEAD = 20_000;

    /// @notice Calls with exactly `callbackGas` (with all that can be spared if `all`). False if it reverted or there is no code.
    function tryCall(
        address callee,
        bytes memory data,
        uint256 callbackGas,
        bool all
    ) internal returns (bool success) {
        if (callee.code.length == 0) return false;
        // EIP-150: a call can pass on 63/64 of what is left.
        uint256 available = gasleft();
        uint256 required = OVERHEAD + callbackGas + callbackGas / 63 + 1;
        if (available < required) revert IInferenceOracle.InsufficientGasForCallback(available, required);
        uint256 spare = available - OVERHEAD;
        uint256 given = all ? spare - spare / 64 : callbackGas;
        // No return data is copied.
        assembly ("memory-safe") {
            success := call(given, callee, 0, add(data, 32), mload(data), 0, 0)
        }
    }
}
