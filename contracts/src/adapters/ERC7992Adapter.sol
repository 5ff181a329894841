// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IModelRegistry, Model, ModelRoute, ModelStatus} from "../IModelRegistry.sol";
import {IERC7992RegistryView, IERC7992Verifier} from "./IERC7992.sol";

/// @title Our registry and leaves, in ERC-7992's words
/// @notice Stateless: a verification is an event, nothing is stored; whoever needs an inference once keeps the commitments he has seen.
/// @dev `output` is abi.encode(uint256[] words), `proof` is abi.encode(uint256 nonce, uint256[] input words, bytes proof blob), and
///
///     inputCommitment = keccak256(abi.encode(COMMITMENT_TAG, chain id, this, modelId, nonce, keccak256(inputs)))
///
/// is also the proof's context (cut to 248 bits), so that a proof serves one nonce of one adapter on one chain.
contract ERC7992Adapter is IERC7992RegistryView, IERC7992Verifier, ERC165 {
    /// @notice First word of a commitment's preimage.
    bytes32 public constant COMMITMENT_TAG = keccak256("halocast.erc7992.input.v1");

    /// @notice The identifier of the proving system, as the draft derives it.
    bytes4 public constant PROOF_SYSTEM_ID = bytes4(keccak256("halo2-kzg-bn254-v1"));

    IModelRegistry private immutable _models;

    /// @param models The registry.
    constructor(
        IModelRegistry models
    ) {
        _models = models;
    }

    /// @inheritdoc IERC7992RegistryView
    function getModel(
        uint256 modelId
    ) external view override returns (ModelCommitment memory commitment, bool deprecated, address owner) {
        Model memory model = _models.getModel(bytes32(modelId));
        commitment = ModelCommitment({
            modelHash: bytes32(modelId),
            circuitHash: model.route.verifier.circuitDigest(),
            vkHash: model.route.verifier.vkDigest(),
            proofSystemId: PROOF_SYSTEM_ID,
            uri: model.metadataURI
        });
        return (commitment, model.route.status != ModelStatus.Active, model.owner);
    }

    /// @inheritdoc IERC7992Verifier
    function verifyInference(
        uint256 modelId,
        bytes32 inputCommitment,
        bytes calldata output,
        bytes calldata proof
    ) external override {
        ModelRoute memory route = _models.routeOf(bytes32(modelId));
        if (route.status != ModelStatus.Active) revert VerificationRefused_ModelDeprecated(modelId);
        (uint256 nonce, uint256[] memory inputs, bytes memory blob) = abi.decode(proof, (uint256, uint256[], bytes));
        if (inputCommitment != commitmentOf(modelId, nonce, inputs)) revert InputCommitmentMismatch();
        uint256[] memory outputs = abi.decode(output, (uint256[]));
        route.verifier.verify(bytes32(modelId), uint256(inputCommitment) >> 8, inputs, outputs, blob);
        emit InferenceVerified(modelId, inputCommitment, output, msg.sender);
    }

    /// @inheritdoc IERC7992Verifier
    function proofSystemOf(
        uint256 modelId
    ) external view override returns (bytes4) {
        _models.routeOf(bytes32(modelId)); // reverts for a model that is not registered
        return PROOF_SYSTEM_ID;
    }

    /// @inheritdoc IERC7992Verifier
    function registry() external view override returns (address) {
        return address(this);
    }

    /// @notice The commitment to these inputs under this nonce.
    function commitmentOf(
        uint256 modelId,
        uint256 nonce,
        uint256[] memory inputs
    ) public view returns (bytes32) {
        bytes32 inputsHash = keccak256(abi.encodePacked(inputs));
        return keccak256(abi.encode(COMMITMENT_TAG, block.chainid, address(this), modelId, nonce, inputsHash));
    }

    /// @inheritdoc ERC165
    function supportsInterface(
        bytes4 interfaceId
    ) public view override returns (bool) {
        return interfaceId == type(IERC7992RegistryView).interfaceId || interfaceId == type(IERC7992Verifier).interfaceId
            || super.supportsInterface(interfaceId);
    }
}
