// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice One item of `fulfillBatchFromSet`.
struct SetFulfillment {
    uint256 requestId;
    address payee;
    uint256[] outputs;
    /// The leaf's place.
    uint256 index;
    /// Siblings from the leaf upwards.
    bytes32[] path;
}

/// @title Sets of results under one proof
/// @notice A batch proof is checked once (`submitSet`); after that each result of the set costs a Merkle path instead of a proof.
/// @dev A leaf holds the context word of its result (InferenceSet.leafHash), so that replay and payee rules are those of single proofs; the
/// set itself may be submitted by anybody, anywhere.
interface IInferenceSets {
    /// @notice The registry has no batch verifier for the model.
    error NoBatchVerifier(bytes32 modelId);

    /// @notice The set was verified already.
    error SetKnown(bytes32 modelId, bytes32 root);

    /// @notice No proof of this set was checked here.
    error SetUnknown(bytes32 modelId, bytes32 root);

    /// @notice A tree this deep is not taken.
    error SetTooDeep(uint8 depth, uint8 maximum);

    /// @notice The path has another length than the set is deep.
    error PathLength(uint256 got, uint256 expected);

    /// @notice The index is not below 2^depth.
    error IndexOutOfRange(uint256 index, uint8 depth);

    /// @notice The request was made after the set was verified; `last` was the highest id then.
    error RequestAfterSet(uint256 requestId, uint256 last);

    /// @notice The result is not in the set at this place.
    error NotInSet(bytes32 root, uint256 index);

    /// @notice A set's proof was checked.
    event SetVerified(bytes32 indexed modelId, bytes32 indexed root, uint8 depth, address verifier);

    /// @notice Checks the proof of a set and remembers it. Anybody.
    /// @param modelId An active or deprecated model with a batch verifier.
    /// @param root Root of the tree.
    /// @param depth Its levels, at most 32.
    /// @param proof The batch proof.
    function submitSet(
        bytes32 modelId,
        bytes32 root,
        uint8 depth,
        bytes calldata proof
    ) external;

    /// @notice Brings a set and results of it in one transaction: what `submitSet` does, unless the set is known, then what `fulfillFromSet`
    /// does for each item. A bad item fails alone (FulfilFailed); a bad set fails as a whole.
    /// @param modelId The set's model.
    /// @param root Root of the tree.
    /// @param depth Its levels.
    /// @param setProof The batch proof. Not looked at, like `depth`, if the set is known: it may be empty, and whoever submits the set first
    /// takes nothing from this transaction.
    /// @param items The results.
    /// @return stored Number of results that were stored.
    function fulfillBatchFromSet(
        bytes32 modelId,
        bytes32 root,
        uint8 depth,
        bytes calldata setProof,
        SetFulfillment[] calldata items
    ) external returns (uint256 stored);

    /// @notice Returns if the statement (M, context, inputs, outputs) is in a verified set, reverts if not. For contracts that make their own
    /// contexts; looks at the proof only, not at the model's status.
    function checkInSet(
        bytes32 modelId,
        bytes32 root,
        uint256 context,
        uint256[] calldata inputs,
        uint256[] calldata outputs,
        uint256 index,
        bytes32[] calldata path
    ) external view;

    /// @notice Depth and batch verifier of a verified set; reverts SetUnknown.
    function getSet(
        bytes32 modelId,
        bytes32 root
    ) external view returns (uint8 depth, address verifier);
}
