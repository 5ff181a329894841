// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {BatchFulfilment} from "./BatchFulfilment.sol";
import {GuardedCall} from "./GuardedCall.sol";
import {IInferenceConsumer} from "./IInferenceConsumer.sol";
import {CallbackStatus, IInferenceOracle, Provenance, RequestStatus} from "./IInferenceOracle.sol";
import {IInferenceSets} from "./IInferenceSets.sol";
import {IModelRegistry, ModelRoute, ModelStatus} from "./IModelRegistry.sol";
import {InferenceSet} from "./InferenceSet.sol";
import {InferenceSets} from "./InferenceSets.sol";
import {IPullPath} from "./IPullPath.sol";
import {PullPath} from "./PullPath.sol";
import {RequestBook} from "./RequestBook.sol";
import {WordRange} from "./WordRange.sol";

/// @title Request / fulfil oracle
/// @notice See IInferenceOracle. The contract has no owner's hand in the money: fees are either credited to the payee of a proof or back
/// to the requester.
contract InferenceOracle is BatchFulfilment, PullPath, AccessControl, RequestBook {
    /// @inheritdoc IInferenceOracle
    bytes32 public constant override DOMAIN_TAG = keccak256("halocast.inference.context.v1");

    /// @inheritdoc IInferenceOracle
    /// @dev Leaves room for a proof's verification under the 2^24 gas a transaction may have.
    uint32 public constant override MAX_CALLBACK_GAS = 5_000_000;

    /// @notice May stop new requests and pulls.
    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");

    /// @notice May take new requests and pulls again.
    bytes32 public constant RESUMER_ROLE = keccak256("RESUMER_ROLE");

    /// @inheritdoc IInferenceOracle
    IModelRegistry public immutable override registry;

    /// @param registry_ The registry that says which leaf speaks for which model; for good.
    /// @param admin Grants and takes roles; first holder of RESUMER_ROLE.
    /// @param guardian First holder of GUARDIAN_ROLE.
    constructor(
        IModelRegistry registry_,
        address admin,
        address guardian
    ) {
        if (admin == address(0)) revert InvalidAdmin();
        if (address(registry_).code.length == 0) revert RegistryHasNoCode(address(registry_));
        registry = registry_;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(RESUMER_ROLE, admin);
        _grantRole(GUARDIAN_ROLE, guardian);
    }

    /// @inheritdoc IInferenceOracle
    function request(
        bytes32 modelId,
        uint256[] calldata inputs,
        uint64 deadline,
        uint32 callbackGas,
        address callback
    ) external payable override whenNotPaused returns (uint256 requestId) {
        ModelRoute memory route = registry.routeOf(modelId);
        if (route.status != ModelStatus.Active) revert ModelNotActive(modelId);
        _checkInputs(inputs, route);
        if (deadline <= block.timestamp) revert DeadlineInPast(deadline, block.timestamp);
        if (callbackGas > MAX_CALLBACK_GAS) revert CallbackGasTooHigh(callbackGas, MAX_CALLBACK_GAS);
        if (msg.value > type(uint88).max) revert FeeTooLarge(msg.value);

        requestId = ++requestCount;
        StoredRequest storage stored = _requests[requestId];
        stored.modelId = modelId;
        stored.requester = msg.sender;
        stored.deadline = deadline;
        stored.callbackGas = callbackGas;
        stored.callback = callback;
        stored.fee = uint88(msg.value);
        stored.status = RequestStatus.Open;
        stored.inputs = inputs;

        emit InferenceRequested(requestId, modelId, msg.sender, deadline, callbackGas, callback, msg.value, inputs);
    }

    /// @inheritdoc IInferenceOracle
    function fulfill(
        uint256 requestId,
        address payee,
        uint256[] calldata outputs,
        bytes calldata proof
    ) external override nonReentrant {
        _fulfill(msg.sender, requestId, payee, outputs, proof);
    }

    /// @inheritdoc IInferenceOracle
    function fulfillFromSet(
        uint256 requestId,
        address payee,
        uint256[] calldata outputs,
        bytes32 root,
        uint256 index,
        bytes32[] calldata path
    ) external override nonReentrant {
        _fulfillFromSet(msg.sender, requestId, payee, outputs, root, index, path);
    }

    /// @inheritdoc IInferenceOracle
    function retryCallback(
        uint256 requestId
    ) external override nonReentrant {
        StoredRequest storage stored = _known(requestId);
        StoredResult storage result = _results[requestId];
        if (result.callbackStatus != CallbackStatus.Failed) revert CallbackNotRetryable(requestId, result.callbackStatus);
        address callback = stored.callback;
        if (msg.sender != stored.requester && msg.sender != callback) revert NotRequester(msg.sender, stored.requester);

        bytes memory data = abi.encodeCall(IInferenceConsumer.onInferenceResult, (requestId, stored.modelId, _outputs(result)));
        bool success = GuardedCall.tryCall(callback, data, stored.callbackGas, true);
        result.callbackStatus = success ? CallbackStatus.Delivered : CallbackStatus.RetryFailed;
        emit CallbackAttempted(requestId, callback, success, true);
    }

    /// @inheritdoc IInferenceOracle
    function refund(
        uint256 requestId
    ) external override nonReentrant {
        StoredRequest storage stored = _known(requestId);
        if (msg.sender != stored.requester) revert NotRequester(msg.sender, stored.requester);
        if (stored.status == RequestStatus.Fulfilled) revert AlreadyFulfilled(requestId);
        if (stored.status == RequestStatus.Refunded) revert AlreadyRefunded(requestId);
        // A revoked model is never active again: nobody can fulfil the request any more, whatever its deadline.
        if (block.timestamp <= stored.deadline && registry.statusOf(stored.modelId) != ModelStatus.Revoked) {
            revert DeadlineNotPassed(stored.deadline, block.timestamp);
        }

        uint256 fee = stored.fee;
        stored.status = RequestStatus.Refunded;
        withdrawable[msg.sender] += fee;
        emit RequestRefunded(requestId, msg.sender, fee);
    }

    /// @inheritdoc IInferenceOracle
    function withdraw() external override nonReentrant {
        _withdraw(payable(msg.sender), withdrawable[msg.sender]);
    }

    /// @inheritdoc IInferenceOracle
    function withdrawTo(
        address payable to,
        uint256 amount
    ) external override nonReentrant {
        if (to == address(0)) revert InvalidPayee();
        _withdraw(to, amount);
    }

    /// @inheritdoc IInferenceOracle
    function pause() external override onlyRole(GUARDIAN_ROLE) {
        _pause();
    }

    /// @inheritdoc IInferenceOracle
    function unpause() external override onlyRole(RESUMER_ROLE) {
        _unpause();
    }

    /// @inheritdoc IInferenceOracle
    function contextOf(
        uint256 requestId,
        address payee
    ) public view override returns (uint256) {
        return uint256(keccak256(abi.encode(DOMAIN_TAG, block.chainid, address(this), requestId, payee))) >> 8;
    }

    /// @inheritdoc AccessControl
    function supportsInterface(
        bytes4 interfaceId
    ) public view override returns (bool) {
        return interfaceId == type(IInferenceOracle).interfaceId || interfaceId == type(IInferenceSets).interfaceId
            || interfaceId == type(IPullPath).interfaceId || super.supportsInterface(interfaceId);
    }

    function _registry() internal view override(InferenceSets, PullPath) returns (IModelRegistry) {
        return registry;
    }

    function _requestsSoFar() internal view override returns (uint256) {
        return requestCount;
    }

    /// @dev A request that a proof may end, and its model's route.
    function _fulfillable(
        uint256 requestId,
        address payee
    ) private view returns (StoredRequest storage stored, ModelRoute memory route) {
        stored = _known(requestId);
        if (stored.status == RequestStatus.Fulfilled) revert AlreadyFulfilled(requestId);
        if (stored.status == RequestStatus.Refunded) revert AlreadyRefunded(requestId);
        if (block.timestamp > stored.deadline) revert DeadlinePassed(stored.deadline, block.timestamp);
        if (payee == address(0)) revert InvalidPayee();
        route = registry.routeOf(stored.modelId);
        if (route.status == ModelStatus.Revoked) revert ModelRevoked(stored.modelId);
    }

    function _fulfill(
        address fulfiller,
        uint256 requestId,
        address payee,
        uint256[] calldata outputs,
        bytes calldata proof
    ) internal override {
        (StoredRequest storage stored, ModelRoute memory route) = _fulfillable(requestId, payee);
        route.verifier.verify(stored.modelId, contextOf(requestId, payee), stored.inputs, outputs, proof);
        _store(fulfiller, requestId, payee, outputs, address(route.verifier));
    }

    function _fulfillFromSet(
        address fulfiller,
        uint256 requestId,
        address payee,
        uint256[] calldata outputs,
        bytes32 root,
        uint256 index,
        bytes32[] calldata path
    ) internal override {
        (StoredRequest storage stored, ModelRoute memory route) = _fulfillable(requestId, payee);
        if (outputs.length != route.outputWords) revert OutputWordCount(outputs.length, route.outputWords);
        bytes32 leaf = InferenceSet.leafHash(stored.modelId, contextOf(requestId, payee), stored.inputs, outputs);
        _checkAsked(stored.modelId, root, requestId);
        address verifier = _checkInSet(stored.modelId, root, leaf, index, path);
        _store(fulfiller, requestId, payee, outputs, verifier);
    }

    /// @dev Stores a result that was proven, credits the fee, calls back.
    function _store(
        address fulfiller,
        uint256 requestId,
        address payee,
        uint256[] calldata outputs,
        address verifier
    ) private {
        StoredRequest storage stored = _requests[requestId];
        bytes32 modelId = stored.modelId;
        uint256 fee = stored.fee;
        stored.status = RequestStatus.Fulfilled;
        withdrawable[payee] += fee;
        StoredResult storage result = _results[requestId];
        result.verifier = verifier;
        result.blockNumber = uint64(block.number);
        result.provenance = Provenance.Proven;
        result.payee = payee;
        result.storedAt = uint64(block.timestamp);
        result.outputWords = uint32(outputs.length); // the model's number, which the registry counts in 32 bits
        for (uint256 i = 0; i < outputs.length; ++i) {
            result.outputs[i] = outputs[i];
        }
        emit InferenceFulfilled(requestId, modelId, payee, fulfiller, verifier, Provenance.Proven, fee, outputs);

        address callback = stored.callback;
        if (callback != address(0)) {
            bytes memory data = abi.encodeCall(IInferenceConsumer.onInferenceResult, (requestId, modelId, outputs));
            bool success = GuardedCall.tryCall(callback, data, stored.callbackGas, false);
            result.callbackStatus = success ? CallbackStatus.Delivered : CallbackStatus.Failed;
            emit CallbackAttempted(requestId, callback, success, false);
        }
    }

    /// @dev The exact number of words, and no bit set above the values a word holds; so nobody pays for a request that cannot be proven.
    function _checkInputs(
        uint256[] calldata inputs,
        ModelRoute memory route
    ) private pure {
        if (inputs.length != route.inputWords) revert InputWordCount(inputs.length, route.inputWords);
        uint256 bad = WordRange.firstBad(inputs, route.inputValues, route.valuesPerWord, route.valueBits);
        if (bad != inputs.length) revert InputWordOutOfRange(bad);
    }
}
