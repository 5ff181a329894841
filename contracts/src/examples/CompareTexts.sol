// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IInferenceOracle} from "../IInferenceOracle.sol";
import {Model, ModelTask} from "../IModelRegistry.sol";
import {InferenceConsumerBase} from "../InferenceConsumerBase.sol";
import {WordPacking} from "../WordPacking.sol";

/// @title Example: do two texts say the same?
/// @notice Asks a sentence-embedding model (all-MiniLM-L6-v2) for the embeddings of two texts and compares them by their cosine. The
/// texts come as tokens: turning text into tokens is outside of what is proven.
contract CompareTexts is InferenceConsumerBase {
    /// @notice The registered model does not embed (token ids, attention mask) of one length into one vector of 16-bit values.
    error NotAnEmbeddingModel(bytes32 modelId);

    /// @notice A text is empty or longer than the model's static length.
    error TextLength(uint256 got, uint256 maximum);

    /// @notice The threshold is no cosine above 0 in ten-thousandths.
    error Threshold(uint256 got);

    /// @notice Two embeddings of different lengths.
    error LengthMismatch(uint256 first, uint256 second);

    /// @notice The caller did not ask for this comparison, or it does not exist.
    error NotAsker(address caller, address asker);

    /// @notice A comparison was asked for.
    event Asked(uint256 indexed comparison, address indexed asker, uint256 firstRequest, uint256 secondRequest);

    /// @notice Both embeddings are proven.
    event Compared(uint256 indexed comparison, bool similar);

    enum Verdict {
        Pending,
        Different,
        Similar
    }

    struct Comparison {
        address asker;
        uint16 thresholdBps;
        Verdict verdict;
        uint256[] firstEmbedding;
    }

    /// @notice Gas for `onInferenceResult`; enough for embeddings of MAX_EMBEDDING values (a test measures it).
    uint32 public constant CALLBACK_GAS = 1_000_000;

    /// @notice Most values of an embedding that is served.
    uint256 public constant MAX_EMBEDDING = 384;

    /// @notice The model that is asked.
    bytes32 public immutable modelId;

    /// @notice Tokens of a text, padding included.
    uint256 public immutable textLength;

    /// @notice Values of an embedding.
    uint256 public immutable embeddingLength;

    /// @notice Comparisons asked for so far; they are numbered from 1.
    uint256 public comparisonCount;

    mapping(uint256 comparison => Comparison) private _comparisons;
    mapping(uint256 requestId => uint256 comparison) private _comparisonOf;

    /// @param oracle_ The oracle.
    /// @param modelId_ A model of its registry with inputs (token ids, attention mask) of one length and one output.
    constructor(
        IInferenceOracle oracle_,
        bytes32 modelId_
    ) InferenceConsumerBase(oracle_) {
        Model memory model = oracle_.registry().getModel(modelId_);
        bool shaped = model.metadata.task == ModelTask.Infer && model.metadata.inputs.length == 2
            && model.metadata.outputs.length == 1 && model.route.inputValues % 2 == 0 && model.route.outputValues <= MAX_EMBEDDING;
        bool packed =
            model.metadata.valueBits == WordPacking.VALUE_BITS && model.metadata.valuesPerWord == WordPacking.VALUES_PER_WORD;
        if (!shaped || !packed) revert NotAnEmbeddingModel(modelId_);
        modelId = modelId_;
        textLength = model.route.inputValues / 2;
        embeddingLength = model.route.outputValues;
    }

    /// @notice Asks whether the cosine of two texts' embeddings is at least `thresholdBps` / 10,000. Half of the value sent is the fee of
    /// each embedding.
    function compare(
        uint16[] calldata first,
        uint16[] calldata second,
        uint16 thresholdBps,
        uint64 deadline
    ) external payable returns (uint256 comparison) {
        if (thresholdBps == 0 || thresholdBps > 10_000) revert Threshold(thresholdBps);
        comparison = ++comparisonCount;
        _comparisons[comparison].asker = msg.sender;
        _comparisons[comparison].thresholdBps = thresholdBps;
        uint256 half = msg.value / 2;
        uint256 firstRequest = _request(modelId, packText(first), deadline, CALLBACK_GAS, half);
        uint256 secondRequest = _request(modelId, packText(second), deadline, CALLBACK_GAS, msg.value - half);
        _comparisonOf[firstRequest] = comparison;
        _comparisonOf[secondRequest] = comparison;
        emit Asked(comparison, msg.sender, firstRequest, secondRequest);
    }

    /// @notice Sends the fee of an unanswered request to `to`, after its deadline or once the model is revoked. Its asker only.
    function reclaim(
        uint256 requestId,
        address payable to
    ) external {
        address asker = _comparisons[_comparisonOf[requestId]].asker;
        if (msg.sender != asker) revert NotAsker(msg.sender, asker);
        _reclaim(requestId, to);
    }

    /// @notice What came of a comparison.
    function verdictOf(
        uint256 comparison
    ) external view returns (Verdict) {
        return _comparisons[comparison].verdict;
    }

    /// @notice The model's input words for a text: its tokens, padding 0, then 1 for every token and 0 for padding.
    function packText(
        uint16[] calldata tokens
    ) public view returns (uint256[] memory) {
        if (tokens.length == 0 || tokens.length > textLength) revert TextLength(tokens.length, textLength);
        int16[] memory values = new int16[](2 * textLength);
        for (uint256 i = 0; i < tokens.length; ++i) {
            // A token above 32,767 becomes negative, and the prover's input check refuses it like any other unknown token.
            values[i] = int16(tokens[i]);
            values[textLength + i] = 1;
        }
        return WordPacking.pack(values);
    }

    /// @notice Whether cos(a, b) ≥ thresholdBps / 10,000 for packed vectors of `count` values; a zero vector is similar to nothing.
    /// @dev With 16-bit values and thousands of them every product stays far below 2^255.
    function cosineAtLeast(
        uint256[] memory a,
        uint256[] memory b,
        uint256 count,
        uint256 thresholdBps
    ) public pure returns (bool) {
        if (a.length != b.length) revert LengthMismatch(a.length, b.length);
        int256 dot;
        int256 normA;
        int256 normB;
        for (uint256 i = 0; i < count; ++i) {
            int256 x = WordPacking.valueAt(a, i);
            int256 y = WordPacking.valueAt(b, i);
            dot += x * y;
            normA += x * x;
            normB += y * y;
        }
        if (dot <= 0) return false;
        // Both sides are non-negative: cos² against the threshold's square.
        return uint256(dot * dot) * 1e8 >= thresholdBps * thresholdBps * uint256(normA) * uint256(normB);
    }

    function _onResult(
        uint256 requestId,
        bytes32,
        uint256[] memory outputs
    ) internal override {
        uint256 number = _comparisonOf[requestId];
        Comparison storage comparison = _comparisons[number];
        if (comparison.firstEmbedding.length == 0) {
            comparison.firstEmbedding = outputs;
            return;
        }
        bool similar = cosineAtLeast(comparison.firstEmbedding, outputs, embeddingLength, comparison.thresholdBps);
        comparison.verdict = similar ? Verdict.Similar : Verdict.Different;
        delete comparison.firstEmbedding;
        emit Compared(number, similar);
    }
}
