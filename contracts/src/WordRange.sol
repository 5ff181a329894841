// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Are these the words of so many packed values?
/// @notice Words hold `perWord` values of `bits` bits each, the last one what is left.
library WordRange {
    /// @notice Index of the first word with a bit set above its values; `words.length` if there is none.
    /// @dev The caller has checked that there are as many words as the values need.
    function firstBad(
        uint256[] calldata words,
        uint256 values,
        uint256 perWord,
        uint256 bits
    ) internal pure returns (uint256) {
        uint256 left = values;
        for (uint256 i = 0; i < words.length; ++i) {
            uint256 inWord = left < perWord ? left : perWord;
            if (words[i] >> (inWord * bits) != 0) return i;
            left -= inWord;
        }
        return words.length;
    }
}
