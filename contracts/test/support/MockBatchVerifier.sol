// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBatchVerifier} from "../../src/IBatchVerifier.sol";

/// @title Batch verifier for tests: a "proof" is the hash of the public inputs
/// @notice For trees of any depth, where BatchVerifier has as many leaves as slots: binds model, root and depth as a circuit that hashes the
/// tree would, and proves nothing.
contract MockBatchVerifier is IBatchVerifier {
    bytes32 public immutable override modelId;
    bool public constant override srsIsInsecure = true;
    bytes32 public constant override vkDigest = keccak256("mock batch");

    constructor(
        bytes32 modelId_
    ) {
        modelId = modelId_;
    }

    /// @inheritdoc IBatchVerifier
    function verifySet(
        bytes32 modelId_,
        bytes32 root,
        uint8 depth,
        bytes calldata proof
    ) external view override {
        if (modelId_ != modelId) revert BatchModelMismatch(modelId_, modelId);
        if (keccak256(proof) != keccak256(proofOf(root, depth))) revert BatchProofRejected();
    }

    /// @notice The proof this mock accepts.
    function proofOf(
        bytes32 root,
        uint8 depth
    ) public view returns (bytes memory) {
        return abi.encode(keccak256(abi.encode(modelId, uint256(root) >> 128, uint128(uint256(root)), depth)));
    }
}
