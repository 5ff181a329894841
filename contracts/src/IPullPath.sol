// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Bring the proof, use the output
/// @notice For contracts whose users bring the answer with its proof in the transaction that uses it: no request, no fee, no waiting.
/// @dev The context word is derived from what the proof is consumed for, not from its bytes (a proof can be made again with other bytes):
///
///     id = keccak256(abi.encode(PULL_TAG, chain id, this, consumer, modelId, keccak256(inputs), nonce))      C = uint256(id) >> 8
interface IPullPath {
    /// @notice The consumer used this nonce for this question already.
    error AlreadyConsumed(bytes32 id);

    /// @notice A consumer used a proven output.
    event ProofConsumed(bytes32 indexed id, address indexed consumer, bytes32 indexed modelId, uint256 nonce, uint256[] outputs);

    /// @notice Returns if the proof shows that the active model gives these outputs for these inputs, and was made for the calling
    /// contract and this nonce; reverts if not. Once for each nonce.
    /// @return id The replay key.
    function consumeProof(
        bytes32 modelId,
        uint256[] calldata inputs,
        uint256[] calldata outputs,
        uint256 nonce,
        bytes calldata proof
    ) external returns (bytes32 id);

    /// @notice The replay key of a consumption.
    function pullIdOf(
        address consumer,
        bytes32 modelId,
        uint256[] calldata inputs,
        uint256 nonce
    ) external view returns (bytes32);

    /// @notice The context word a proof for it must be made for.
    function pullContextOf(
        address consumer,
        bytes32 modelId,
        uint256[] calldata inputs,
        uint256 nonce
    ) external view returns (uint256);

    /// @notice Whether a replay key was used.
    function isConsumed(
        bytes32 id
    ) external view returns (bool);
}
