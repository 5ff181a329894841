// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IModelVerifier} from "../../src/IModelVerifier.sol";

/// @title Verifier for tests: a "proof" is the hash of the statement
/// @notice Accepts exactly `abi.encode(keccak256(abi.encode(modelId, context, inputs, outputs)))`, so that everything a real proof binds is
/// bound, without proving. It says that its reference string is insecure: registries refuse it on public chains.
contract MockModelVerifier is IModelVerifier {
    bytes32 public immutable override modelId;
    uint256 public immutable override inputWords;
    uint256 public immutable override outputWords;
    uint256 public constant override proofLength = 32;
    bool public constant override srsIsInsecure = true;
    bytes32 public constant override vkDigest = keccak256("mock");
    bytes32 public constant override srsDigest = keccak256("mock reference string");
    bytes32 public constant override circuitDigest = keccak256("mock circuit");
    address public constant override rawVerifier = address(0);
    address public constant override keyContract = address(0);

    constructor(
        bytes32 modelId_,
        uint256 inputWords_,
        uint256 outputWords_
    ) {
        modelId = modelId_;
        inputWords = inputWords_;
        outputWords = outputWords_;
    }

    /// @inheritdoc IModelVerifier
    function verify(
        bytes32 modelId_,
        uint256 context,
        uint256[] calldata inputs,
        uint256[] calldata outputs,
        bytes calldata proof
    ) external view override {
        if (modelId_ != modelId) revert ModelMismatch(modelId_, modelId);
        if (inputs.length != inputWords) revert InputLength(inputs.length, inputWords);
        if (outputs.length != outputWords) revert OutputLength(outputs.length, outputWords);
        if (proof.length != proofLength) revert ProofLength(proof.length, proofLength);
        if (keccak256(proof) != keccak256(proofOf(context, inputs, outputs))) revert ProofRejected();
    }

    /// @notice The proof this mock accepts.
    function proofOf(
        uint256 context,
        uint256[] memory inputs,
        uint256[] memory outputs
    ) public view returns (bytes memory) {
        return abi.encode(keccak256(abi.encode(modelId, context, inputs, outputs)));
    }
}
