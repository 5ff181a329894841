// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Packing of signed 16-bit values into 248-bit words
/// @notice Word k holds values 15k … 15k + 14, value j of a word in bits 16j … 16j + 15 (value 0 lowest), each as value + 32768.
/// Unused slots of the last word are raw 0.
library WordPacking {
    /// @notice Bits of one value.
    uint256 internal constant VALUE_BITS = 16;
    /// @notice Values in one word.
    uint256 internal constant VALUES_PER_WORD = 15;
    /// @notice What is added to a value to store it.
    int256 internal constant OFFSET = 32_768;

    /// @notice Wrong number of words for the number of values.
    error WordCount(uint256 got, uint256 expected);

    /// @notice Bits are set above the last value of word number `index`.
    error UnusedBitsSet(uint256 index);

    /// @notice The prompt is empty or leaves no room for an answer.
    error PromptLength(uint256 got, uint256 maximum);

    /// @notice The answer's length is 0 or too long for the sequence.
    error AnswerLength(uint256 got, uint256 maximum);

    /// @notice The sequence length is below 2 or does not fit a value.
    error SequenceLength(uint256 got);

    /// @notice Number of words for `count` values.
    function wordsFor(
        uint256 count
    ) internal pure returns (uint256) {
        return (count + VALUES_PER_WORD - 1) / VALUES_PER_WORD;
    }

    /// @notice Packs values.
    function pack(
        int16[] memory values
    ) internal pure returns (uint256[] memory words) {
        words = new uint256[](wordsFor(values.length));
        for (uint256 i = 0; i < values.length; ++i) {
            words[i / VALUES_PER_WORD] |= _slot(int256(values[i]), i);
        }
    }

    /// @notice Unpacks `count` values.
    function unpack(
        uint256[] memory words,
        uint256 count
    ) internal pure returns (int16[] memory values) {
        _checkWords(words, count);
        values = new int16[](count);
        for (uint256 i = 0; i < count; ++i) {
            values[i] = valueAt(words, i);
        }
    }

    /// @notice Value number `i` of packed words.
    function valueAt(
        uint256[] memory words,
        uint256 i
    ) internal pure returns (int16) {
        uint256 raw = (words[i / VALUES_PER_WORD] >> (VALUE_BITS * (i % VALUES_PER_WORD))) & 0xffff;
        return int16(int256(raw) - OFFSET);
    }

    /// @notice Input words of a generating model over bytes: the values [p, n, prompt_0 … prompt_{T−1}] with p the prompt's length, n the
    /// answer's and 0 after the prompt.
    /// @param prompt The prompt, 1 to T − 1 bytes.
    /// @param answerLength Number n of tokens wanted, 1 to T − p.
    /// @param sequenceLength The model's T.
    function packPrompt(
        bytes memory prompt,
        uint256 answerLength,
        uint256 sequenceLength
    ) internal pure returns (uint256[] memory words) {
        if (sequenceLength < 2 || sequenceLength > 32_767) revert SequenceLength(sequenceLength);
        uint256 length = prompt.length;
        if (length == 0 || length >= sequenceLength) revert PromptLength(length, sequenceLength - 1);
        if (answerLength == 0 || answerLength > sequenceLength - length) {
            revert AnswerLength(answerLength, sequenceLength - length);
        }
        words = new uint256[](wordsFor(sequenceLength + 2));
        words[0] = _slot(int256(length), 0) | _slot(int256(answerLength), 1);
        for (uint256 i = 2; i < sequenceLength + 2; ++i) {
            int256 token = i - 2 < length ? int256(uint256(uint8(prompt[i - 2]))) : int256(0);
            words[i / VALUES_PER_WORD] |= _slot(token, i);
        }
    }

    /// @notice The answer's bytes out of a generating model's output words (answer_t stands at position t, p ≤ t < p + n).
    /// @dev Ends before the first token that is not a byte (a model's end-of-text token, say).
    function unpackAnswer(
        uint256[] memory words,
        uint256 promptLength,
        uint256 answerLength,
        uint256 sequenceLength
    ) internal pure returns (bytes memory answer) {
        _checkWords(words, sequenceLength);
        if (promptLength == 0 || promptLength >= sequenceLength) revert PromptLength(promptLength, sequenceLength - 1);
        if (answerLength > sequenceLength - promptLength) revert AnswerLength(answerLength, sequenceLength - promptLength);
        answer = new bytes(answerLength);
        uint256 n = 0;
        for (; n < answerLength; ++n) {
            int256 token = valueAt(words, promptLength + n);
            if (token < 0 || token > 255) break;
            answer[n] = bytes1(uint8(uint256(token)));
        }
        // Shortens the array in place.
        assembly ("memory-safe") {
            mstore(answer, n)
        }
    }

    function _checkWords(
        uint256[] memory words,
        uint256 count
    ) private pure {
        if (words.length != wordsFor(count)) revert WordCount(words.length, wordsFor(count));
        for (uint256 k = 0; k < words.length; ++k) {
            uint256 inWord = count - k * VALUES_PER_WORD;
            if (inWord > VALUES_PER_WORD) inWord = VALUES_PER_WORD;
            if (words[k] >> (VALUE_BITS * inWord) != 0) revert UnusedBitsSet(k);
        }
    }

    function _slot(
        int256 value,
        uint256 i
    ) private pure returns (uint256) {
        return uint256(value + OFFSET) << (VALUE_BITS * (i % VALUES_PER_WORD));
    }
}
