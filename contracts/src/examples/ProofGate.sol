// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IPullPath} from "../IPullPath.sol";
import {WordPacking} from "../WordPacking.sol";

/// @title Example: bring the proof, use the output
/// @notice Whoever brings a proven answer whose value number `index` is at least `threshold` is let in, in the same transaction: no request, no
/// fee, no waiting. (A credit score, say, of a model whose inputs are public.)
contract ProofGate {
    /// @notice The model's value is too low.
    error BelowThreshold(int16 value, int16 threshold);

    /// @notice Somebody was let in.
    event Admitted(address indexed who, int16 value);

    /// @notice The oracle that checks proofs.
    IPullPath public immutable oracle;
    /// @notice The model.
    bytes32 public immutable modelId;
    /// @notice Which output value decides.
    uint256 public immutable index;
    /// @notice The least value that lets in.
    int16 public immutable threshold;
    /// @notice Number of those let in so far.
    uint256 public admissions;
    /// @notice Who was let in.
    mapping(address who => bool) public isAdmitted;

    /// @param oracle_ The oracle.
    /// @param modelId_ A model that packs its words as WordPacking does.
    /// @param index_ Which output value decides.
    /// @param threshold_ The least value that lets in.
    constructor(
        IPullPath oracle_,
        bytes32 modelId_,
        uint256 index_,
        int16 threshold_
    ) {
        (oracle, modelId, index, threshold) = (oracle_, modelId_, index_, threshold_);
    }

    /// @notice Lets the caller in. The proof is made for `oracle.pullContextOf(this, modelId, inputs, nonceOf(caller))`.
    function enter(
        uint256[] calldata inputs,
        uint256[] calldata outputs,
        bytes calldata proof
    ) external {
        int16 value = WordPacking.valueAt(outputs, index);
        if (value < threshold) revert BelowThreshold(value, threshold);
        isAdmitted[msg.sender] = true;
        ++admissions;
        emit Admitted(msg.sender, value);
        // Last: undoes all of it if the proof is not valid, or was used.
        oracle.consumeProof(modelId, inputs, outputs, nonceOf(msg.sender), proof);
    }

    /// @notice The nonce binds a proof to who uses it: copied from the mempool it lets nobody else in.
    function nonceOf(
        address who
    ) public pure returns (uint256) {
        return uint256(uint160(who));
    }
}
