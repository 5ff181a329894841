// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What the oracle calls back
/// @dev Anybody can name any contract as the callback of a request, so an implementation checks that the sender is its oracle AND that
/// the request is one it made itself; `InferenceConsumerBase` does both.
interface IInferenceConsumer {
    /// @notice A request of yours has a proven result. May revert; the result is stored all the same.
    /// @param requestId The request.
    /// @param modelId The model that was asked.
    /// @param outputs The packed output words (see WordPacking).
    function onInferenceResult(
        uint256 requestId,
        bytes32 modelId,
        uint256[] calldata outputs
    ) external;
}
