// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title One proof for a set of results
/// @notice Says whether a proof shows that every used leaf of a Merkle tree is a result of the model `modelId()`.
/// @dev The statement: *there is a number n ≥ 1 of used leaves, and for each i < n a context C_i, inputs I_i and outputs O_i such that leaf i
/// of the tree of `depth` levels with this root is `InferenceSet.leafHash(M, C_i, I_i, O_i)`, the model M gives exactly O_i for I_i, and the
/// proof was made for C_i*; leaves from n on are 0. How a proof shows it is the implementation's matter: `BatchVerifier` is given every
/// result's words, hashes the tree itself and asks for one proof of all of them. A circuit with Keccak could expose the root alone;
/// `MockBatchVerifier` stands for that in tests.
interface IBatchVerifier {
    /// @notice The proof was asked about another model than the one this verifier is for.
    error BatchModelMismatch(bytes32 got, bytes32 expected);

    /// @notice The proof system refused the proof for these public inputs.
    error BatchProofRejected();

    /// @notice The results of the proof make a tree with another root.
    error SetRootMismatch(bytes32 got, bytes32 expected);

    /// @notice The proof has more results than a tree of this depth has leaves.
    error SetTooShallow(uint256 results, uint8 depth);

    /// @notice Returns if the proof is valid, reverts if not.
    /// @param modelId The model's commitment M; must be this verifier's.
    /// @param root Root of the tree (InferenceSet).
    /// @param depth Levels of the tree: it has 2^depth leaves.
    /// @param proof What this verifier takes; see its own `verifySet`.
    function verifySet(
        bytes32 modelId,
        bytes32 root,
        uint8 depth,
        bytes calldata proof
    ) external view;

    /// @notice The model's commitment M.
    function modelId() external view returns (bytes32);

    /// @notice Whether the structured reference string is a development one.
    function srsIsInsecure() external view returns (bool);

    /// @notice Digest of the outer circuit's verifying key.
    function vkDigest() external view returns (bytes32);
}
