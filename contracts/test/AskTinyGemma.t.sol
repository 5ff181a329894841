// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CallbackStatus, IInferenceOracle, RequestStatus} from "../src/IInferenceOracle.sol";
import {IModelRegistry, ModelMetadata, ModelTask} from "../src/IModelRegistry.sol";
import {InferenceConsumerBase} from "../src/InferenceConsumerBase.sol";
import {WordPacking} from "../src/WordPacking.sol";
import {AskTinyGemma} from "../src/examples/AskTinyGemma.sol";
import {Fixture} from "./support/Fixture.sol";
import {MockModelVerifier} from "./support/MockModelVerifier.sol";

contract AskTinyGemmaTest is Fixture {
    AskTinyGemma internal app;
    address internal bob = makeAddress("bob");

    function setUp() public override {
        super.setUp();
        app = new AskTinyGemma(oracle, MODEL, T);
        vm.deal(bob, 10 ether);
    }

    function askApp(
        address who,
        uint256 fee
    ) internal returns (uint256 id) {
        vm.prank(who);
        id = app.ask{value: fee}("The sea is", 12, deadline);
    }

    function test_ask_and_answer() public {
        vm.assertEq(app.answer(), "");
        vm.expectEmit(address(app));
        emit AskTinyGemma.Asked(1, alice, "The sea is", 12);
        uint256 id = askApp(alice, 1 ether);
        vm.assertEq(oracle.getRequest(id).inputs, prompt());
        vm.assertEq(oracle.getRequest(id).callback, address(app));
        vm.assertTrue(app.isAwaiting(id));

        bytes memory proof = proofFor(id, payee, answer());
        vm.expectEmit(address(app));
        emit AskTinyGemma.Answered(id, " calm today.");
        oracle.fulfill(id, payee, answer(), proof);
        vm.assertEq(app.answer(), " calm today.");
        vm.assertEq(app.answerText(), " calm today.");
        vm.assertEq(app.answerOf(id), " calm today.");
        vm.assertEq(app.answerOf(id + 1), "");
        vm.assertEq(app.lastAnswered(), id);
        vm.assertFalse(app.isAwaiting(id));
        vm.assertTrue(oracle.getResult(id).callbackStatus == CallbackStatus.Delivered);
    }

    function testFuzz_any_prompt_and_answer(
        bytes memory question,
        uint256 n,
        uint256 seed
    ) public {
        if (question.length == 0) question = "?";
        if (question.length > 31) {
            assembly {
                mstore(question, 31)
            }
        }
        n = bound(n, 1, T - question.length);
        bytes memory text = new bytes(n);
        for (uint256 i = 0; i < n; ++i) {
            text[i] = bytes1(uint8(seed >> (8 * i)));
        }
        uint256[] memory outputs = answerWords(question.length, text, T);
        uint256 id = app.ask(question, n, deadline);
        oracle.fulfill(id, payee, outputs, proofFor(id, payee, outputs));
        vm.assertEq(app.answer(), text);
    }

    function register(
        ModelMetadata memory metadata,
        uint256 inputWords,
        uint256 outputWords
    ) internal returns (bytes32 id, MockModelVerifier leaf) {
        id = bytes32(registry.modelCount() + 1);
        leaf = new MockModelVerifier(id, inputWords, outputWords);
        vm.prank(registrar);
        registry.register(id, leaf, modelOwner, metadata, "");
    }

    /// @dev T = 31 has as many words as T = 32, so the oracle would take the question; its last prompt slot would be raw 0.
    function test_construction_wants_the_registered_length() public {
        uint256[3] memory lengths = [uint256(31), 33, 0];
        for (uint256 i = 0; i < lengths.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(AskTinyGemma.SequenceLengthMismatch.selector, lengths[i], T));
            new AskTinyGemma(oracle, MODEL, lengths[i]);
        }
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.UnknownModel.selector, bytes32(uint256(9))));
        new AskTinyGemma(oracle, bytes32(uint256(9)), T);
        ModelMetadata memory metadata = generateMetadata(T);
        (metadata.task, metadata.sequenceLength) = (ModelTask.Infer, 0);
        (bytes32 id,) = register(metadata, 3, 3);
        vm.expectRevert(abi.encodeWithSelector(AskTinyGemma.SequenceLengthMismatch.selector, T, 0));
        new AskTinyGemma(oracle, id, T);
    }

    /// @dev 12 values of 20 bits: again as many words, and all of ours are in range.
    function test_construction_wants_our_packing() public {
        ModelMetadata memory metadata = generateMetadata(T);
        (metadata.valueBits, metadata.valuesPerWord) = (20, 12);
        (bytes32 id,) = register(metadata, 3, 3);
        vm.expectRevert(abi.encodeWithSelector(AskTinyGemma.PackingMismatch.selector, 20, 12));
        new AskTinyGemma(oracle, id, T);
    }

    function test_construction_bounds_the_length() public {
        vm.assertEq(app.MAX_SEQUENCE_LENGTH(), 64);
        (bytes32 id,) = register(generateMetadata(65), 5, 5);
        vm.expectRevert(abi.encodeWithSelector(AskTinyGemma.SequenceTooLong.selector, 65, 64));
        new AskTinyGemma(oracle, id, 65);
    }

    /// @dev The longest answer of a model of 64 tokens fits the callback gas.
    function test_callback_gas_is_enough_for_64_tokens() public {
        (bytes32 id64, MockModelVerifier leaf) = register(generateMetadata(64), 5, 5);
        app = new AskTinyGemma(oracle, id64, 64);
        bytes memory text = "it was the best of times, it was the worst of times, it was the";
        vm.assertEq(text.length, 63);
        uint256[] memory outputs = answerWords(1, text, 64);
        uint256 id = app.ask("?", 63, deadline);
        oracle.fulfill(id, payee, outputs, leaf.proofOf(oracle.contextOf(id, payee), oracle.getRequest(id).inputs, outputs));
        vm.assertEq(app.answer(), text);
    }

    function test_bad_questions_cost_nothing() public {
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(WordPacking.PromptLength.selector, 0, 31));
        app.ask{value: 1 ether}("", 12, deadline);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(WordPacking.AnswerLength.selector, 23, 22));
        app.ask{value: 1 ether}("The sea is", 23, deadline);
        vm.assertEq(alice.balance, 100 ether);
    }

    function test_results_come_from_the_oracle_for_own_requests_only() public {
        uint256 id = askApp(alice, 0);
        vm.expectRevert(abi.encodeWithSelector(InferenceConsumerBase.NotOracle.selector, address(this)));
        app.onInferenceResult(id, MODEL, answer());
        // Somebody else's request that names this contract as its callback.
        uint256 foreign = ask(0, address(app), 250_000);
        fulfill(foreign);
        vm.assertTrue(oracle.getResult(foreign).callbackStatus == CallbackStatus.Failed);
        vm.assertEq(app.answer(), "");
        vm.expectRevert(abi.encodeWithSelector(InferenceConsumerBase.UnexpectedRequest.selector, foreign));
        app.pullResult(foreign);
        vm.prank(address(oracle));
        vm.expectRevert(abi.encodeWithSelector(InferenceConsumerBase.UnexpectedRequest.selector, foreign));
        app.onInferenceResult(foreign, MODEL, answer());
        // A result is taken once.
        fulfill(id);
        vm.prank(address(oracle));
        vm.expectRevert(abi.encodeWithSelector(InferenceConsumerBase.UnexpectedRequest.selector, id));
        app.onInferenceResult(id, MODEL, answer());
    }

    function test_result_is_pulled_when_the_callback_failed() public {
        uint256 id = askApp(alice, 1 ether);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.NotFulfilled.selector, id));
        app.pullResult(id);
        // For the time of the fulfilment the app is broken.
        bytes memory code = address(app).code;
        vm.etch(address(app), hex"fe");
        fulfill(id);
        vm.etch(address(app), code);
        vm.assertTrue(oracle.getResult(id).callbackStatus == CallbackStatus.Failed);
        vm.prank(bob);
        app.pullResult(id);
        vm.assertEq(app.answer(), " calm today.");
        vm.expectRevert(abi.encodeWithSelector(InferenceConsumerBase.UnexpectedRequest.selector, id));
        app.pullResult(id);
    }

    function test_reclaim() public {
        uint256 mine = askApp(alice, 1 ether);
        uint256 bobs = askApp(bob, 2 ether);
        uint256 free = askApp(alice, 0);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.DeadlineNotPassed.selector, deadline, block.timestamp));
        app.reclaim(mine, payable(alice));
        vm.warp(deadline + 1);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(AskTinyGemma.NotAsker.selector, alice, bob));
        app.reclaim(bobs, payable(alice));
        vm.startPrank(alice);
        app.reclaim(mine, payable(alice));
        app.reclaim(free, payable(alice));
        vm.expectRevert(abi.encodeWithSelector(InferenceConsumerBase.UnexpectedRequest.selector, mine));
        app.reclaim(mine, payable(alice));
        vm.stopPrank();
        vm.assertEq(alice.balance, 100 ether);
        vm.prank(bob);
        app.reclaim(bobs, payable(bob));
        vm.assertEq(bob.balance, 10 ether);
        vm.assertTrue(oracle.getRequest(bobs).status == RequestStatus.Refunded);
        // A contract cannot reclaim what was answered.
        deadline += 2 hours;
        uint256 answered = askApp(alice, 1 ether);
        fulfill(answered);
        vm.warp(deadline + 1);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(InferenceConsumerBase.UnexpectedRequest.selector, answered));
        app.reclaim(answered, payable(alice));
    }

    /// @dev The test contract has no `receive`: it asks, and names somebody else who is paid.
    function test_reclaim_for_an_asker_that_takes_no_ether() public {
        vm.deal(address(this), 1 ether);
        uint256 id = app.ask{value: 1 ether}("The sea is", 12, type(uint64).max);
        vm.prank(guardian);
        registry.revoke(MODEL);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.TransferFailed.selector, address(this)));
        app.reclaim(id, payable(address(this)));
        app.reclaim(id, payable(bob));
        vm.assertEq(bob.balance, 11 ether);
    }
}
