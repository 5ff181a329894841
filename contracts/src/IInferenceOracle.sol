// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IModelRegistry} from "./IModelRegistry.sol";

/// @notice Where a request is in its life: Open → Fulfilled or Open → Refunded.
enum RequestStatus {
    Unknown,
    Open,
    Fulfilled,
    Refunded
}

/// @notice Why an output may be believed. OptimisticFinal and Refuted are reserved for the optimistic oracle; this one stores Proven only.
enum Provenance {
    Pending,
    Proven,
    OptimisticFinal,
    Refuted
}

/// @notice What became of a request's callback. None: there is none, or the request is not fulfilled. Failed: may be retried once.
enum CallbackStatus {
    None,
    Delivered,
    Failed,
    RetryFailed
}

/// @notice A request as its requester made it.
struct InferenceRequest {
    bytes32 modelId;
    address requester;
    /// Last second (inclusive) in which it can be fulfilled.
    uint64 deadline;
    /// Gas the callback is given.
    uint32 callbackGas;
    /// Who is called back; zero for nobody.
    address callback;
    RequestStatus status;
    /// Wei held for whoever fulfils it.
    uint256 fee;
    /// The packed input words.
    uint256[] inputs;
}

/// @notice A request's result. `outputs` is empty while `provenance` is Pending.
struct InferenceResult {
    Provenance provenance;
    CallbackStatus callbackStatus;
    /// Block in which it was stored.
    uint64 blockNumber;
    /// Whom the fee was credited to; bound by the proof.
    address payee;
    /// The leaf that accepted the proof.
    address verifier;
    /// The packed output words.
    uint256[] outputs;
}

/// @notice One item of `fulfillBatch`.
struct Fulfillment {
    uint256 requestId;
    address payee;
    uint256[] outputs;
    bytes proof;
}

/// @title Ask a model, get a proven answer
/// @notice A request pays a fee into the oracle; anybody who brings a valid proof of the answer has it stored and the fee credited to
/// the payee the proof was made for; if nobody does in time, or the model is revoked, the requester takes the fee back.
/// @dev The context word binds a proof to one request of one oracle on one chain and to one payee, so that a proof copied from the
/// mempool only pays the one who made it:
///
///     C = uint256(keccak256(abi.encode(DOMAIN_TAG, block.chainid, address(this), requestId, payee))) >> 8        (248 bits)
interface IInferenceOracle {
    // ── request ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// @notice The model is deprecated or revoked: no new requests.
    error ModelNotActive(bytes32 modelId);

    /// @notice Wrong number of input words for this model.
    error InputWordCount(uint256 got, uint256 expected);

    /// @notice Input word number `index` has bits set above its packed values.
    error InputWordOutOfRange(uint256 index);

    /// @notice The deadline is not in the future.
    error DeadlineInPast(uint64 deadline, uint256 timestamp);

    /// @notice More callback gas than a fulfilment could afford.
    error CallbackGasTooHigh(uint32 got, uint32 maximum);

    /// @notice The fee does not fit its storage (88 bits).
    error FeeTooLarge(uint256 fee);

    // ── fulfil ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// @notice There is no such request.
    error UnknownRequest(uint256 requestId);

    /// @notice The request has its result already.
    error AlreadyFulfilled(uint256 requestId);

    /// @notice The request's fee went back to its requester.
    error AlreadyRefunded(uint256 requestId);

    /// @notice Too late to fulfil.
    error DeadlinePassed(uint64 deadline, uint256 timestamp);

    /// @notice The model was revoked: its proofs are not taken any more.
    error ModelRevoked(bytes32 modelId);

    /// @notice The zero address cannot be paid.
    error InvalidPayee();

    /// @notice Wrong number of output words for this model.
    error OutputWordCount(uint256 got, uint256 expected);

    /// @notice Only the oracle itself calls this, item by item, out of `fulfillBatch` or `fulfillBatchFromSet`.
    error OnlySelf(address caller);

    /// @notice The gas left would not give the callback what its requester asked for; send the transaction with more.
    error InsufficientGasForCallback(uint256 available, uint256 required);

    // ── afterwards ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// @notice The request is not fulfilled (yet).
    error NotFulfilled(uint256 requestId);

    /// @notice Only the one who made the request may do this.
    error NotRequester(address caller, address requester);

    /// @notice The request can still be fulfilled; a refund has to wait.
    error DeadlineNotPassed(uint64 deadline, uint256 timestamp);

    /// @notice The result is older than the caller takes: stored at `storedAt`, wanted not before `oldest` (seconds).
    error StaleOutput(uint64 storedAt, uint256 oldest);

    /// @notice Only a callback that failed once can be retried.
    error CallbackNotRetryable(uint256 requestId, CallbackStatus status);

    /// @notice The account has less to withdraw than it asked for.
    error InsufficientBalance(uint256 available, uint256 requested);

    /// @notice The account has nothing to withdraw.
    error NothingToWithdraw(address account);

    /// @notice The receiver of a withdrawal did not take the money.
    error TransferFailed(address to);

    // ── construction ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// @notice The zero address cannot be the admin.
    error InvalidAdmin();

    /// @notice There is no code at the registry's address.
    error RegistryHasNoCode(address registry);

    /// @notice A model was asked. Carries all that a relayer needs.
    event InferenceRequested(
        uint256 indexed requestId,
        bytes32 indexed modelId,
        address indexed requester,
        uint64 deadline,
        uint32 callbackGas,
        address callback,
        uint256 fee,
        uint256[] inputs
    );

    /// @notice A proven result was stored.
    /// @param payee Whom the proof was made for and the fee was credited to.
    /// @param fulfiller Who sent the transaction.
    event InferenceFulfilled(
        uint256 indexed requestId,
        bytes32 indexed modelId,
        address indexed payee,
        address fulfiller,
        address verifier,
        Provenance provenance,
        uint256 fee,
        uint256[] outputs
    );

    /// @notice Item number `index` of a batch was not stored; the others are not touched by that. `selector` is the first four bytes of
    /// what the item reverted with, 0 if it ran out of gas or reverted without data.
    event FulfilFailed(uint256 index, uint256 indexed requestId, bytes4 selector);

    /// @notice A callback was tried. `success` is false if it reverted, ran out of its gas, or there is no code at the address.
    event CallbackAttempted(uint256 indexed requestId, address indexed callback, bool success, bool isRetry);

    /// @notice A request's fee was credited back to its requester.
    event RequestRefunded(uint256 indexed requestId, address indexed requester, uint256 fee);

    /// @notice An account took money out.
    event Withdrawn(address indexed account, address indexed to, uint256 amount);

    /// @notice Asks a model. The value sent is the fee (0 is allowed).
    /// @dev May be called from inside a callback.
    /// @param modelId An active model of the registry.
    /// @param inputs Packed input words, exactly as many as registered.
    /// @param deadline Last second (inclusive) in which it can be fulfilled.
    /// @param callbackGas Gas for the callback, at most MAX_CALLBACK_GAS.
    /// @param callback Contract to call with the result (IInferenceConsumer), zero for none.
    /// @return requestId 1, 2, 3, …
    function request(
        bytes32 modelId,
        uint256[] calldata inputs,
        uint64 deadline,
        uint32 callbackGas,
        address callback
    ) external payable returns (uint256 requestId);

    /// @notice Brings a result with its proof. Anybody may; the fee goes to `payee`, for whom the proof was made.
    /// @dev A bad proof reverts by the leaf's error (IModelVerifier).
    /// @param requestId An open request.
    /// @param payee The payee in the proof's context word.
    /// @param outputs Packed output words.
    /// @param proof 12 accumulator limbs followed by the SNARK proof.
    function fulfill(
        uint256 requestId,
        address payee,
        uint256[] calldata outputs,
        bytes calldata proof
    ) external;

    /// @notice Brings many results, each with its proof. A bad one fails alone (FulfilFailed); the event says why.
    /// @param items What `fulfill` takes, item by item.
    /// @return stored Number of results that were stored.
    function fulfillBatch(
        Fulfillment[] calldata items
    ) external returns (uint256 stored);

    /// @notice Brings a result that a verified set holds (IInferenceSets), under the same rules as `fulfill`.
    /// @param requestId An open request.
    /// @param payee The payee in the leaf's context word.
    /// @param outputs Packed output words.
    /// @param root Root of the verified set.
    /// @param index The leaf's place.
    /// @param path Siblings from the leaf upwards; as many as the set is deep.
    function fulfillFromSet(
        uint256 requestId,
        address payee,
        uint256[] calldata outputs,
        bytes32 root,
        uint256 index,
        bytes32[] calldata path
    ) external;

    /// @notice Calls a failed callback again with all the gas of the transaction (at least `callbackGas`). Once; requester or callback
    /// contract only.
    function retryCallback(
        uint256 requestId
    ) external;

    /// @notice Credits the fee back to the requester: after the deadline, or at once when the model is revoked. Requester only.
    function refund(
        uint256 requestId
    ) external;

    /// @notice Sends the caller all it has been credited.
    function withdraw() external;

    /// @notice Sends part of what the caller has been credited to another address.
    function withdrawTo(
        address payable to,
        uint256 amount
    ) external;

    /// @notice Stops new requests; fulfilments, refunds and withdrawals go on. Guardian.
    function pause() external;

    /// @notice Takes new requests again. Admin.
    function unpause() external;

    /// @notice What an account can withdraw.
    function withdrawable(
        address account
    ) external view returns (uint256);

    /// @notice A request; reverts UnknownRequest.
    function getRequest(
        uint256 requestId
    ) external view returns (InferenceRequest memory);

    /// @notice A request's result; reverts UnknownRequest. Look at `provenance` before using `outputs`, or call `provenOutputs`.
    function getResult(
        uint256 requestId
    ) external view returns (InferenceResult memory);

    /// @notice The packed output words of a proven result; reverts NotFulfilled while there is none.
    function provenOutputs(
        uint256 requestId
    ) external view returns (uint256[] memory);

    /// @notice The packed output words of a proven result that was stored at most `maxAge` seconds ago; reverts StaleOutput if it is
    /// older, NotFulfilled if there is none.
    function getOutputNoOlderThan(
        uint256 requestId,
        uint256 maxAge
    ) external view returns (uint256[] memory);

    /// @notice When a request's result was stored (seconds); 0 while there is none.
    function storedAt(
        uint256 requestId
    ) external view returns (uint64);

    /// @notice The context word a proof for this request and payee must be made for.
    function contextOf(
        uint256 requestId,
        address payee
    ) external view returns (uint256);

    /// @notice Number of requests so far; the last one has this id.
    function requestCount() external view returns (uint256);

    /// @notice The registry that says which leaf speaks for which model.
    function registry() external view returns (IModelRegistry);

    /// @notice First word of the context's preimage: keccak256("halocast.inference.context.v1").
    function DOMAIN_TAG() external view returns (bytes32);

    /// @notice Most callback gas a request may ask for.
    function MAX_CALLBACK_GAS() external view returns (uint32);
}
