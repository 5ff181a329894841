// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {
    CallbackStatus,
    IInferenceOracle,
    InferenceRequest,
    InferenceResult,
    Provenance,
    RequestStatus
} from "./IInferenceOracle.sol";

/// @title What was asked, what was answered, who is owed what
/// @notice The storage of InferenceOracle and the reading of it. Nothing here decides anything.
abstract contract RequestBook is IInferenceOracle {
    struct StoredRequest {
        bytes32 modelId;
        // one slot
        address requester;
        uint64 deadline;
        uint32 callbackGas;
        // one slot
        address callback;
        uint88 fee;
        RequestStatus status;
        uint256[] inputs;
    }

    struct StoredResult {
        // one slot
        address verifier;
        uint64 blockNumber;
        Provenance provenance;
        CallbackStatus callbackStatus;
        // one slot
        address payee;
        uint64 storedAt;
        uint32 outputWords;
        // Not an array: its length would take a slot of its own, 22,100 gas a result.
        mapping(uint256 index => uint256) outputs;
    }

    /// @inheritdoc IInferenceOracle
    uint256 public override requestCount;

    /// @inheritdoc IInferenceOracle
    mapping(address account => uint256) public override withdrawable;

    mapping(uint256 requestId => StoredRequest) internal _requests;
    mapping(uint256 requestId => StoredResult) internal _results;

    /// @inheritdoc IInferenceOracle
    function getRequest(
        uint256 requestId
    ) external view override returns (InferenceRequest memory) {
        StoredRequest storage stored = _known(requestId);
        return InferenceRequest({
            modelId: stored.modelId,
            requester: stored.requester,
            deadline: stored.deadline,
            callbackGas: stored.callbackGas,
            callback: stored.callback,
            status: stored.status,
            fee: stored.fee,
            inputs: stored.inputs
        });
    }

    /// @inheritdoc IInferenceOracle
    function getResult(
        uint256 requestId
    ) external view override returns (InferenceResult memory) {
        _known(requestId);
        StoredResult storage result = _results[requestId];
        return InferenceResult({
            provenance: result.provenance,
            callbackStatus: result.callbackStatus,
            blockNumber: result.blockNumber,
            payee: result.payee,
            verifier: result.verifier,
            outputs: _outputs(result)
        });
    }

    /// @inheritdoc IInferenceOracle
    function provenOutputs(
        uint256 requestId
    ) external view override returns (uint256[] memory) {
        return _outputs(_proven(requestId));
    }

    /// @inheritdoc IInferenceOracle
    function getOutputNoOlderThan(
        uint256 requestId,
        uint256 maxAge
    ) external view override returns (uint256[] memory) {
        StoredResult storage result = _proven(requestId);
        uint256 oldest = maxAge < block.timestamp ? block.timestamp - maxAge : 0;
        if (result.storedAt < oldest) revert StaleOutput(result.storedAt, oldest);
        return _outputs(result);
    }

    /// @inheritdoc IInferenceOracle
    function storedAt(
        uint256 requestId
    ) external view override returns (uint64) {
        _known(requestId);
        return _results[requestId].storedAt;
    }

    function _outputs(
        StoredResult storage result
    ) internal view returns (uint256[] memory words) {
        words = new uint256[](result.outputWords);
        for (uint256 i = 0; i < words.length; ++i) {
            words[i] = result.outputs[i];
        }
    }

    function _known(
        uint256 requestId
    ) internal view returns (StoredRequest storage stored) {
        stored = _requests[requestId];
        if (stored.status == RequestStatus.Unknown) revert UnknownRequest(requestId);
    }

    function _proven(
        uint256 requestId
    ) internal view returns (StoredResult storage result) {
        _known(requestId);
        result = _results[requestId];
        if (result.provenance != Provenance.Proven) revert NotFulfilled(requestId);
    }

    function _withdraw(
        address payable to,
        uint256 amount
    ) internal {
        uint256 available = withdrawable[msg.sender];
        if (amount == 0) revert NothingToWithdraw(msg.sender);
        if (amount > available) revert InsufficientBalance(available, amount);
        withdrawable[msg.sender] = available - amount;
        emit Withdrawn(msg.sender, to, amount);
        (bool success,) = to.call{value: amount}("");
        if (!success) revert TransferFailed(to);
    }
}
