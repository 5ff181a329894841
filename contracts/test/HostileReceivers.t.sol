// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CallbackStatus, IInferenceOracle, Provenance, RequestStatus} from "../src/IInferenceOracle.sol";
import {ModelVerifier} from "../src/ModelVerifier.sol";
import {Leaves} from "./support/Leaves.sol";
import {Fixture} from "./support/Fixture.sol";
import {RawVerifierStub} from "./support/RawVerifierStub.sol";
import {
    ExactGasReceiver,
    Exploder,
    GasBurner,
    GreedyWithdrawer,
    RecordingReceiver,
    Reenterer,
    ReturnBomb
} from "./support/Receivers.sol";

/// @dev No receiver can keep a result from being stored, take money that is not its own, or be given less gas than its requester asked for.
contract HostileReceiversTest is Fixture {
    uint256 internal constant CALLBACK_GAS = 200_000;

    function storedAlthough(
        address receiver,
        bool delivered
    ) internal {
        uint256 id = ask(1 ether, receiver, uint32(CALLBACK_GAS));
        bytes memory proof = proofFor(id, payee, answer());
        // Not much more than the rule wants, so that what the callback wastes is not paid by a generous test.
        vm.expectEmit(address(oracle));
        emit IInferenceOracle.CallbackAttempted(id, receiver, delivered, false);
        oracle.fulfill{gas: 700_000}(id, payee, answer(), proof);
        vm.assertTrue(oracle.getResult(id).provenance == Provenance.Proven);
        vm.assertEq(oracle.provenOutputs(id), answer());
        vm.assertTrue(oracle.getResult(id).callbackStatus == (delivered ? CallbackStatus.Delivered : CallbackStatus.Failed));
        vm.assertEq(oracle.withdrawable(payee), 1 ether);
        if (delivered) return;
        vm.prank(alice);
        oracle.retryCallback{gas: 400_000}(id);
        vm.assertTrue(oracle.getResult(id).callbackStatus == CallbackStatus.RetryFailed);
    }

    function test_O6_reverting() public {
        RecordingReceiver receiver = new RecordingReceiver();
        receiver.setFailing(true);
        storedAlthough(address(receiver), false);
    }

    function test_O6_reverting_with_a_megabyte() public {
        storedAlthough(address(new ReturnBomb(true)), false);
    }

    function test_O6_returning_a_megabyte() public {
        // 200,000 gas do not make a megabyte of memory …
        storedAlthough(address(new ReturnBomb(false)), false);
        // … and with as much as a request may ask for it is made, and not copied.
        uint256 id = ask(0, address(new ReturnBomb(false)), 5_000_000);
        bytes memory proof = proofFor(id, payee, answer());
        uint256 before = gasleft();
        oracle.fulfill{gas: 6_000_000}(id, payee, answer(), proof);
        vm.assertLe(before - gasleft(), 2_900_000); // the bomb's own 2.2 million; copying would cost that again
        vm.assertTrue(oracle.getResult(id).callbackStatus == CallbackStatus.Delivered);
    }

    function test_O6_burning_gas() public {
        storedAlthough(address(new GasBurner()), false);
    }

    function test_O6_invalid_opcode() public {
        storedAlthough(address(new Exploder()), false);
    }

    function test_callback_named_to_the_system_itself() public {
        storedAlthough(address(oracle), false);
        setUp();
        storedAlthough(address(registry), false);
        setUp();
        storedAlthough(address(verifier), false);
    }

    function test_O6_reentering() public {
        Reenterer receiver = new Reenterer(oracle, prompt());
        vm.deal(address(this), 5 ether);
        uint256 id = receiver.ask{value: 2 ether}(MODEL, deadline, 1_000_000);
        vm.deal(address(receiver), 1 ether);
        fulfill(id);
        vm.assertTrue(oracle.getResult(id).callbackStatus == CallbackStatus.Delivered);
        vm.assertEq(receiver.blocked(), 8);
        // Asking the next question in the callback is allowed, and its fee is held apart.
        uint256 next = receiver.nextRequest();
        vm.assertEq(next, id + 1);
        vm.assertEq(oracle.getRequest(next).fee, 1 ether);
        vm.assertEq(oracle.withdrawable(payee), 2 ether);
        vm.assertEq(address(oracle).balance, 3 ether);
    }

    function test_O8_withdrawing_twice() public {
        GreedyWithdrawer greedy = new GreedyWithdrawer(oracle);
        uint256 id = ask(1 ether, address(0), 0);
        ask(5 ether, address(0), 0);
        oracle.fulfill(id, address(greedy), answer(), proofFor(id, address(greedy), answer()));
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.TransferFailed.selector, address(greedy)));
        greedy.go(false);
        greedy.go(true);
        vm.assertEq(address(greedy).balance, 1 ether);
        vm.assertEq(address(oracle).balance, 5 ether);
    }

    // ── starving ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// @dev From too little gas upwards: every fulfilment fails as a whole until one succeeds, that one gives the callback all its gas,
    /// and just below it the named error is the reason.
    function scan(
        address receiver,
        uint32 callbackGas,
        uint256 from,
        uint256 step
    ) internal returns (uint256 id, bytes4 last) {
        id = ask(1 ether, receiver, callbackGas);
        bytes memory call = abi.encodeCall(oracle.fulfill, (id, payee, answer(), proofFor(id, payee, answer())));
        for (uint256 gas_ = from;; gas_ += step) {
            (bool success, bytes memory reason) = address(oracle).call{gas: gas_}(call);
            if (success) break;
            last = bytes4(reason);
            vm.assertTrue(oracle.getRequest(id).status == RequestStatus.Open);
            vm.assertTrue(oracle.getResult(id).provenance == Provenance.Pending);
        }
    }

    /// @dev A real leaf, and a proof that its raw verifier accepts: with too little gas the fulfilment fails as a whole, wherever
    /// the gas runs out, and a bad proof is stored with no amount of it.
    function test_O6_starved_verification_stores_nothing() public {
        RawVerifierStub raw = new RawVerifierStub();
        bytes32 model = bytes32(uint256(7));
        ModelVerifier leaf = new ModelVerifier(Leaves.pins(address(raw), model, 3, 3, 384 + 32));
        vm.prank(registrar);
        registry.register(model, leaf, modelOwner, generateMetadata(T), "");
        uint256 id = oracle.request(model, prompt(), deadline, 0, address(0));
        bytes memory limbs = new bytes(384);
        bytes32 seal = keccak256(abi.encodePacked(limbs, model, prompt(), answer(), oracle.contextOf(id, payee)));
        bytes memory call = abi.encodeCall(oracle.fulfill, (id, payee, answer(), abi.encodePacked(limbs, ~seal)));
        for (uint256 gas_ = 20_000; gas_ < 400_000; gas_ += 997) {
            vm.assertFalse(fulfils(id, call, gas_));
        }
        call = abi.encodeCall(oracle.fulfill, (id, payee, answer(), abi.encodePacked(limbs, seal)));
        uint256 enough = 20_000;
        while (!fulfils(id, call, enough)) enough += 199;
        vm.assertGe(enough, 100_000); // it was starved on the way: storing the result alone costs that
        vm.assertEq(oracle.provenOutputs(id), answer());
    }

    /// @dev Whether the fulfilment succeeds; if not, nothing is stored.
    function fulfils(
        uint256 id,
        bytes memory call,
        uint256 gas_
    ) internal returns (bool success) {
        (success,) = address(oracle).call{gas: gas_}(call);
        if (success) return true;
        vm.assertTrue(oracle.getRequest(id).status == RequestStatus.Open);
        vm.assertTrue(oracle.getResult(id).provenance == Provenance.Pending);
        vm.assertEq(oracle.getResult(id).outputs.length, 0);
    }

    function test_O6_fulfilment_cannot_starve_the_callback() public {
        ExactGasReceiver receiver = new ExactGasReceiver();
        (uint256 id, bytes4 last) = scan(address(receiver), uint32(CALLBACK_GAS), 100_000, 97);
        vm.assertTrue(receiver.got());
        vm.assertTrue(oracle.getResult(id).callbackStatus == CallbackStatus.Delivered);
        vm.assertEq(bytes32(last), bytes32(IInferenceOracle.InsufficientGasForCallback.selector));
    }

    function testFuzz_O6_burner_never_blocks_storage_at_the_tightest_gas(
        uint256 callbackGas
    ) public {
        callbackGas = bound(callbackGas, 0, 5_000_000);
        (uint256 id, bytes4 last) = scan(address(new GasBurner()), uint32(callbackGas), 150_000 + callbackGas, 997);
        vm.assertTrue(oracle.getResult(id).callbackStatus == CallbackStatus.Failed);
        vm.assertEq(oracle.withdrawable(payee), 1 ether);
        vm.assertEq(bytes32(last), bytes32(IInferenceOracle.InsufficientGasForCallback.selector));
    }

    function test_O6_retry_cannot_starve_the_callback() public {
        RecordingReceiver receiver = new RecordingReceiver();
        receiver.setFailing(true);
        uint256 id = ask(0, address(receiver), uint32(CALLBACK_GAS));
        fulfill(id);
        receiver.setFailing(false);
        for (uint256 gas_ = 30_000;; gas_ += 997) {
            vm.prank(alice);
            (bool success, bytes memory reason) = address(oracle).call{gas: gas_}(abi.encodeCall(oracle.retryCallback, (id)));
            if (success) break;
            if (gas_ > 100_000) {
                vm.assertEq(bytes32(bytes4(reason)), bytes32(IInferenceOracle.InsufficientGasForCallback.selector));
            }
            vm.assertTrue(oracle.getResult(id).callbackStatus == CallbackStatus.Failed);
        }
        vm.assertGe(receiver.gasSeen(), CALLBACK_GAS - 1000);
        vm.assertEq(receiver.calls(), 1);
    }
}
