// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IInferenceConsumer} from "./IInferenceConsumer.sol";
import {
    CallbackStatus,
    IInferenceOracle,
    InferenceRequest,
    InferenceResult,
    Provenance,
    RequestStatus
} from "./IInferenceOracle.sol";
import {IModelRegistry, ModelRoute, ModelStatus} from "./IModelRegistry.sol";

/// @title Request / fulfil oracle
/// @notice See IInferenceOracle. The contract has no owner's hand in the money: fees are either credited to the payee of a proof or back
/// to the requester.
contract InferenceOracle is IInferenceOracle, AccessControl, Pausable, ReentrancyGuardTransient {
    /// @inheritdoc IInferenceOracle
    bytes32 public constant override DOMAIN_TAG = keccak256("halocast.inference.context.v1");

    /// @inheritdoc IInferenceOracle
    /// @dev Leaves room for a proof's verification under the 2^24 gas a transaction may have.
    uint32 public constant override MAX_CALLBACK_GAS = 5_000_000;

    /// @notice May stop new requests.
    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");

    /// @dev Gas kept back for what follows a callback: the call itself, one storage write, one event, the guard.
    uint256 private constant CALLBACK_OVERHEAD = 20_000;

    struct StoredRequest {
        bytes32 modelId;
        // one slot
        address requester;
        uint64 deadline;
        uint32 callbackGas;
        // one slot
        address callback;
        uint88 fee;
        RequestStatus status;
        uint256[] inputs;
    }

    struct StoredResult {
        // one slot
        address verifier;
        uint64 blockNumber;
        Provenance provenance;
        CallbackStatus callbackStatus;
        address payee;
        uint256[] outputs;
    }

    /// @inheritdoc IInferenceOracle
    IModelRegistry public immutable override registry;

    /// @inheritdoc IInferenceOracle
    uint256 public override requestCount;

    /// @inheritdoc IInferenceOracle
    mapping(address account => uint256) public override withdrawable;

    mapping(uint256 requestId => StoredRequest) private _requests;
    mapping(uint256 requestId => StoredResult) private _results;

    /// @param registry_ The registry that says which leaf speaks for which model; for good.
    /// @param admin Grants and takes roles, unpauses.
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
        StoredRequest storage stored = _known(requestId);
        if (stored.status == RequestStatus.Fulfilled) revert AlreadyFulfilled(requestId);
        if (stored.status == RequestStatus.Refunded) revert AlreadyRefunded(requestId);
        if (block.timestamp > stored.deadline) revert DeadlinePassed(stored.deadline, block.timestamp);
        if (payee == address(0)) revert InvalidPayee();

        bytes32 modelId = stored.modelId;
        ModelRoute memory route = registry.routeOf(modelId);
        if (route.status == ModelStatus.Revoked) revert ModelRevoked(modelId);
        route.verifier.verify(modelId, contextOf(requestId, payee), stored.inputs, outputs, proof);

        uint256 fee = stored.fee;
        stored.status = RequestStatus.Fulfilled;
        withdrawable[payee] += fee;
        StoredResult storage result = _results[requestId];
        result.verifier = address(route.verifier);
        result.blockNumber = uint64(block.number);
        result.provenance = Provenance.Proven;
        result.payee = payee;
        result.outputs = outputs;
        emit InferenceFulfilled(requestId, modelId, payee, msg.sender, address(route.verifier), Provenance.Proven, fee, outputs);

        address callback = stored.callback;
        if (callback != address(0)) {
            bytes memory data = abi.encodeCall(IInferenceConsumer.onInferenceResult, (requestId, modelId, outputs));
            bool success = _callBack(callback, data, stored.callbackGas, false);
            result.callbackStatus = success ? CallbackStatus.Delivered : CallbackStatus.Failed;
            emit CallbackAttempted(requestId, callback, success, false);
        }
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

        bytes memory data = abi.encodeCall(IInferenceConsumer.onInferenceResult, (requestId, stored.modelId, result.outputs));
        bool success = _callBack(callback, data, stored.callbackGas, true);
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
    function unpause() external override onlyRole(DEFAULT_ADMIN_ROLE) {
        _unpause();
    }

    /// @inheritdoc IInferenceOracle
    function getRequest(
        uint256 requestId
    ) external view override returns (InferenceRequest memory) {
        StoredRequest storage stored = _known(requestId);
        return InferenceRequest({
            modelId: stored.modelId,
            requester: stored.requester,
            deadline: stored.deadline,
            callbackGas: stored.callbackGas,
            callback: stored.callback,
            status: stored.status,
            fee: stored.fee,
            inputs: stored.inputs
        });
    }

    /// @inheritdoc IInferenceOracle
    function getResult(
        uint256 requestId
    ) external view override returns (InferenceResult memory) {
        _known(requestId);
        StoredResult storage result = _results[requestId];
        return InferenceResult({
            provenance: result.provenance,
            callbackStatus: result.callbackStatus,
            blockNumber: result.blockNumber,
            payee: result.payee,
            verifier: result.verifier,
            outputs: result.outputs
        });
    }

    /// @inheritdoc IInferenceOracle
    function provenOutputs(
        uint256 requestId
    ) external view override returns (uint256[] memory) {
        _known(requestId);
        StoredResult storage result = _results[requestId];
        if (result.provenance != Provenance.Proven) revert NotFulfilled(requestId);
        return result.outputs;
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
        return interfaceId == type(IInferenceOracle).interfaceId || super.supportsInterface(interfaceId);
    }

    function _known(
        uint256 requestId
    ) private view returns (StoredRequest storage stored) {
        stored = _requests[requestId];
        if (stored.status == RequestStatus.Unknown) revert UnknownRequest(requestId);
    }

    /// @dev The exact number of words, and no bit set above the values a word holds; so nobody pays for a request that cannot be proven.
    function _checkInputs(
        uint256[] calldata inputs,
        ModelRoute memory route
    ) private pure {
        if (inputs.length != route.inputWords) revert InputWordCount(inputs.length, route.inputWords);
        uint256 left = route.inputValues;
        for (uint256 i = 0; i < inputs.length; ++i) {
            uint256 values = left < route.valuesPerWord ? left : route.valuesPerWord;
            if (inputs[i] >> (values * route.valueBits) != 0) revert InputWordOutOfRange(i);
            left -= values;
        }
    }

    /// @dev Calls with at least `callbackGas` (with all that can be spared if `all`) or reverts; whatever the callee does with it, including
    /// returning a megabyte, CALLBACK_OVERHEAD is left to finish: no return data is copied.
    function _callBack(
        address callback,
        bytes memory data,
        uint256 callbackGas,
        bool all
    ) private returns (bool success) {
        if (callback.code.length == 0) return false;
        // EIP-150: a call can pass on 63/64 of what is left.
        uint256 available = gasleft();
        uint256 required = CALLBACK_OVERHEAD + callbackGas + callbackGas / 63 + 1;
        if (available < required) revert InsufficientGasForCallback(available, required);
        uint256 spare = available - CALLBACK_OVERHEAD;
        uint256 given = all ? spare - spare / 64 : callbackGas;
        assembly ("memory-safe") {
            success := call(given, callback, 0, add(data, 32), mload(data), 0, 0)
        }
    }

    function _withdraw(
        address payable to,
        uint256 amount
    ) private {
        uint256 available = withdrawable[msg.sender];
        if (amount == 0) revert NothingToWithdraw(msg.sender);
        if (amount > available) revert InsufficientBalance(available, amount);
        withdrawable[msg.sender] = available - amount;
        emit Withdrawn(msg.sender, to, amount);
        (bool success,) = to.call{value: amount}("");
        if (!success) revert TransferFailed(to);
    }
}
