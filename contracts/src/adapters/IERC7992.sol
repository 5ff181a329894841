// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Reading half of ERC-7992's registry (draft of November 2025)
/// @dev The draft's `registerModel`, `updateModel` and `deprecateModel` are not here: a model is registered with its leaf and by role, its
/// commitment never changes, and its owner deprecates it in ModelRegistry itself. So the draft's own interface id is not claimed; this
/// interface's is. Model ids are our commitments M, read as numbers.
interface IERC7992RegistryView {
    /// What ties a model to its proofs.
    struct ModelCommitment {
        /// M itself: it hashes weights, architecture and layer circuits (design.md, "The statement").
        bytes32 modelHash;
        /// Digest of the outer circuit without its key.
        bytes32 circuitHash;
        /// Digest of the outer verifying key.
        bytes32 vkHash;
        /// bytes4(keccak256("halo2-kzg-bn254-v1")).
        bytes4 proofSystemId;
        /// Where the manifest lies.
        string uri;
    }

    /// @notice The model's commitment, whether it is deprecated (or revoked), and its owner.
    function getModel(
        uint256 modelId
    ) external view returns (ModelCommitment memory commitment, bool deprecated, address owner);
}

/// @title ERC-7992's verifier, as the draft has it
interface IERC7992Verifier {
    /// @notice An inference was verified.
    event InferenceVerified(uint256 indexed modelId, bytes32 indexed inputCommitment, bytes output, address indexed caller);

    /// @notice The proof is not of the inputs the commitment names.
    error InputCommitmentMismatch();

    /// @notice The model takes no new submissions.
    error VerificationRefused_ModelDeprecated(uint256 modelId);

    /// @notice Reverts if the proof is not valid.
    function verifyInference(
        uint256 modelId,
        bytes32 inputCommitment,
        bytes calldata output,
        bytes calldata proof
    ) external;

    /// @notice The model's proof system.
    function proofSystemOf(
        uint256 modelId
    ) external view returns (bytes4);

    /// @notice The registry.
    function registry() external view returns (address registryAddress);
}
