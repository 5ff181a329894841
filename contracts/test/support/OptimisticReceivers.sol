// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Provenance} from "../../src/IInferenceOracle.sol";
import {IOptimisticConsumer} from "../../src/IOptimisticOracle.sol";

/// @dev Notes what it is called with.
contract OptimisticReceiver is IOptimisticConsumer {
    uint256 public calls;
    Provenance public last;

    function onOptimisticResult(
        uint256,
        bytes32,
        Provenance provenance,
        uint256[] calldata
    ) external override {
        ++calls;
        last = provenance;
    }
}

/// @dev Fails with less gas than was asked for.
contract ExactOptimisticReceiver is IOptimisticConsumer {
    uint256 public constant WANTED = 200_000;
    bool public got;

    function onOptimisticResult(
        uint256,
        bytes32,
        Provenance,
        uint256[] calldata
    ) external override {
        // A few hundred go to the dispatch before this line.
        require(gasleft() + 1000 >= WANTED, "starved");
        got = true;
    }
}
