// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IInferenceConsumer} from "./IInferenceConsumer.sol";
import {IInferenceOracle} from "./IInferenceOracle.sol";

/// @title Base of contracts that ask the oracle
/// @notice Ask with `_request`, get the answer in `_onResult`. Results are taken from the oracle only, for requests of this contract
/// only, and once each.
abstract contract InferenceConsumerBase is IInferenceConsumer {
    /// @notice The caller is not the oracle.
    error NotOracle(address caller);

    /// @notice This contract did not make the request, or has its result already.
    error UnexpectedRequest(uint256 requestId);

    /// @notice The oracle this contract asks.
    IInferenceOracle public immutable oracle;

    /// @notice Whether a request of this contract waits for its result.
    mapping(uint256 requestId => bool) public isAwaiting;

    constructor(
        IInferenceOracle oracle_
    ) {
        oracle = oracle_;
    }

    /// @inheritdoc IInferenceConsumer
    function onInferenceResult(
        uint256 requestId,
        bytes32 modelId,
        uint256[] calldata outputs
    ) external override {
        if (msg.sender != address(oracle)) revert NotOracle(msg.sender);
        if (!isAwaiting[requestId]) revert UnexpectedRequest(requestId);
        isAwaiting[requestId] = false;
        _onResult(requestId, modelId, outputs);
    }

    /// @notice Takes a proven result out of the oracle when its callback did not get through. Anybody may.
    function pullResult(
        uint256 requestId
    ) external {
        if (!isAwaiting[requestId]) revert UnexpectedRequest(requestId);
        uint256[] memory outputs = oracle.provenOutputs(requestId);
        isAwaiting[requestId] = false;
        _onResult(requestId, oracle.getRequest(requestId).modelId, outputs);
    }

    /// @dev Makes a request with this contract as requester and callback.
    function _request(
        bytes32 modelId,
        uint256[] memory inputs,
        uint64 deadline,
        uint32 callbackGas,
        uint256 fee
    ) internal returns (uint256 requestId) {
        requestId = oracle.request{value: fee}(modelId, inputs, deadline, callbackGas, address(this));
        isAwaiting[requestId] = true;
    }

    /// @dev Credits the fee of an unanswered request back to this contract (when the oracle refunds it) and sends it to `to`.
    function _reclaim(
        uint256 requestId,
        address payable to
    ) internal {
        if (!isAwaiting[requestId]) revert UnexpectedRequest(requestId);
        isAwaiting[requestId] = false;
        uint256 fee = oracle.getRequest(requestId).fee;
        oracle.refund(requestId);
        if (fee != 0) oracle.withdrawTo(to, fee);
    }

    /// @dev The result of a request made by `_request`. If it reverts, the result stays in the oracle and `pullResult` fetches it.
    function _onResult(
        uint256 requestId,
        bytes32 modelId,
        uint256[] memory outputs
    ) internal virtual;
}
