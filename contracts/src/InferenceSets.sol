// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBatchVerifier} from "./IBatchVerifier.sol";
import {IInferenceOracle} from "./IInferenceOracle.sol";
import {IInferenceSets} from "./IInferenceSets.sol";
import {IModelRegistry, ModelStatus} from "./IModelRegistry.sol";
import {InferenceSet} from "./InferenceSet.sol";

/// @title Verified sets
/// @notice See IInferenceSets.
abstract contract InferenceSets is IInferenceSets {
    struct VerifiedSet {
        address verifier;
        uint8 depth;
        /// Requests that there were when it was verified.
        uint64 requests;
    }

    mapping(bytes32 modelId => mapping(bytes32 root => VerifiedSet)) private _sets;

    /// @inheritdoc IInferenceSets
    function submitSet(
        bytes32 modelId,
        bytes32 root,
        uint8 depth,
        bytes calldata proof
    ) external override {
        if (_isKnown(modelId, root)) revert SetKnown(modelId, root);
        _submitSet(modelId, root, depth, proof);
    }

    /// @inheritdoc IInferenceSets
    function checkInSet(
        bytes32 modelId,
        bytes32 root,
        uint256 context,
        uint256[] calldata inputs,
        uint256[] calldata outputs,
        uint256 index,
        bytes32[] calldata path
    ) external view override {
        _checkInSet(modelId, root, InferenceSet.leafHash(modelId, context, inputs, outputs), index, path);
    }

    /// @inheritdoc IInferenceSets
    function getSet(
        bytes32 modelId,
        bytes32 root
    ) external view override returns (uint8 depth, address verifier) {
        VerifiedSet storage set = _set(modelId, root);
        return (set.depth, set.verifier);
    }

    /// @dev The registry that names batch verifiers.
    function _registry() internal view virtual returns (IModelRegistry);

    /// @dev The highest request id so far.
    function _requestsSoFar() internal view virtual returns (uint256);

    /// @dev A set answers requests that were there when its proof was checked. Else a stopped verifier would go on answering: a set forged before
    /// the stop could hold answers to requests to come, whose ids and likely inputs are known.
    function _checkAsked(
        bytes32 modelId,
        bytes32 root,
        uint256 requestId
    ) internal view {
        uint256 last = _set(modelId, root).requests;
        if (requestId > last) revert RequestAfterSet(requestId, last);
    }

    /// @dev Checks the proof of a set that is not known and remembers it.
    function _submitSet(
        bytes32 modelId,
        bytes32 root,
        uint8 depth,
        bytes calldata proof
    ) internal {
        if (depth > InferenceSet.MAX_DEPTH) revert SetTooDeep(depth, InferenceSet.MAX_DEPTH);
        IModelRegistry models = _registry();
        if (models.statusOf(modelId) == ModelStatus.Revoked) revert IInferenceOracle.ModelRevoked(modelId);
        IBatchVerifier verifier = models.batchVerifierOf(modelId);
        if (address(verifier) == address(0)) revert NoBatchVerifier(modelId);
        verifier.verifySet(modelId, root, depth, proof);
        _sets[modelId][root] = VerifiedSet(address(verifier), depth, uint64(_requestsSoFar()));
        emit SetVerified(modelId, root, depth, address(verifier));
    }

    function _isKnown(
        bytes32 modelId,
        bytes32 root
    ) internal view returns (bool) {
        return _sets[modelId][root].verifier != address(0);
    }

    /// @dev Returns the set's verifier if the leaf is in the set, reverts if not.
    function _checkInSet(
        bytes32 modelId,
        bytes32 root,
        bytes32 leaf,
        uint256 index,
        bytes32[] calldata path
    ) internal view returns (address) {
        VerifiedSet storage set = _set(modelId, root);
        if (path.length != set.depth) revert PathLength(path.length, set.depth);
        if (index >> set.depth != 0) revert IndexOutOfRange(index, set.depth);
        if (InferenceSet.rootOf(leaf, index, path) != root) revert NotInSet(root, index);
        return set.verifier;
    }

    function _set(
        bytes32 modelId,
        bytes32 root
    ) private view returns (VerifiedSet storage set) {
        if (!_isKnown(modelId, root)) revert SetUnknown(modelId, root);
        set = _sets[modelId][root];
    }
}
