// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {
    CallbackStatus,
    IInferenceOracle,
    InferenceRequest,
    InferenceResult,
    Provenance,
    RequestStatus
} from "../src/IInferenceOracle.sol";
import {IModelRegistry} from "../src/IModelRegistry.sol";
import {IModelVerifier} from "../src/IModelVerifier.sol";
import {InferenceOracle} from "../src/InferenceOracle.sol";
import {Fixture} from "./support/Fixture.sol";
import {RecordingReceiver} from "./support/Receivers.sol";

contract InferenceOracleTest is Fixture {
    address internal stranger = makeAddress("stranger");

    function refusesRequest(
        bytes memory reason,
        uint256[] memory inputs,
        uint64 until,
        uint32 callbackGas,
        uint256 fee
    ) internal {
        vm.deal(alice, fee);
        vm.prank(alice);
        vm.expectRevert(reason);
        oracle.request{value: fee}(MODEL, inputs, until, callbackGas, address(0));
        vm.assertEq(oracle.requestCount(), 0);
        vm.assertEq(address(oracle).balance, 0);
    }

    // ── request ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function test_request_is_stored_and_announced() public {
        vm.expectEmit(address(oracle));
        emit IInferenceOracle.InferenceRequested(1, MODEL, alice, deadline, 77, stranger, 1 ether, prompt());
        uint256 id = ask(1 ether, stranger, 77);
        vm.assertEq(id, 1);
        InferenceRequest memory r = oracle.getRequest(id);
        vm.assertEq(r.modelId, MODEL);
        vm.assertEq(r.requester, alice);
        vm.assertEq(r.deadline, deadline);
        vm.assertEq(r.callbackGas, 77);
        vm.assertEq(r.callback, stranger);
        vm.assertEq(r.fee, 1 ether);
        vm.assertEq(r.inputs, prompt());
        vm.assertTrue(r.status == RequestStatus.Open);
        InferenceResult memory result = oracle.getResult(id);
        vm.assertTrue(result.provenance == Provenance.Pending);
        vm.assertEq(result.outputs.length, 0);
        vm.assertEq(address(oracle).balance, 1 ether);
        vm.assertEq(ask(0, address(0), 0), 2);
        vm.assertEq(oracle.requestCount(), 2);
    }

    function test_request_refuses_wrong_inputs() public {
        uint256[] memory inputs = prompt();
        bytes4 s = IInferenceOracle.InputWordCount.selector;
        refusesRequest(abi.encodeWithSelector(s, 2, 3), new uint256[](2), deadline, 0, 0);
        refusesRequest(abi.encodeWithSelector(s, 4, 3), new uint256[](4), deadline, 0, 0);
        refusesRequest(abi.encodeWithSelector(s, 0, 3), new uint256[](0), deadline, 0, 0);
        s = IInferenceOracle.InputWordOutOfRange.selector;
        // Words 0 and 1 hold 15 values, word 2 the last 4 of 34.
        uint256[3] memory bits = [uint256(240), 240, 64];
        for (uint256 i = 0; i < 3; ++i) {
            inputs = prompt();
            inputs[i] |= 1 << bits[i];
            refusesRequest(abi.encodeWithSelector(s, i), inputs, deadline, 0, 0);
            inputs = prompt();
            inputs[i] |= 1 << 255;
            refusesRequest(abi.encodeWithSelector(s, i), inputs, deadline, 0, 0);
        }
    }

    function testFuzz_request_takes_exactly_the_words_in_range(
        uint256 a,
        uint256 b,
        uint256 c
    ) public {
        uint256[] memory inputs = new uint256[](3);
        (inputs[0], inputs[1], inputs[2]) = (a, b, c);
        uint256 bad = a >> 240 != 0 ? 0 : b >> 240 != 0 ? 1 : c >> 64 != 0 ? 2 : 3;
        if (bad < 3) {
            refusesRequest(abi.encodeWithSelector(IInferenceOracle.InputWordOutOfRange.selector, bad), inputs, deadline, 0, 0);
        }
        (inputs[0], inputs[1], inputs[2]) = (a >> 16, b >> 16, c >> 192);
        uint256 id = oracle.request(MODEL, inputs, deadline, 0, address(0));
        vm.assertEq(oracle.getRequest(id).inputs, inputs);
    }

    function test_request_refuses_bad_terms() public {
        uint64 now_ = uint64(block.timestamp);
        bytes4 s = IInferenceOracle.DeadlineInPast.selector;
        refusesRequest(abi.encodeWithSelector(s, now_, now_), prompt(), now_, 0, 0);
        refusesRequest(abi.encodeWithSelector(s, 0, now_), prompt(), 0, 0, 0);
        s = IInferenceOracle.CallbackGasTooHigh.selector;
        refusesRequest(abi.encodeWithSelector(s, 5_000_001, 5_000_000), prompt(), deadline, 5_000_001, 0);
        s = IInferenceOracle.FeeTooLarge.selector;
        refusesRequest(abi.encodeWithSelector(s, 1 << 88), prompt(), deadline, 0, 1 << 88);
        vm.deal(alice, 1 << 88);
        vm.prank(alice);
        oracle.request{value: (1 << 88) - 1}(MODEL, prompt(), now_ + 1, 5_000_000, address(0));
        vm.assertEq(oracle.getRequest(1).fee, (1 << 88) - 1);
    }

    function test_O3_request_refuses_unknown_and_inactive_models() public {
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.UnknownModel.selector, bytes32(uint256(1))));
        oracle.request(bytes32(uint256(1)), prompt(), deadline, 0, address(0));
        vm.prank(modelOwner);
        registry.deprecate(MODEL);
        refusesRequest(abi.encodeWithSelector(IInferenceOracle.ModelNotActive.selector, MODEL), prompt(), deadline, 0, 0);
        vm.prank(modelOwner);
        registry.revoke(MODEL);
        refusesRequest(abi.encodeWithSelector(IInferenceOracle.ModelNotActive.selector, MODEL), prompt(), deadline, 0, 0);
    }

    function test_pause_stops_requests_only() public {
        uint256 open = ask(1 ether, address(0), 0);
        uint256 late = ask(1 ether, address(0), 0);
        vm.prank(guardian);
        oracle.pause();
        refusesPaused();
        fulfill(open);
        vm.prank(payee);
        oracle.withdraw();
        vm.warp(deadline + 1);
        vm.prank(alice);
        oracle.refund(late);
        vm.prank(admin);
        oracle.unpause();
        deadline += 2 hours;
        ask(0, address(0), 0);
    }

    function refusesPaused() internal {
        vm.prank(alice);
        vm.expectRevert(Pausable.EnforcedPause.selector);
        oracle.request(MODEL, prompt(), deadline, 0, address(0));
    }

    // ── fulfil ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function test_fulfill_stores_pays_and_announces() public {
        uint256 id = ask(1 ether, address(0), 0);
        vm.roll(123);
        bytes memory proof = proofFor(id, payee, answer());
        vm.expectEmit(address(oracle));
        emit IInferenceOracle.InferenceFulfilled(
            id, MODEL, payee, relayer, address(verifier), Provenance.Proven, 1 ether, answer()
        );
        vm.prank(relayer);
        oracle.fulfill(id, payee, answer(), proof);
        InferenceResult memory r = oracle.getResult(id);
        vm.assertTrue(r.provenance == Provenance.Proven);
        vm.assertTrue(r.callbackStatus == CallbackStatus.None);
        vm.assertEq(r.blockNumber, 123);
        vm.assertEq(r.payee, payee);
        vm.assertEq(r.verifier, address(verifier));
        vm.assertEq(r.outputs, answer());
        vm.assertEq(oracle.provenOutputs(id), answer());
        vm.assertTrue(oracle.getRequest(id).status == RequestStatus.Fulfilled);
        vm.assertEq(oracle.withdrawable(payee), 1 ether);
        vm.assertEq(oracle.withdrawable(relayer), 0);
    }

    function test_O4_context_is_the_documented_one() public {
        uint256 id = ask(0, address(0), 0);
        bytes32 tag = keccak256("halocast.inference.context.v1");
        vm.assertEq(oracle.DOMAIN_TAG(), tag);
        vm.assertEq(
            oracle.contextOf(id, payee), uint256(keccak256(abi.encode(tag, block.chainid, address(oracle), id, payee))) >> 8
        );
        vm.assertEq(oracle.contextOf(id, payee) >> 248, 0);
    }

    /// @dev The proof binds model, request, payee, outputs, oracle and chain: change any one and it is refused.
    function test_O4_O5_a_proof_is_good_for_one_purpose_only() public {
        uint256 id = ask(1 ether, address(0), 0);
        uint256 twin = ask(1 ether, address(0), 0);
        bytes memory proof = proofFor(id, payee, answer());
        bytes memory rejected = abi.encodeWithSelector(IModelVerifier.ProofRejected.selector);

        // Copied from the mempool with another payee.
        vm.prank(stranger);
        vm.expectRevert(rejected);
        oracle.fulfill(id, stranger, answer(), proof);
        // For another request, even one with the same words.
        vm.expectRevert(rejected);
        oracle.fulfill(twin, payee, answer(), proof);
        // With a changed output.
        uint256[] memory changed = answer();
        changed[1] ^= 1;
        vm.expectRevert(rejected);
        oracle.fulfill(id, payee, changed, proof);
        // On another chain.
        vm.chainId(1337);
        vm.expectRevert(rejected);
        oracle.fulfill(id, payee, answer(), proof);
        vm.chainId(31_337);
        // On another oracle.
        InferenceOracle second = new InferenceOracle(registry, admin, guardian);
        second.request(MODEL, prompt(), deadline, 0, address(0));
        vm.expectRevert(rejected);
        second.fulfill(1, payee, answer(), proof);
        // Copied unchanged: stored, and the money is still the payee's.
        vm.prank(stranger);
        oracle.fulfill(id, payee, answer(), proof);
        vm.assertEq(oracle.withdrawable(payee), 1 ether);
        vm.assertEq(oracle.withdrawable(stranger), 0);
    }

    function test_leaf_errors_come_through() public {
        uint256 id = ask(0, address(0), 0);
        vm.expectRevert(abi.encodeWithSelector(IModelVerifier.OutputLength.selector, 2, 3));
        oracle.fulfill(id, payee, new uint256[](2), "");
        vm.expectRevert(abi.encodeWithSelector(IModelVerifier.ProofLength.selector, 0, 32));
        oracle.fulfill(id, payee, answer(), "");
    }

    function test_fulfill_refuses() public {
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.UnknownRequest.selector, 1));
        oracle.fulfill(1, payee, answer(), "");
        uint256 id = ask(0, address(0), 0);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.UnknownRequest.selector, 0));
        oracle.fulfill(0, payee, answer(), "");
        bytes memory proof = proofFor(id, address(0), answer());
        vm.expectRevert(IInferenceOracle.InvalidPayee.selector);
        oracle.fulfill(id, address(0), answer(), proof);

        fulfill(id);
        proof = proofFor(id, payee, answer());
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.AlreadyFulfilled.selector, id));
        oracle.fulfill(id, payee, answer(), proof);
        // Also after the deadline: what the contract says of a finished request does not change with time.
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.AlreadyFulfilled.selector, id));
        oracle.fulfill(id, payee, answer(), proof);
    }

    function test_O8_deadline_edges() public {
        uint256 first = ask(1 ether, address(0), 0);
        uint256 second = ask(1 ether, address(0), 0);
        vm.warp(deadline);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.DeadlineNotPassed.selector, deadline, deadline));
        oracle.refund(second);
        fulfill(first);
        vm.warp(deadline + 1);
        bytes memory proof = proofFor(second, payee, answer());
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.DeadlinePassed.selector, deadline, deadline + 1));
        oracle.fulfill(second, payee, answer(), proof);
        vm.prank(alice);
        oracle.refund(second);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.AlreadyRefunded.selector, second));
        oracle.fulfill(second, payee, answer(), proof);
    }

    function test_O3_status_and_fulfilment() public {
        uint256 first = ask(1 ether, address(0), 0);
        uint256 second = ask(1 ether, address(0), 0);
        vm.prank(modelOwner);
        registry.deprecate(MODEL);
        fulfill(first);
        vm.prank(guardian);
        registry.revoke(MODEL);
        bytes memory proof = proofFor(second, payee, answer());
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.ModelRevoked.selector, MODEL));
        oracle.fulfill(second, payee, answer(), proof);
        // What was stored stays readable, what was not answered goes back.
        vm.assertEq(oracle.provenOutputs(first), answer());
        vm.prank(alice);
        oracle.refund(second);
        vm.assertEq(oracle.withdrawable(alice), 1 ether);
    }

    /// @dev However far the deadline is, nobody's money waits for an answer that cannot come; while it still can, the deadline holds.
    function test_O8_refund_does_not_wait_for_a_revoked_model() public {
        deadline = type(uint64).max;
        uint256 id = ask(1 ether, address(0), 0);
        vm.prank(modelOwner);
        registry.deprecate(MODEL);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.DeadlineNotPassed.selector, deadline, block.timestamp));
        oracle.refund(id);
        vm.prank(guardian);
        registry.revoke(MODEL);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.NotRequester.selector, stranger, alice));
        oracle.refund(id);
        vm.prank(alice);
        oracle.refund(id);
        vm.assertEq(oracle.withdrawable(alice), 1 ether);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.AlreadyRefunded.selector, id));
        oracle.refund(id);
    }

    // ── money ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function test_O8_refund() public {
        uint256 id = ask(3 ether, address(0), 0);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.UnknownRequest.selector, 2));
        oracle.refund(2);
        vm.warp(deadline + 1);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.NotRequester.selector, stranger, alice));
        oracle.refund(id);
        vm.prank(alice);
        vm.expectEmit(address(oracle));
        emit IInferenceOracle.RequestRefunded(id, alice, 3 ether);
        oracle.refund(id);
        vm.assertEq(oracle.withdrawable(alice), 3 ether);
        vm.assertTrue(oracle.getRequest(id).status == RequestStatus.Refunded);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.AlreadyRefunded.selector, id));
        oracle.refund(id);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.NotFulfilled.selector, id));
        oracle.provenOutputs(id);
    }

    function test_O8_no_refund_of_a_fulfilled_request() public {
        uint256 id = ask(3 ether, address(0), 0);
        fulfill(id);
        vm.warp(deadline + 1);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.AlreadyFulfilled.selector, id));
        oracle.refund(id);
    }

    function test_O8_withdraw() public {
        vm.prank(payee);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.NothingToWithdraw.selector, payee));
        oracle.withdraw();
        fulfill(ask(1 ether, address(0), 0));
        fulfill(ask(2 ether, address(0), 0));
        vm.startPrank(payee);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.InsufficientBalance.selector, 3 ether, 3 ether + 1));
        oracle.withdrawTo(payable(stranger), 3 ether + 1);
        vm.expectRevert(IInferenceOracle.InvalidPayee.selector);
        oracle.withdrawTo(payable(address(0)), 1);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.NothingToWithdraw.selector, payee));
        oracle.withdrawTo(payable(stranger), 0);
        // The mock verifier takes no money.
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.TransferFailed.selector, address(verifier)));
        oracle.withdrawTo(payable(address(verifier)), 1);
        oracle.withdrawTo(payable(stranger), 1 ether);
        vm.assertEq(stranger.balance, 1 ether);
        vm.expectEmit(address(oracle));
        emit IInferenceOracle.Withdrawn(payee, payee, 2 ether);
        oracle.withdraw();
        vm.stopPrank();
        vm.assertEq(payee.balance, 2 ether);
        vm.assertEq(address(oracle).balance, 0);
    }

    function test_plain_transfers_are_refused() public {
        vm.prank(alice);
        (bool success,) = address(oracle).call{value: 1}("");
        vm.assertFalse(success);
    }

    // ── callback, the ordinary way (the hostile ones are in HostileReceivers.t.sol) ──────────────────────────────────────────────

    function test_O6_callback_is_delivered() public {
        RecordingReceiver receiver = new RecordingReceiver();
        uint256 id = ask(0, address(receiver), 400_000);
        bytes memory proof = proofFor(id, payee, answer());
        vm.expectEmit(address(oracle));
        emit IInferenceOracle.CallbackAttempted(id, address(receiver), true, false);
        oracle.fulfill(id, payee, answer(), proof);
        vm.assertEq(receiver.calls(), 1);
        vm.assertEq(receiver.lastRequest(), id);
        vm.assertEq(receiver.lastModel(), MODEL);
        for (uint256 i = 0; i < 3; ++i) {
            vm.assertEq(receiver.lastOutputs(i), answer()[i]);
        }
        vm.assertTrue(oracle.getResult(id).callbackStatus == CallbackStatus.Delivered);
        // A fulfilment gives what was asked for, not all there is.
        vm.assertLe(receiver.gasSeen(), 400_000);
        vm.assertGe(receiver.gasSeen(), 399_000);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.CallbackNotRetryable.selector, id, CallbackStatus.Delivered));
        oracle.retryCallback(id);
    }

    function test_O6_failed_callback_is_retried_once() public {
        RecordingReceiver receiver = new RecordingReceiver();
        receiver.setFailing(true);
        uint256 id = ask(0, address(receiver), 50_000);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.CallbackNotRetryable.selector, id, CallbackStatus.None));
        oracle.retryCallback(id);
        fulfill(id);
        vm.assertTrue(oracle.getResult(id).callbackStatus == CallbackStatus.Failed);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.NotRequester.selector, stranger, alice));
        oracle.retryCallback(id);

        receiver.setFailing(false);
        vm.prank(alice);
        vm.expectEmit(address(oracle));
        emit IInferenceOracle.CallbackAttempted(id, address(receiver), true, true);
        oracle.retryCallback(id);
        vm.assertEq(receiver.calls(), 1);
        // The 50,000 would not have been enough: a retry gives all there is.
        vm.assertGe(receiver.gasSeen(), 200_000);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.CallbackNotRetryable.selector, id, CallbackStatus.Delivered));
        oracle.retryCallback(id);
    }

    function test_O6_second_failure_is_final() public {
        RecordingReceiver receiver = new RecordingReceiver();
        receiver.setFailing(true);
        uint256 id = ask(0, address(receiver), 50_000);
        fulfill(id);
        // The callback contract itself may ask for the retry, too.
        vm.prank(address(receiver));
        oracle.retryCallback(id);
        vm.assertTrue(oracle.getResult(id).callbackStatus == CallbackStatus.RetryFailed);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.CallbackNotRetryable.selector, id, CallbackStatus.RetryFailed));
        oracle.retryCallback(id);
        vm.assertEq(oracle.provenOutputs(id), answer());
    }

    function test_callback_to_an_address_without_code_is_a_failure() public {
        uint256 id = ask(0, stranger, 50_000);
        fulfill(id);
        vm.assertTrue(oracle.getResult(id).callbackStatus == CallbackStatus.Failed);
    }

    // ── reading, roles ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    function test_reading_unknown_requests() public {
        bytes memory unknown = abi.encodeWithSelector(IInferenceOracle.UnknownRequest.selector, 9);
        vm.expectRevert(unknown);
        oracle.getRequest(9);
        vm.expectRevert(unknown);
        oracle.getResult(9);
        vm.expectRevert(unknown);
        oracle.provenOutputs(9);
        vm.expectRevert(unknown);
        oracle.retryCallback(9);
        uint256 id = ask(0, address(0), 0);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.NotFulfilled.selector, id));
        oracle.provenOutputs(id);
    }

    function test_access_matrix() public {
        address[5] memory callers = [admin, registrar, guardian, modelOwner, stranger];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.prank(callers[i]);
            if (callers[i] != guardian) {
                vm.expectRevert(
                    abi.encodeWithSelector(
                        IAccessControl.AccessControlUnauthorizedAccount.selector, callers[i], keccak256("GUARDIAN_ROLE")
                    )
                );
            }
            oracle.pause();
        }
        // The admin last: it is the one who can.
        (callers[0], callers[4]) = (callers[4], callers[0]);
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.prank(callers[i]);
            if (callers[i] != admin) {
                vm.expectRevert(
                    abi.encodeWithSelector(
                        IAccessControl.AccessControlUnauthorizedAccount.selector, callers[i], keccak256("RESUMER_ROLE")
                    )
                );
            }
            oracle.unpause();
        }
        vm.assertFalse(oracle.paused());
    }

    function test_construction() public {
        vm.expectRevert(IInferenceOracle.InvalidAdmin.selector);
        new InferenceOracle(registry, address(0), guardian);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.RegistryHasNoCode.selector, stranger));
        new InferenceOracle(IModelRegistry(stranger), admin, guardian);
        vm.assertEq(address(oracle.registry()), address(registry));
        vm.assertTrue(oracle.supportsInterface(type(IInferenceOracle).interfaceId));
        vm.assertTrue(oracle.supportsInterface(type(IERC165).interfaceId));
        vm.assertFalse(oracle.supportsInterface(0xffffffff));
    }
}
