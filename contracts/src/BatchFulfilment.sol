// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Fulfillment, IInferenceOracle} from "./IInferenceOracle.sol";
import {IInferenceSets, SetFulfillment} from "./IInferenceSets.sol";
import {InferenceSets} from "./InferenceSets.sol";

/// @title Many results in one transaction
/// @notice Runs each item as a call of the oracle to itself: what an item wrote before it failed is undone with it, and the others stand.
abstract contract BatchFulfilment is IInferenceOracle, InferenceSets, ReentrancyGuardTransient {
    /// @inheritdoc IInferenceOracle
    function fulfillBatch(
        Fulfillment[] calldata items
    ) external override nonReentrant returns (uint256 stored) {
        for (uint256 i = 0; i < items.length; ++i) {
            bytes memory data = abi.encodeCall(this.fulfillBatchItem, (msg.sender, items[i]));
            if (_stores(data, i, items[i].requestId)) ++stored;
        }
    }

    /// @inheritdoc IInferenceSets
    function fulfillBatchFromSet(
        bytes32 modelId,
        bytes32 root,
        uint8 depth,
        bytes calldata setProof,
        SetFulfillment[] calldata items
    ) external override nonReentrant returns (uint256 stored) {
        if (!_isKnown(modelId, root)) _submitSet(modelId, root, depth, setProof);
        for (uint256 i = 0; i < items.length; ++i) {
            bytes memory data = abi.encodeCall(this.fulfillSetItem, (msg.sender, root, items[i]));
            if (_stores(data, i, items[i].requestId)) ++stored;
        }
    }

    /// @notice One item of `fulfillBatch`, which alone may call this.
    function fulfillBatchItem(
        address fulfiller,
        Fulfillment calldata item
    ) external {
        if (msg.sender != address(this)) revert OnlySelf(msg.sender);
        _fulfill(fulfiller, item.requestId, item.payee, item.outputs, item.proof);
    }

    /// @notice One item of `fulfillBatchFromSet`, which alone may call this.
    function fulfillSetItem(
        address fulfiller,
        bytes32 root,
        SetFulfillment calldata item
    ) external {
        if (msg.sender != address(this)) revert OnlySelf(msg.sender);
        _fulfillFromSet(fulfiller, item.requestId, item.payee, item.outputs, root, item.index, item.path);
    }

    function _fulfill(
        address fulfiller,
        uint256 requestId,
        address payee,
        uint256[] calldata outputs,
        bytes calldata proof
    ) internal virtual;

    function _fulfillFromSet(
        address fulfiller,
        uint256 requestId,
        address payee,
        uint256[] calldata outputs,
        bytes32 root,
        uint256 index,
        bytes32[] calldata path
    ) internal virtual;

    /// @dev Calls the oracle itself for item `index`; says by an event if it failed.
    function _stores(
        bytes memory data,
        uint256 index,
        uint256 requestId
    ) private returns (bool success) {
        bytes4 selector;
        // mem: 0x00-0x1f scratch, the first four bytes of what the call returned; no more of the revert data is copied
        assembly ("memory-safe") {
            mstore(0, 0)
            success := call(gas(), address(), 0, add(data, 32), mload(data), 0, 4)
            selector := mload(0)
        }
        if (!success) emit FulfilFailed(index, requestId, selector);
    }
}
