// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IModelVerifier} from "../IModelVerifier.sol";

/// @title ERC-8274's inner layer (draft of May 2026): is this proof valid for this input and output?
interface IProofVerifier {
    /// @notice Whether the proof is valid; false, not a revert, if it is not.
    function verify(
        bytes32 inputHash,
        bytes32 outputHash,
        bytes calldata metadata,
        bytes calldata proof
    ) external returns (bool);

    /// @notice "{paradigm}/{variant}".
    function proofSystem() external view returns (string memory);

    /// @notice Identifies this very deployment.
    function proofProfile() external view returns (bytes32);
}

/// @title One leaf, in ERC-8274's words
/// @notice inputHash = keccak256(input words), outputHash = keccak256(output words); `metadata` is abi.encode(bytes32 modelId), `proof` is
/// abi.encode(uint256 context, uint256[] inputs, uint256[] outputs, bytes proof blob). Stateless: the context is whatever the proof
/// was made for; replay is the outer layer's business (IAgentVerifier), which must derive and compare it.
contract ERC8274Adapter is IProofVerifier, ERC165 {
    /// @notice The leaf.
    IModelVerifier public immutable leaf;

    /// @param leaf_ The leaf, or a RoutedVerifier.
    constructor(
        IModelVerifier leaf_
    ) {
        leaf = leaf_;
    }

    /// @inheritdoc IProofVerifier
    function verify(
        bytes32 inputHash,
        bytes32 outputHash,
        bytes calldata metadata,
        bytes calldata proof
    ) external view override returns (bool) {
        bytes32 modelId = abi.decode(metadata, (bytes32));
        (uint256 context, uint256[] memory inputs, uint256[] memory outputs, bytes memory blob) =
            abi.decode(proof, (uint256, uint256[], uint256[], bytes));
        if (keccak256(abi.encodePacked(inputs)) != inputHash || keccak256(abi.encodePacked(outputs)) != outputHash) return false;
        try leaf.verify(modelId, context, inputs, outputs, blob) {
            return true;
        } catch {
            return false;
        }
    }

    /// @inheritdoc IProofVerifier
    function proofSystem() external pure override returns (string memory) {
        return "zk/halocast";
    }

    /// @inheritdoc IProofVerifier
    function proofProfile() external view override returns (bytes32) {
        return keccak256(abi.encodePacked("zk/halocast", keccak256(abi.encode(leaf.vkDigest(), leaf.modelId()))));
    }

    /// @inheritdoc ERC165
    function supportsInterface(
        bytes4 interfaceId
    ) public view override returns (bool) {
        return interfaceId == type(IProofVerifier).interfaceId || super.supportsInterface(interfaceId);
    }
}
