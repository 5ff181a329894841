// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IModelVerifier} from "../src/IModelVerifier.sol";
import {ModelVerifier} from "../src/ModelVerifier.sol";
import {RoutedVerifier} from "../src/RoutedVerifier.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Leaves} from "./support/Leaves.sol";
import {Test} from "./support/Test.sol";

/// @dev Stands where the raw verifier stands: accepts exactly the calldata whose hash it was told; everything, if told 0.
contract ExpectingRaw {
    bytes32 internal expected;

    function expect(
        bytes32 hash
    ) external {
        expected = hash;
    }

    fallback() external {
        require(expected == 0 || keccak256(msg.data) == expected);
    }
}

/// @dev No calldata is read by the leaf in another way than an independent decoder reads it: exhaustively over the offsets of the three
/// dynamic arguments, aligned and not, over a calldata in which almost every word passes for a length. (For all words, one offset at a time: symbolic/Leaf.t.sol.)
contract CalldataParserTest is Test {
    uint256 internal constant BLOB = 12 * 32 + 32;
    bytes32 internal constant MODEL = bytes32(uint256(1));

    ExpectingRaw internal raw;
    ModelVerifier internal leaf;
    /// @dev Who is asked: the leaf, or a route to it, which decodes the arguments and encodes them again.
    address internal asked;
    uint256 internal accepted;

    function setUp() public {
        raw = new ExpectingRaw();
        leaf = new ModelVerifier(Leaves.pins(address(raw), MODEL, 1, 1, BLOB));
        asked = address(leaf);
    }

    /// @dev Arguments after the selector: model, context, three offsets, [1, 1], [1, 1], [BLOB, 13 words of 1].
    function honest() internal pure returns (bytes memory args) {
        uint256[] memory one = new uint256[](1);
        one[0] = 1;
        bytes memory blob;
        for (uint256 i = 0; i < BLOB / 32; ++i) {
            blob = abi.encodePacked(blob, uint256(1));
        }
        args = abi.encode(MODEL, uint256(1), one, one, blob);
    }

    function word(
        bytes memory data,
        uint256 at
    ) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(add(data, 32), at))
        }
    }

    function slice(
        bytes memory data,
        uint256 from,
        uint256 length
    ) internal pure returns (bytes memory part) {
        part = new bytes(length);
        for (uint256 i = 0; i < length; i += 32) {
            uint256 w = word(data, from + i);
            assembly ("memory-safe") {
                mstore(add(add(part, 32), i), w)
            }
        }
    }

    /// @dev What the ABI says the argument at this offset is; false if it lies outside. Lengths are all multiples of 32 here.
    function decode(
        bytes memory args,
        uint256 offset,
        uint256 unit,
        uint256 wanted
    ) internal pure returns (bool ok, bytes memory content) {
        if (offset > args.length || offset + 32 > args.length) return (false, "");
        uint256 length = word(args, offset);
        if (length != wanted || offset + 32 + length * unit > args.length) return (false, "");
        return (true, slice(args, offset + 32, length * unit));
    }

    /// @dev What the leaf must hand on for these arguments, or nothing.
    function decodeAll(
        bytes memory args
    ) internal pure returns (bool ok, bytes memory handedOn) {
        (bool a, bytes memory inputs) = decode(args, word(args, 64), 32, 1);
        (bool b, bytes memory outputs) = decode(args, word(args, 96), 32, 1);
        (bool c, bytes memory blob) = decode(args, word(args, 128), 1, BLOB);
        if (!a || !b || !c) return (false, "");
        bytes memory limbs = slice(blob, 0, 384);
        handedOn = abi.encodePacked(limbs, word(args, 0), inputs, outputs, word(args, 32), slice(blob, 384, 32));
        return (true, handedOn);
    }

    function check(
        bytes memory args
    ) internal {
        (bool ok, bytes memory handedOn) = decodeAll(args);
        bytes memory call = abi.encodePacked(IModelVerifier.verify.selector, args);
        raw.expect(0);
        (bool handsOn,) = asked.staticcall(call);
        if (!handsOn) return;
        // It hands on something: then it must be what the arguments mean.
        vm.assertTrue(ok, "accepted what does not decode");
        raw.expect(keccak256(handedOn));
        (bool same,) = asked.staticcall(call);
        vm.assertTrue(same, "handed on something else");
        ++accepted;
    }

    function offsetAt(
        uint256 i,
        uint256 words
    ) internal pure returns (uint256) {
        if (i < words) return 32 * i;
        uint256[4] memory odd = [uint256(1), 161, 32 * words - 31, type(uint256).max - 30];
        return odd[i - words];
    }

    function withOffset(
        bytes memory args,
        uint256 head,
        uint256 offset
    ) internal pure {
        assembly ("memory-safe") {
            mstore(add(add(args, 32), head), offset)
        }
    }

    function test_V3_no_offsets_make_another_meaning() public {
        everyPairOfOffsets();
        vm.assertEq(accepted, 4); // the honest one, once in each loop, and nothing else
    }

    /// @dev Behind a wrapper more is accepted: whatever decodes. It means the same there.
    function test_V3_no_offsets_make_another_meaning_behind_a_wrapper() public {
        VerifierRouter router = new VerifierRouter(address(this), address(this), address(this));
        asked = address(new RoutedVerifier(router, router.addVerifier(leaf)));
        everyPairOfOffsets();
        vm.assertGe(accepted, 5);
    }

    function everyPairOfOffsets() internal {
        bytes memory args = honest();
        check(args);
        vm.assertEq(accepted, 1);
        uint256 words = args.length / 32 + 1;
        for (uint256 i = 0; i < words + 4; ++i) {
            for (uint256 o = 0; o < words + 4; ++o) {
                withOffset(args, 64, offsetAt(i, words));
                withOffset(args, 96, offsetAt(o, words));
                check(args);
            }
        }
        // The proof's offset against each of the others.
        for (uint256 other = 64; other <= 96; other += 32) {
            args = honest();
            for (uint256 p = 0; p < words + 4; ++p) {
                for (uint256 x = 0; x < words + 4; ++x) {
                    withOffset(args, 128, offsetAt(p, words));
                    withOffset(args, other, offsetAt(x, words));
                    check(args);
                }
            }
        }
    }

    /// @dev Cut at every byte: never accepted, whatever is then read as zero.
    function test_V3_truncated_calldata_is_refused() public {
        bytes memory args = honest();
        raw.expect(0);
        bytes memory whole = abi.encodePacked(IModelVerifier.verify.selector, args);
        for (uint256 length = 0; length < whole.length; ++length) {
            bytes memory cut = whole;
            assembly ("memory-safe") {
                mstore(cut, length)
            }
            (bool success,) = address(leaf).staticcall(cut);
            vm.assertFalse(success);
            assembly ("memory-safe") {
                mstore(cut, add(mload(args), 4))
            }
        }
        (bool good,) = address(leaf).staticcall(whole);
        vm.assertTrue(good);
    }
}
