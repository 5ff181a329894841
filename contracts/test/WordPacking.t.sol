// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {WordPacking} from "../src/WordPacking.sol";
import {Test} from "./support/Test.sol";

/// @dev Makes the library's reverts external calls.
contract Packer {
    function pack(
        int16[] memory values
    ) external pure returns (uint256[] memory) {
        return WordPacking.pack(values);
    }

    function unpack(
        uint256[] memory words,
        uint256 count
    ) external pure returns (int16[] memory) {
        return WordPacking.unpack(words, count);
    }

    function packPrompt(
        bytes memory prompt,
        uint256 n,
        uint256 t
    ) external pure returns (uint256[] memory) {
        return WordPacking.packPrompt(prompt, n, t);
    }

    function unpackAnswer(
        uint256[] memory words,
        uint256 p,
        uint256 n,
        uint256 t
    ) external pure returns (bytes memory) {
        return WordPacking.unpackAnswer(words, p, n, t);
    }
}

contract WordPackingTest is Test {
    Packer internal packer = new Packer();

    function test_layout() public view {
        int16[] memory values = new int16[](17);
        values[0] = 0;
        values[1] = -32_768;
        values[2] = 32_767;
        values[3] = -1;
        values[14] = 1;
        values[15] = 2;
        values[16] = -3;
        uint256[] memory words = packer.pack(values);
        vm.assertEq(words.length, 2);
        vm.assertEq(words[0], 0x800180008000800080008000800080008000800080007fffffff00008000);
        vm.assertEq(words[1], 0x7ffd8002);
    }

    function test_wordsFor() public pure {
        uint256[2][6] memory table =
            [[uint256(0), 0], [uint256(1), 1], [uint256(15), 1], [uint256(16), 2], [uint256(30), 2], [uint256(34), 3]];
        for (uint256 i = 0; i < table.length; ++i) {
            vm.assertEq(WordPacking.wordsFor(table[i][0]), table[i][1]);
        }
    }

    function testFuzz_round_trip(
        int16[] memory values
    ) public view {
        uint256[] memory words = packer.pack(values);
        vm.assertEq(words.length, (values.length + 14) / 15);
        int16[] memory back = packer.unpack(words, values.length);
        vm.assertEq(keccak256(abi.encode(back)), keccak256(abi.encode(values)));
        for (uint256 k = 0; k < words.length; ++k) {
            vm.assertEq(words[k] >> 240, 0);
        }
    }

    /// @dev The other way round: words that unpack are the words that packing gives, so nothing has two forms.
    function testFuzz_canonical(
        uint256 a,
        uint256 b,
        uint256 count
    ) public {
        count = bound(count, 16, 30);
        uint256[] memory words = new uint256[](2);
        words[0] = a;
        words[1] = b;
        if (a >> 240 != 0) {
            vm.expectRevert(abi.encodeWithSelector(WordPacking.UnusedBitsSet.selector, 0));
            packer.unpack(words, count);
            words[0] = a >> 16;
        }
        if (b >> (16 * (count - 15)) != 0) {
            vm.expectRevert(abi.encodeWithSelector(WordPacking.UnusedBitsSet.selector, 1));
            packer.unpack(words, count);
            words[1] = b & ((1 << (16 * (count - 15))) - 1);
        }
        vm.assertEq(packer.pack(packer.unpack(words, count)), words);
    }

    function test_refuses_wrong_number_of_words() public {
        vm.expectRevert(abi.encodeWithSelector(WordPacking.WordCount.selector, 1, 2));
        packer.unpack(new uint256[](1), 16);
        vm.expectRevert(abi.encodeWithSelector(WordPacking.WordCount.selector, 2, 1));
        packer.unpack(new uint256[](2), 15);
        vm.expectRevert(abi.encodeWithSelector(WordPacking.WordCount.selector, 2, 3));
        packer.unpackAnswer(new uint256[](2), 1, 1, 32);
    }

    function testFuzz_prompt(
        bytes memory prompt,
        uint256 n,
        uint256 t
    ) public view {
        t = bound(t, 2, 128);
        if (prompt.length == 0) prompt = "x";
        if (prompt.length >= t) {
            uint256 cut = t - 1;
            assembly {
                mstore(prompt, cut)
            }
        }
        n = bound(n, 1, t - prompt.length);
        int16[] memory values = packer.unpack(packer.packPrompt(prompt, n, t), t + 2);
        vm.assertEq(uint16(values[0]), prompt.length);
        vm.assertEq(uint16(values[1]), n);
        for (uint256 i = 0; i < t; ++i) {
            vm.assertEq(uint16(values[i + 2]), i < prompt.length ? uint8(prompt[i]) : 0);
        }
    }

    function test_refuses_bad_prompts() public {
        vm.expectRevert(abi.encodeWithSelector(WordPacking.PromptLength.selector, 0, 31));
        packer.packPrompt("", 1, 32);
        vm.expectRevert(abi.encodeWithSelector(WordPacking.PromptLength.selector, 32, 31));
        packer.packPrompt(new bytes(32), 1, 32);
        vm.expectRevert(abi.encodeWithSelector(WordPacking.AnswerLength.selector, 0, 1));
        packer.packPrompt(new bytes(31), 0, 32);
        vm.expectRevert(abi.encodeWithSelector(WordPacking.AnswerLength.selector, 2, 1));
        packer.packPrompt(new bytes(31), 2, 32);
        packer.packPrompt(new bytes(31), 1, 32);
        vm.expectRevert(abi.encodeWithSelector(WordPacking.SequenceLength.selector, 1));
        packer.packPrompt("a", 1, 1);
        vm.expectRevert(abi.encodeWithSelector(WordPacking.SequenceLength.selector, 32_768));
        packer.packPrompt("a", 1, 32_768);
    }

    function testFuzz_answer(
        bytes memory text,
        uint256 p
    ) public view {
        uint256 t = 64;
        if (text.length > 63) {
            assembly {
                mstore(text, 63)
            }
        }
        p = bound(p, 1, t - (text.length == 0 ? 1 : text.length));
        int16[] memory values = new int16[](t);
        for (uint256 i = 0; i < text.length; ++i) {
            values[p + i] = int16(uint16(uint8(text[i])));
        }
        vm.assertEq(packer.unpackAnswer(packer.pack(values), p, text.length, t), text);
    }

    function test_answer_ends_before_a_token_that_is_no_byte() public view {
        int16[] memory values = new int16[](32);
        values[3] = 65;
        values[4] = 255;
        values[5] = 256;
        values[6] = 66;
        vm.assertEq(packer.unpackAnswer(packer.pack(values), 3, 4, 32), hex"41ff");
        values[4] = -1;
        vm.assertEq(packer.unpackAnswer(packer.pack(values), 3, 4, 32), hex"41");
    }

    function test_refuses_answer_outside_the_sequence() public {
        uint256[] memory words = packer.pack(new int16[](32));
        vm.expectRevert(abi.encodeWithSelector(WordPacking.PromptLength.selector, 0, 31));
        packer.unpackAnswer(words, 0, 1, 32);
        vm.expectRevert(abi.encodeWithSelector(WordPacking.PromptLength.selector, 32, 31));
        packer.unpackAnswer(words, 32, 0, 32);
        vm.expectRevert(abi.encodeWithSelector(WordPacking.AnswerLength.selector, 2, 1));
        packer.unpackAnswer(words, 31, 2, 32);
    }
}
