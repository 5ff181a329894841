// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IInferenceConsumer} from "../../src/IInferenceConsumer.sol";
import {Fulfillment, IInferenceOracle} from "../../src/IInferenceOracle.sol";
import {IInferenceSets, SetFulfillment} from "../../src/IInferenceSets.sol";

/// @dev Notes what it is called with; fails while told to.
contract RecordingReceiver is IInferenceConsumer {
    bool public failing;
    uint256 public calls;
    uint256 public lastRequest;
    bytes32 public lastModel;
    uint256[] public lastOutputs;
    uint256 public gasSeen;

    function setFailing(
        bool failing_
    ) external {
        failing = failing_;
    }

    function onInferenceResult(
        uint256 requestId,
        bytes32 modelId,
        uint256[] calldata outputs
    ) external override {
        gasSeen = gasleft();
        require(!failing, "failing");
        ++calls;
        lastRequest = requestId;
        lastModel = modelId;
        lastOutputs = outputs;
    }

    receive() external payable {}
}

/// @dev Says how much gas it saw by returning if that is at least what was asked for, and burns all of it.
contract ExactGasReceiver is IInferenceConsumer {
    uint256 public constant WANTED = 200_000;
    bool public got;

    function onInferenceResult(
        uint256,
        bytes32,
        uint256[] calldata
    ) external override {
        // A few hundred go to the dispatch before this line.
        require(gasleft() + 1000 >= WANTED, "starved");
        got = true;
    }
}

/// @dev Reverts with a megabyte, or returns one.
contract ReturnBomb {
    bool public immutable reverting;

    constructor(
        bool reverting_
    ) {
        reverting = reverting_;
    }

    fallback() external {
        bool bad = reverting;
        assembly {
            if bad { revert(0, 1000000) }
            return(0, 1000000)
        }
    }
}

/// @dev Uses all the gas it is given.
contract GasBurner {
    fallback() external {
        while (true) {}
    }
}

/// @dev Ends by an invalid opcode.
contract Exploder {
    fallback() external {
        assembly {
            invalid()
        }
    }
}

/// @dev Tries every guarded entry of the oracle from inside the callback, and asks the next question (which is allowed).
contract Reenterer is IInferenceConsumer {
    IInferenceOracle public immutable oracle;
    uint256 public blocked;
    uint256 public nextRequest;
    uint256[] private _inputs;

    constructor(
        IInferenceOracle oracle_,
        uint256[] memory inputs
    ) payable {
        oracle = oracle_;
        _inputs = inputs;
    }

    function ask(
        bytes32 modelId,
        uint64 deadline,
        uint32 callbackGas
    ) external payable returns (uint256) {
        return oracle.request{value: msg.value}(modelId, _inputs, deadline, callbackGas, address(this));
    }

    function onInferenceResult(
        uint256 requestId,
        bytes32 modelId,
        uint256[] calldata outputs
    ) external override {
        _tryCall(abi.encodeCall(oracle.fulfill, (requestId, address(this), outputs, "")));
        _tryCall(abi.encodeCall(oracle.fulfillBatch, (new Fulfillment[](0))));
        _tryCall(abi.encodeCall(oracle.fulfillFromSet, (requestId, address(this), outputs, 0, 0, new bytes32[](0))));
        SetFulfillment[] memory none = new SetFulfillment[](0);
        _tryCall(abi.encodeCall(IInferenceSets.fulfillBatchFromSet, (modelId, 0, 0, "", none)));
        _tryCall(abi.encodeCall(oracle.retryCallback, (requestId)));
        _tryCall(abi.encodeCall(oracle.refund, (requestId)));
        _tryCall(abi.encodeCall(oracle.withdraw, ()));
        _tryCall(abi.encodeCall(oracle.withdrawTo, (payable(address(this)), 1)));
        nextRequest = oracle.request{value: address(this).balance}(modelId, _inputs, uint64(block.timestamp + 1), 0, address(0));
    }

    function _tryCall(
        bytes memory data
    ) private {
        (bool success, bytes memory reason) = address(oracle).call(data);
        // ReentrancyGuardReentrantCall()
        if (!success && bytes4(reason) == 0x3ee5aeb5) ++blocked;
    }
}

/// @dev On being paid tries to withdraw again.
contract GreedyWithdrawer {
    IInferenceOracle public immutable oracle;
    bool public swallow;

    constructor(
        IInferenceOracle oracle_
    ) {
        oracle = oracle_;
    }

    function go(
        bool swallow_
    ) external {
        swallow = swallow_;
        oracle.withdraw();
    }

    receive() external payable {
        if (swallow) {
            try oracle.withdraw() {} catch {}
        } else {
            oracle.withdraw();
        }
    }
}
