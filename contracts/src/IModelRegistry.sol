// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBatchVerifier} from "./IBatchVerifier.sol";
import {IModelVerifier} from "./IModelVerifier.sol";

/// @notice What may be done with a registered model. It only ever moves downwards in this list.
/// Active: requests and fulfilments. Deprecated: no new requests; open ones may be fulfilled; results stay readable.
/// Revoked: no fulfilment either; results stay readable, open requests can be refunded at once.
enum ModelStatus {
    Unknown,
    Active,
    Deprecated,
    Revoked
}

/// @notice What the model's statement says.
/// Infer: outputs = model(inputs). Generate: inputs are [p, n, prompt_0 … prompt_{T−1}], outputs are [answer_0 … answer_{T−1}] where
/// answer_t is the greedy token for p ≤ t < p + n and 0 elsewhere.
enum ModelTask {
    Infer,
    Generate
}

/// @notice One tensor of the model's interface.
struct TensorSpec {
    /// Name in the model file.
    string name;
    /// Dimensions; the number of values is their product.
    uint32[] shape;
    /// Real value of one integer step, times 10^18 (10^18 itself for tensors that are integers: token ids, lengths).
    uint256 scaleE18;
}

/// @notice How words carry values, and what the values mean. Fixed at registration.
struct ModelMetadata {
    ModelTask task;
    /// Bits of one packed value (16: a signed value v is stored as v + 2^15).
    uint8 valueBits;
    /// Values in one word, value 0 in the lowest bits (15); valueBits · valuesPerWord ≤ 248.
    uint8 valuesPerWord;
    /// Static sequence length T of a generating model, 0 otherwise.
    uint32 sequenceLength;
    /// Input tensors in packing order.
    TensorSpec[] inputs;
    /// Output tensors in packing order.
    TensorSpec[] outputs;
}

/// @notice What the oracle needs to know of a model, in two storage slots.
struct ModelRoute {
    IModelVerifier verifier;
    ModelStatus status;
    uint8 valueBits;
    uint8 valuesPerWord;
    uint32 inputWords;
    uint32 outputWords;
    /// Number of values over all input tensors; the unused slots of the last word are raw 0.
    uint32 inputValues;
    /// Number of values over all output tensors.
    uint32 outputValues;
}

/// @notice A whole entry.
struct Model {
    ModelRoute route;
    /// Who may deprecate and revoke the entry, change its metadata URI and pass it on.
    address owner;
    /// Block of the registration.
    uint64 registeredAt;
    /// Where the manifest lies (its digest belongs in the URI).
    string metadataURI;
    ModelMetadata metadata;
}

/// @title Which verifier speaks for which model
/// @notice An entry's verifier, shapes and scales never change and its status only moves towards Revoked, so that who reads an entry
/// once can rely on it. A model id is registered once and never again.
/// @dev Registration is by role: a verifier says of itself which model it is for, so anybody could bring one that accepts everything.
interface IModelRegistry {
    /// @notice No model is registered under this id.
    error UnknownModel(bytes32 modelId);

    /// @notice The id has an entry already (whatever its status).
    error AlreadyRegistered(bytes32 modelId);

    /// @notice The verifier says that it is for another model.
    error VerifierModelMismatch(bytes32 got, bytes32 expected);

    /// @notice There is no code at the verifier's address.
    error VerifierHasNoCode(address verifier);

    /// @notice The verifier takes another number of input words than the shapes give.
    error InputWordsMismatch(uint256 got, uint256 expected);

    /// @notice The verifier takes another number of output words than the shapes give.
    error OutputWordsMismatch(uint256 got, uint256 expected);

    /// @notice valueBits · valuesPerWord is 0 or over 248.
    error InvalidPacking(uint8 valueBits, uint8 valuesPerWord);

    /// @notice A tensor has no values, or all tensors together have too many.
    error InvalidShape(string name);

    /// @notice A tensor's scale is 0.
    error InvalidScale(string name);

    /// @notice A generating model does not have T + 2 input and T output values for a sequence length T > 1, or another task has a length.
    error InvalidSequenceLength(uint32 sequenceLength);

    /// @notice The verifier trusts a development reference string and the chain is not a local one.
    error InsecureSrsOnPublicChain(uint256 chainId);

    /// @notice A status may only move from Active towards Revoked.
    error InvalidStatusChange(ModelStatus from, ModelStatus to);

    /// @notice The caller neither owns the entry nor has the guardian's role.
    error NotModelOwner(address caller, address owner);

    /// @notice The zero address cannot own an entry.
    error InvalidOwner();

    /// @notice The model has a batch verifier already; it never changes.
    error BatchVerifierSet(bytes32 modelId, address verifier);

    /// @notice A model was registered.
    event ModelRegistered(
        bytes32 indexed modelId,
        address indexed verifier,
        address indexed owner,
        bytes32 vkDigest,
        uint32 inputWords,
        uint32 outputWords,
        string metadataURI
    );

    /// @notice A model's status moved.
    event ModelStatusChanged(bytes32 indexed modelId, ModelStatus from, ModelStatus to, address indexed by);

    /// @notice A model's metadata URI changed.
    event MetadataURIChanged(bytes32 indexed modelId, string metadataURI);

    /// @notice The digest of a model's fidelity report changed.
    event FidelityReportChanged(bytes32 indexed modelId, bytes32 reportHash);

    /// @notice A model got its batch verifier.
    event BatchVerifierAdded(bytes32 indexed modelId, address indexed verifier, bytes32 vkDigest);

    /// @notice An entry passed to another owner.
    event ModelOwnerChanged(bytes32 indexed modelId, address indexed from, address indexed to);

    /// @notice Adds a model; its status is Active. Registrar only.
    /// @param modelId The model's commitment.
    /// @param verifier Its leaf; must say `modelId()` itself, and the number of words that follow from the shapes.
    /// @param owner Owner of the entry.
    /// @param metadata Packing, shapes and scales.
    /// @param metadataURI Where the manifest lies.
    function register(
        bytes32 modelId,
        IModelVerifier verifier,
        address owner,
        ModelMetadata calldata metadata,
        string calldata metadataURI
    ) external;

    /// @notice Takes no new requests for the model from now on. Owner of the entry or guardian.
    function deprecate(
        bytes32 modelId
    ) external;

    /// @notice Takes no more results of the model: its verifier or key is not to be trusted. Owner of the entry or guardian.
    function revoke(
        bytes32 modelId
    ) external;

    /// @notice Changes the metadata URI. Owner of the entry.
    function setMetadataURI(
        bytes32 modelId,
        string calldata metadataURI
    ) external;

    /// @notice Says which report compares the quantized model with its float original (SHA-256 of the bundle's `fidelity.json`; 0 for none).
    /// Owner of the entry.
    /// @dev The owner's word: nothing on chain checks a report.
    function setFidelityReport(
        bytes32 modelId,
        bytes32 reportHash
    ) external;

    /// @notice Gives a model the verifier of proofs about sets of results; once. Registrar only.
    /// @param batchVerifier Must say `modelId()` itself.
    function setBatchVerifier(
        bytes32 modelId,
        IBatchVerifier batchVerifier
    ) external;

    /// @notice Passes the entry on. Owner of the entry.
    function transferModel(
        bytes32 modelId,
        address newOwner
    ) external;

    /// @notice Everything about a model; reverts UnknownModel.
    function getModel(
        bytes32 modelId
    ) external view returns (Model memory);

    /// @notice What the oracle needs; reverts UnknownModel.
    function routeOf(
        bytes32 modelId
    ) external view returns (ModelRoute memory);

    /// @notice Status of a model; Unknown (no revert) if it is not registered.
    function statusOf(
        bytes32 modelId
    ) external view returns (ModelStatus);

    /// @notice Digest of a model's fidelity report; 0 if its owner named none.
    function fidelityReportOf(
        bytes32 modelId
    ) external view returns (bytes32);

    /// @notice A model's batch verifier; zero if it has none.
    function batchVerifierOf(
        bytes32 modelId
    ) external view returns (IBatchVerifier);

    /// @notice Number of registered models.
    function modelCount() external view returns (uint256);

    /// @notice The `index`-th registered model's id, in order of registration.
    function modelAt(
        uint256 index
    ) external view returns (bytes32);
}
