// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CallbackStatus} from "../src/IInferenceOracle.sol";
import {ModelMetadata, ModelTask, TensorSpec} from "../src/IModelRegistry.sol";
import {WordPacking} from "../src/WordPacking.sol";
import {CompareTexts} from "../src/examples/CompareTexts.sol";
import {Fixture} from "./support/Fixture.sol";
import {MockModelVerifier} from "./support/MockModelVerifier.sol";

contract CompareTextsTest is Fixture {
    uint256 internal constant TEXT = 16;
    uint256 internal constant WIDTH = 384;
    bytes32 internal constant EMBEDDER = bytes32(uint256(0x656d626564));

    MockModelVerifier internal leaf;
    CompareTexts internal app;

    function setUp() public override {
        super.setUp();
        leaf = new MockModelVerifier(EMBEDDER, WordPacking.wordsFor(2 * TEXT), WordPacking.wordsFor(WIDTH));
        vm.prank(registrar);
        registry.register(EMBEDDER, leaf, modelOwner, embedding(WIDTH), "");
        app = new CompareTexts(oracle, EMBEDDER);
    }

    function embedding(
        uint256 width
    ) internal pure returns (ModelMetadata memory m) {
        m.task = ModelTask.Infer;
        m.valueBits = 16;
        m.valuesPerWord = 15;
        m.inputs = new TensorSpec[](2);
        m.inputs[0] = tensor("input_ids", TEXT, 1e18);
        m.inputs[1] = tensor("attention_mask", TEXT, 1e18);
        m.outputs = new TensorSpec[](1);
        m.outputs[0] = tensor("sentence_embedding", width, 1e18 / 65_536);
    }

    function text(
        uint256 length,
        uint16 from
    ) internal pure returns (uint16[] memory tokens) {
        tokens = new uint16[](length);
        for (uint16 i = 0; i < length; ++i) {
            tokens[i] = from + i;
        }
    }

    /// @dev A vector with `shared` in the first half of its values and `own` in every fourth of the others from `at` on.
    function vector(
        int16 shared,
        int16 own,
        uint256 at
    ) internal pure returns (uint256[] memory) {
        int16[] memory values = new int16[](WIDTH);
        for (uint256 i = 0; i < WIDTH / 2; ++i) {
            values[i] = shared;
        }
        for (uint256 i = WIDTH / 2 + at; i < WIDTH; i += 4) {
            values[i] = own;
        }
        return WordPacking.pack(values);
    }

    function answer(
        uint256 id,
        uint256[] memory outputs
    ) internal {
        oracle.fulfill(id, payee, outputs, leaf.proofOf(oracle.contextOf(id, payee), oracle.getRequest(id).inputs, outputs));
    }

    function compared(
        uint256[] memory first,
        uint256[] memory second,
        uint16 threshold
    ) internal returns (CompareTexts.Verdict) {
        vm.prank(alice);
        uint256 comparison = app.compare{value: 1 ether}(text(5, 100), text(TEXT, 200), threshold, deadline);
        uint256 last = oracle.requestCount();
        // In whatever order they come.
        answer(last, second);
        vm.assertTrue(app.verdictOf(comparison) == CompareTexts.Verdict.Pending);
        answer(last - 1, first);
        vm.assertTrue(oracle.getResult(last - 1).callbackStatus == CallbackStatus.Delivered);
        return app.verdictOf(comparison);
    }

    function test_near_and_far() public {
        // cos = 192·100² / (192·100² + 48·100²) = 0.8
        uint256[] memory a = vector(100, 100, 0);
        uint256[] memory b = vector(100, 100, 1);
        vm.assertTrue(compared(a, b, 8000) == CompareTexts.Verdict.Similar);
        vm.assertTrue(compared(a, b, 8001) == CompareTexts.Verdict.Different);
        vm.assertTrue(compared(a, a, 10_000) == CompareTexts.Verdict.Similar);
        vm.assertTrue(compared(a, vector(-100, 100, 0), 1) == CompareTexts.Verdict.Different);
        vm.assertTrue(compared(a, vector(0, 0, 0), 1) == CompareTexts.Verdict.Different);
    }

    function test_the_largest_values_do_not_overflow() public {
        uint256[] memory a = vector(-32_768, -32_768, 0);
        vm.assertTrue(compared(a, a, 10_000) == CompareTexts.Verdict.Similar);
    }

    function testFuzz_cosine_of_itself(
        uint256 seed
    ) public view {
        int16[] memory values = new int16[](WIDTH);
        for (uint256 i = 0; i < WIDTH; ++i) {
            values[i] = int16(uint16(uint256(keccak256(abi.encode(seed, i)))));
        }
        uint256[] memory words = WordPacking.pack(values);
        vm.assertTrue(app.cosineAtLeast(words, words, WIDTH, 10_000));
    }

    function test_padding_and_mask() public view {
        uint256[] memory words = app.packText(text(3, 7));
        int16[] memory values = WordPacking.unpack(words, 2 * TEXT);
        for (uint256 i = 0; i < TEXT; ++i) {
            vm.assertEq(uint256(int256(values[i])), i < 3 ? 7 + i : 0);
            vm.assertEq(uint256(int256(values[TEXT + i])), i < 3 ? 1 : 0);
        }
    }

    function test_what_is_refused() public {
        vm.expectRevert(abi.encodeWithSelector(CompareTexts.TextLength.selector, 17, 16));
        app.compare(text(17, 1), text(2, 1), 5000, deadline);
        vm.expectRevert(abi.encodeWithSelector(CompareTexts.TextLength.selector, 0, 16));
        app.compare(text(2, 1), text(0, 1), 5000, deadline);
        vm.expectRevert(abi.encodeWithSelector(CompareTexts.Threshold.selector, 0));
        app.compare(text(2, 1), text(2, 1), 0, deadline);
        vm.expectRevert(abi.encodeWithSelector(CompareTexts.Threshold.selector, 10_001));
        app.compare(text(2, 1), text(2, 1), 10_001, deadline);
        vm.expectRevert(abi.encodeWithSelector(CompareTexts.LengthMismatch.selector, 1, 2));
        app.cosineAtLeast(new uint256[](1), new uint256[](2), 15, 5000);
        vm.expectRevert(abi.encodeWithSelector(CompareTexts.NotAnEmbeddingModel.selector, MODEL));
        new CompareTexts(oracle, MODEL);
    }

    function test_only_the_asker_gets_a_fee_back() public {
        vm.prank(alice);
        app.compare{value: 1 ether}(text(2, 1), text(2, 9), 5000, deadline);
        uint256 last = oracle.requestCount();
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(CompareTexts.NotAsker.selector, address(this), alice));
        app.reclaim(last, payable(address(this)));
        vm.prank(alice);
        app.reclaim(last, payable(alice));
        vm.assertEq(alice.balance, 99.5 ether);
    }
}
