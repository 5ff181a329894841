// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IInferenceOracle} from "halocast/src/IInferenceOracle.sol";
import {InferenceConsumerBase} from "halocast/src/InferenceConsumerBase.sol";
import {WordPacking} from "halocast/src/WordPacking.sol";

/// @title Template: a contract that uses a proven answer
/// @notice Asks the model for a country's capital and keeps what it says. Replace the question, what is kept, and `_onResult`.
contract Capitals is InferenceConsumerBase {
    /// @notice The caller did not ask.
    error NotAsker(address caller, address asker);

    /// @notice A capital was answered, and the answer proven.
    event CapitalKnown(string country, string capital);

    struct Pending {
        address asker;
        uint16 promptLength;
        string country;
    }

    uint256 internal constant SEQUENCE_LENGTH = 32;
    uint256 internal constant ANSWER_LENGTH = 6;
    uint32 internal constant CALLBACK_GAS = 200_000;

    bytes32 public immutable modelId;
    mapping(string country => string) public capitalOf;
    mapping(uint256 requestId => Pending) private _pending;

    constructor(
        IInferenceOracle oracle_,
        bytes32 modelId_
    ) InferenceConsumerBase(oracle_) {
        modelId = modelId_;
    }

    /// @notice Asks; the value sent is the fee of whoever proves the answer within a day.
    function ask(
        string calldata country
    ) external payable returns (uint256 requestId) {
        bytes memory prompt = abi.encodePacked("Q:capital of ", country, "?A:");
        uint256[] memory inputs = WordPacking.packPrompt(prompt, ANSWER_LENGTH, SEQUENCE_LENGTH);
        requestId = _request(modelId, inputs, uint64(block.timestamp + 1 days), CALLBACK_GAS, msg.value);
        _pending[requestId] = Pending(msg.sender, uint16(prompt.length), country);
    }

    /// @notice Gives the fee back if nobody answered within the day.
    function reclaim(
        uint256 requestId
    ) external {
        address asker = _pending[requestId].asker;
        if (msg.sender != asker) revert NotAsker(msg.sender, asker);
        _reclaim(requestId, payable(asker));
    }

    /// @dev Called by the oracle with proven outputs only.
    function _onResult(
        uint256 requestId,
        bytes32,
        uint256[] memory outputs
    ) internal override {
        Pending storage p = _pending[requestId];
        bytes memory text = WordPacking.unpackAnswer(outputs, p.promptLength, ANSWER_LENGTH, SEQUENCE_LENGTH);
        string memory capital = string(_firstLine(text));
        capitalOf[p.country] = capital;
        emit CapitalKnown(p.country, capital);
    }

    function _firstLine(
        bytes memory text
    ) private pure returns (bytes memory) {
        for (uint256 i = 0; i < text.length; ++i) {
            if (text[i] != 0x0a) continue;
            assembly ("memory-safe") {
                mstore(text, i)
            }
            break;
        }
        return text;
    }
}
