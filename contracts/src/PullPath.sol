// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {IInferenceOracle} from "./IInferenceOracle.sol";
import {IModelRegistry, ModelRoute, ModelStatus} from "./IModelRegistry.sol";
import {IPullPath} from "./IPullPath.sol";

/// @title Bring the proof, use the output
/// @notice See IPullPath.
abstract contract PullPath is IPullPath, Pausable {
    /// @notice First word of a replay key's preimage.
    bytes32 public constant PULL_TAG = keccak256("halocast.inference.pull.v1");

    /// @inheritdoc IPullPath
    mapping(bytes32 id => bool) public override isConsumed;

    /// @inheritdoc IPullPath
    function consumeProof(
        bytes32 modelId,
        uint256[] calldata inputs,
        uint256[] calldata outputs,
        uint256 nonce,
        bytes calldata proof
    ) external override whenNotPaused returns (bytes32 id) {
        id = pullIdOf(msg.sender, modelId, inputs, nonce);
        if (isConsumed[id]) revert AlreadyConsumed(id);
        ModelRoute memory route = _registry().routeOf(modelId);
        if (route.status != ModelStatus.Active) revert IInferenceOracle.ModelNotActive(modelId);
        isConsumed[id] = true;
        route.verifier.verify(modelId, uint256(id) >> 8, inputs, outputs, proof);
        emit ProofConsumed(id, msg.sender, modelId, nonce, outputs);
    }

    /// @inheritdoc IPullPath
    function pullIdOf(
        address consumer,
        bytes32 modelId,
        uint256[] calldata inputs,
        uint256 nonce
    ) public view override returns (bytes32) {
        bytes32 inputsHash = keccak256(abi.encodePacked(inputs));
        return keccak256(abi.encode(PULL_TAG, block.chainid, address(this), consumer, modelId, inputsHash, nonce));
    }

    /// @inheritdoc IPullPath
    function pullContextOf(
        address consumer,
        bytes32 modelId,
        uint256[] calldata inputs,
        uint256 nonce
    ) external view override returns (uint256) {
        return uint256(pullIdOf(consumer, modelId, inputs, nonce)) >> 8;
    }

    /// @dev The registry that says which leaf speaks for which model.
    function _registry() internal view virtual returns (IModelRegistry);
}
