// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IBatchVerifier} from "./IBatchVerifier.sol";
import {IModelRegistry, Model, ModelMetadata, ModelRoute, ModelStatus, ModelTask, TensorSpec} from "./IModelRegistry.sol";
import {IModelVerifier} from "./IModelVerifier.sol";

/// @title Registry of models
/// @notice See IModelRegistry.
contract ModelRegistry is IModelRegistry, AccessControl {
    /// @notice May register models.
    bytes32 public constant REGISTRAR_ROLE = keccak256("REGISTRAR_ROLE");

    /// @notice May deprecate and revoke any model.
    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");

    uint256 private constant MAX_WORD_BITS = 248;

    mapping(bytes32 modelId => Model) private _models;
    bytes32[] private _ids;

    /// @inheritdoc IModelRegistry
    mapping(bytes32 modelId => bytes32) public override fidelityReportOf;

    /// @inheritdoc IModelRegistry
    mapping(bytes32 modelId => IBatchVerifier) public override batchVerifierOf;

    /// @param admin Grants and takes roles; has no other power.
    /// @param registrar First holder of REGISTRAR_ROLE.
    /// @param guardian First holder of GUARDIAN_ROLE.
    constructor(
        address admin,
        address registrar,
        address guardian
    ) {
        if (admin == address(0)) revert InvalidOwner();
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(REGISTRAR_ROLE, registrar);
        _grantRole(GUARDIAN_ROLE, guardian);
    }

    /// @inheritdoc IModelRegistry
    function register(
        bytes32 modelId,
        IModelVerifier verifier,
        address owner,
        ModelMetadata calldata metadata,
        string calldata metadataURI
    ) external override onlyRole(REGISTRAR_ROLE) {
        if (_models[modelId].route.status != ModelStatus.Unknown) revert AlreadyRegistered(modelId);
        if (owner == address(0)) revert InvalidOwner();

        ModelRoute memory route = _routeFor(metadata);
        _checkVerifier(modelId, verifier, route);
        route.verifier = verifier;
        route.status = ModelStatus.Active;

        Model storage model = _models[modelId];
        model.route = route;
        model.owner = owner;
        model.registeredAt = uint64(block.number);
        model.metadataURI = metadataURI;
        model.metadata = metadata;
        _ids.push(modelId);

        emit ModelRegistered(
            modelId, address(verifier), owner, verifier.vkDigest(), route.inputWords, route.outputWords, metadataURI
        );
    }

    /// @inheritdoc IModelRegistry
    function deprecate(
        bytes32 modelId
    ) external override {
        _lowerStatus(modelId, ModelStatus.Deprecated);
    }

    /// @inheritdoc IModelRegistry
    function revoke(
        bytes32 modelId
    ) external override {
        _lowerStatus(modelId, ModelStatus.Revoked);
    }

    /// @inheritdoc IModelRegistry
    function setMetadataURI(
        bytes32 modelId,
        string calldata metadataURI
    ) external override {
        _ownedByCaller(modelId).metadataURI = metadataURI;
        emit MetadataURIChanged(modelId, metadataURI);
    }

    /// @inheritdoc IModelRegistry
    function setFidelityReport(
        bytes32 modelId,
        bytes32 reportHash
    ) external override {
        _ownedByCaller(modelId);
        fidelityReportOf[modelId] = reportHash;
        emit FidelityReportChanged(modelId, reportHash);
    }

    /// @inheritdoc IModelRegistry
    function setBatchVerifier(
        bytes32 modelId,
        IBatchVerifier batchVerifier
    ) external override onlyRole(REGISTRAR_ROLE) {
        _known(modelId);
        address current = address(batchVerifierOf[modelId]);
        if (current != address(0)) revert BatchVerifierSet(modelId, current);
        if (address(batchVerifier).code.length == 0) revert VerifierHasNoCode(address(batchVerifier));
        bytes32 id = batchVerifier.modelId();
        if (id != modelId) revert VerifierModelMismatch(id, modelId);
        _checkSrs(batchVerifier.srsIsInsecure());
        batchVerifierOf[modelId] = batchVerifier;
        emit BatchVerifierAdded(modelId, address(batchVerifier), batchVerifier.vkDigest());
    }

    /// @inheritdoc IModelRegistry
    function transferModel(
        bytes32 modelId,
        address newOwner
    ) external override {
        Model storage model = _ownedByCaller(modelId);
        if (newOwner == address(0)) revert InvalidOwner();
        model.owner = newOwner;
        emit ModelOwnerChanged(modelId, msg.sender, newOwner);
    }

    /// @inheritdoc IModelRegistry
    function getModel(
        bytes32 modelId
    ) external view override returns (Model memory) {
        return _known(modelId);
    }

    /// @inheritdoc IModelRegistry
    function routeOf(
        bytes32 modelId
    ) external view override returns (ModelRoute memory) {
        return _known(modelId).route;
    }

    /// @inheritdoc IModelRegistry
    function statusOf(
        bytes32 modelId
    ) external view override returns (ModelStatus) {
        return _models[modelId].route.status;
    }

    /// @inheritdoc IModelRegistry
    function modelCount() external view override returns (uint256) {
        return _ids.length;
    }

    /// @inheritdoc IModelRegistry
    function modelAt(
        uint256 index
    ) external view override returns (bytes32) {
        return _ids[index];
    }

    /// @inheritdoc AccessControl
    function supportsInterface(
        bytes4 interfaceId
    ) public view override returns (bool) {
        return interfaceId == type(IModelRegistry).interfaceId || super.supportsInterface(interfaceId);
    }

    function _known(
        bytes32 modelId
    ) private view returns (Model storage model) {
        model = _models[modelId];
        if (model.route.status == ModelStatus.Unknown) revert UnknownModel(modelId);
    }

    function _ownedByCaller(
        bytes32 modelId
    ) private view returns (Model storage model) {
        model = _known(modelId);
        if (msg.sender != model.owner) revert NotModelOwner(msg.sender, model.owner);
    }

    function _lowerStatus(
        bytes32 modelId,
        ModelStatus to
    ) private {
        Model storage model = _known(modelId);
        if (msg.sender != model.owner && !hasRole(GUARDIAN_ROLE, msg.sender)) revert NotModelOwner(msg.sender, model.owner);
        ModelStatus from = model.route.status;
        if (to <= from) revert InvalidStatusChange(from, to);
        model.route.status = to;
        emit ModelStatusChanged(modelId, from, to, msg.sender);
    }

    /// @dev Checks the metadata and derives the numbers of values and words from it.
    function _routeFor(
        ModelMetadata calldata metadata
    ) private pure returns (ModelRoute memory route) {
        uint256 perWord = metadata.valuesPerWord;
        uint256 wordBits = perWord * metadata.valueBits;
        if (wordBits == 0 || wordBits > MAX_WORD_BITS) revert InvalidPacking(metadata.valueBits, metadata.valuesPerWord);

        uint32 inputs = _countValues(metadata.inputs);
        uint32 outputs = _countValues(metadata.outputs);
        uint256 length = metadata.sequenceLength;
        bool fits = metadata.task == ModelTask.Generate ? (length > 1 && inputs == length + 2 && outputs == length) : length == 0;
        if (!fits) revert InvalidSequenceLength(metadata.sequenceLength);

        route.valueBits = metadata.valueBits;
        route.valuesPerWord = metadata.valuesPerWord;
        route.inputValues = inputs;
        route.outputValues = outputs;
        // A count of at least 1 and below 2^32 gives as many words at most.
        route.inputWords = uint32((inputs + perWord - 1) / perWord);
        route.outputWords = uint32((outputs + perWord - 1) / perWord);
    }

    function _countValues(
        TensorSpec[] calldata tensors
    ) private pure returns (uint32) {
        if (tensors.length == 0) revert InvalidShape("");
        uint256 total = 0;
        for (uint256 i = 0; i < tensors.length; ++i) {
            TensorSpec calldata tensor = tensors[i];
            uint256 values = 1;
            for (uint256 d = 0; d < tensor.shape.length; ++d) {
                values *= tensor.shape[d]; // < 2^64: the product so far is below 2^32
                if (values == 0 || values > type(uint32).max) revert InvalidShape(tensor.name);
            }
            total += values;
            if (total > type(uint32).max) revert InvalidShape(tensor.name);
            if (tensor.scaleE18 == 0) revert InvalidScale(tensor.name);
        }
        return uint32(total);
    }

    function _checkVerifier(
        bytes32 modelId,
        IModelVerifier verifier,
        ModelRoute memory route
    ) private view {
        if (address(verifier).code.length == 0) revert VerifierHasNoCode(address(verifier));
        bytes32 id = verifier.modelId();
        if (id != modelId) revert VerifierModelMismatch(id, modelId);
        uint256 words = verifier.inputWords();
        if (words != route.inputWords) revert InputWordsMismatch(words, route.inputWords);
        words = verifier.outputWords();
        if (words != route.outputWords) revert OutputWordsMismatch(words, route.outputWords);
        // A leaf refuses this itself; another IModelVerifier might not.
        _checkSrs(verifier.srsIsInsecure());
    }

    function _checkSrs(
        bool insecure
    ) private view {
        if (insecure && block.chainid != 31_337 && block.chainid != 1337) revert InsecureSrsOnPublicChain(block.chainid);
    }
}
