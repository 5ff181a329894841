// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IInferenceOracle} from "../IInferenceOracle.sol";
import {ModelMetadata} from "../IModelRegistry.sol";
import {InferenceConsumerBase} from "../InferenceConsumerBase.sol";
import {WordPacking} from "../WordPacking.sol";

/// @title Example: ask a language model from a contract
/// @notice Anybody may ask; the value sent is the fee for whoever proves the answer. The asker gets it back with `reclaim` if nobody does.
contract AskTinyGemma is InferenceConsumerBase {
    /// @notice The caller did not ask this question.
    error NotAsker(address caller, address asker);

    /// @notice The registered model has another sequence length (0: it is no generating model).
    error SequenceLengthMismatch(uint256 got, uint256 registered);

    /// @notice CALLBACK_GAS is not measured for answers of such a length.
    error SequenceTooLong(uint256 got, uint256 maximum);

    /// @notice The registered model packs its words otherwise than WordPacking.
    error PackingMismatch(uint8 valueBits, uint8 valuesPerWord);

    /// @notice A question was asked.
    event Asked(uint256 indexed requestId, address indexed asker, bytes prompt, uint256 answerLength);

    /// @notice A proven answer came in.
    event Answered(uint256 indexed requestId, bytes answer);

    struct Question {
        address asker;
        uint16 promptLength;
        uint16 answerLength;
        bytes answer;
    }

    /// @notice Gas for `onInferenceResult`; enough for a sequence of MAX_SEQUENCE_LENGTH tokens (a test measures it).
    uint32 public constant CALLBACK_GAS = 250_000;

    /// @notice Longest sequence that is served.
    uint256 public constant MAX_SEQUENCE_LENGTH = 64;

    /// @notice The model that is asked.
    bytes32 public immutable modelId;

    /// @notice The model's sequence length T.
    uint256 public immutable sequenceLength;

    /// @notice The request answered last; 0 for none.
    uint256 public lastAnswered;

    mapping(uint256 requestId => Question) private _questions;

    /// @param oracle_ The oracle.
    /// @param modelId_ A byte-level generating model of the oracle's registry.
    /// @param sequenceLength_ Its sequence length T, as registered: with another one questions can be taken that nobody can prove.
    constructor(
        IInferenceOracle oracle_,
        bytes32 modelId_,
        uint256 sequenceLength_
    ) InferenceConsumerBase(oracle_) {
        ModelMetadata memory metadata = oracle_.registry().getModel(modelId_).metadata;
        if (sequenceLength_ != metadata.sequenceLength) revert SequenceLengthMismatch(sequenceLength_, metadata.sequenceLength);
        if (sequenceLength_ > MAX_SEQUENCE_LENGTH) revert SequenceTooLong(sequenceLength_, MAX_SEQUENCE_LENGTH);
        if (metadata.valueBits != WordPacking.VALUE_BITS || metadata.valuesPerWord != WordPacking.VALUES_PER_WORD) {
            revert PackingMismatch(metadata.valueBits, metadata.valuesPerWord);
        }
        modelId = modelId_;
        sequenceLength = sequenceLength_;
    }

    /// @notice Asks for `answerLength` more bytes after `prompt`.
    function ask(
        bytes calldata prompt,
        uint256 answerLength,
        uint64 deadline
    ) external payable returns (uint256 requestId) {
        uint256[] memory inputs = WordPacking.packPrompt(prompt, answerLength, sequenceLength);
        requestId = _request(modelId, inputs, deadline, CALLBACK_GAS, msg.value);
        // packPrompt has checked both lengths against T < 2^15.
        Question storage question = _questions[requestId];
        question.asker = msg.sender;
        question.promptLength = uint16(prompt.length);
        question.answerLength = uint16(answerLength);
        emit Asked(requestId, msg.sender, prompt, answerLength);
    }

    /// @notice Sends the fee of an unanswered question to `to`, after its deadline or once the model is revoked. Its asker only.
    /// @param to Somebody who takes ether: an asker that is a contract need not.
    function reclaim(
        uint256 requestId,
        address payable to
    ) external {
        address asker = _questions[requestId].asker;
        if (msg.sender != asker) revert NotAsker(msg.sender, asker);
        _reclaim(requestId, to);
    }

    /// @notice The latest answer; empty if there is none.
    function answer() external view returns (bytes memory) {
        return _questions[lastAnswered].answer;
    }

    /// @notice The latest answer as text. The bytes are the model's: they need not be valid UTF-8.
    function answerText() external view returns (string memory) {
        return string(_questions[lastAnswered].answer);
    }

    /// @notice The answer to one request; empty while there is none.
    function answerOf(
        uint256 requestId
    ) external view returns (bytes memory) {
        return _questions[requestId].answer;
    }

    function _onResult(
        uint256 requestId,
        bytes32,
        uint256[] memory outputs
    ) internal override {
        Question storage question = _questions[requestId];
        bytes memory text = WordPacking.unpackAnswer(outputs, question.promptLength, question.answerLength, sequenceLength);
        question.answer = text;
        lastAnswered = requestId;
        emit Answered(requestId, text);
    }
}
