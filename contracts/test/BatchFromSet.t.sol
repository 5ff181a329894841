// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BatchVerifier} from "../src/BatchVerifier.sol";
import {CallbackStatus, Fulfillment, IInferenceOracle, Provenance, RequestStatus} from "../src/IInferenceOracle.sol";
import {IInferenceSets, SetFulfillment} from "../src/IInferenceSets.sol";
import {IModelVerifier} from "../src/IModelVerifier.sol";
import {IVerifierRouter} from "../src/IVerifierRouter.sol";
import {ModelVerifier} from "../src/ModelVerifier.sol";
import {RoutedVerifier} from "../src/RoutedVerifier.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Batches, Results} from "./support/Batches.sol";
import {Fixture} from "./support/Fixture.sol";
import {Leaves} from "./support/Leaves.sol";
import {RawVerifierStub} from "./support/RawVerifierStub.sol";
import {GasBurner, RecordingReceiver, Reenterer, ReturnBomb} from "./support/Receivers.sol";

/// @dev O9, O10: one proof and many requests in one transaction, as deployed: raw verifier, leaf, router, routed verifier, batch verifier.
contract BatchFromSetTest is Fixture {
    uint256 internal constant SLOTS = 4;
    uint256 internal constant BODY = 5;
    bytes32 internal constant BATCHED = bytes32(uint256(0x62617463686564));

    VerifierRouter internal router;
    BatchVerifier internal batch;
    bytes4 internal selector;

    /// What `prove` made last.
    bytes32[][] internal tree;
    bytes32 internal root;
    uint8 internal depth;
    bytes internal setProof;

    function setUp() public override {
        super.setUp();
        uint256 proofLength = 384 + BODY + 32;
        RawVerifierStub raw = new RawVerifierStub();
        ModelVerifier leaf = new ModelVerifier(Leaves.pins(address(raw), BATCHED, 3 * SLOTS, 3 * SLOTS, proofLength));
        router = new VerifierRouter(admin, guardian, admin);
        vm.prank(admin);
        selector = router.addVerifier(leaf);
        batch = new BatchVerifier(new RoutedVerifier(router, selector), SLOTS);
        vm.startPrank(registrar);
        registry.register(BATCHED, batch, modelOwner, generateMetadata(T), "");
        registry.setBatchVerifier(BATCHED, batch);
        vm.stopPrank();
    }

    function askBatched(
        uint64 until,
        address callback,
        uint32 callbackGas
    ) internal returns (uint256 id) {
        vm.prank(alice);
        id = oracle.request{value: 1 ether}(BATCHED, prompt(), until, callbackGas, callback);
    }

    function askBatched() internal returns (uint256) {
        return askBatched(deadline, address(0), 0);
    }

    /// @dev The blob a prover would make for these results.
    function blobFor(
        Results memory r
    ) internal pure returns (bytes memory) {
        bytes memory limbs = new bytes(384);
        bytes memory body = new bytes(BODY);
        uint256[] memory inputs = Batches.filled(r.inputs, 3, SLOTS);
        uint256[] memory outputs = Batches.filled(r.outputs, 3, SLOTS);
        uint256 context = Batches.context(r.contexts, SLOTS);
        return abi.encodePacked(limbs, body, keccak256(abi.encodePacked(limbs, BATCHED, inputs, outputs, context, body)));
    }

    /// @dev Proves the answers to `count` requests from `first` on.
    function prove(
        uint256 first,
        uint256 count
    ) internal {
        Results memory r = Results(new uint256[](count), new uint256[](3 * count), new uint256[](3 * count));
        for (uint256 i = 0; i < count; ++i) {
            r.contexts[i] = oracle.contextOf(first + i, payee);
            for (uint256 w = 0; w < 3; ++w) {
                r.inputs[3 * i + w] = prompt()[w];
                r.outputs[3 * i + w] = answer()[w];
            }
        }
        depth = count > 2 ? 2 : uint8(count - 1);
        tree = Batches.tree(BATCHED, r, depth);
        root = tree[depth][0];
        setProof = Batches.encode(r, blobFor(r));
    }

    function item(
        uint256 id,
        uint256 index
    ) internal view returns (SetFulfillment memory) {
        return SetFulfillment(id, payee, answer(), index, Batches.path(tree, index));
    }

    /// @dev `SLOTS` requests with one proof of all.
    function four(
        address callback,
        uint32 callbackGas
    ) internal returns (uint256 first, SetFulfillment[] memory items) {
        first = askBatched(deadline, callback, callbackGas);
        for (uint256 i = 1; i < SLOTS; ++i) {
            askBatched(deadline, callback, callbackGas);
        }
        prove(first, SLOTS);
        items = new SetFulfillment[](SLOTS);
        for (uint256 i = 0; i < SLOTS; ++i) {
            items[i] = item(first + i, i);
        }
    }

    function bring(
        SetFulfillment[] memory items
    ) internal returns (uint256) {
        return oracle.fulfillBatchFromSet(BATCHED, root, depth, setProof, items);
    }

    function failed(
        uint256 index,
        uint256 id,
        bytes4 reason
    ) internal {
        vm.expectEmit(address(oracle));
        emit IInferenceOracle.FulfilFailed(index, id, reason);
    }

    function open(
        uint256 id
    ) internal view returns (bool) {
        return oracle.getRequest(id).status == RequestStatus.Open && oracle.getResult(id).provenance == Provenance.Pending;
    }

    /// @dev Ids and payees can be known beforehand: a set from before a verifier was stopped must not answer what is asked after.
    function test_O10_a_set_answers_no_later_request() public {
        uint256 first = askBatched();
        prove(first, 2); // of which the second is not asked yet
        oracle.submitSet(BATCHED, root, depth, setProof);
        vm.assertEq(askBatched(), first + 1);
        SetFulfillment memory late = item(first + 1, 1);
        vm.expectRevert(abi.encodeWithSelector(IInferenceSets.RequestAfterSet.selector, first + 1, first));
        oracle.fulfillFromSet(late.requestId, payee, late.outputs, root, late.index, late.path);
        SetFulfillment[] memory items = new SetFulfillment[](2);
        items[0] = late;
        items[1] = item(first, 0);
        failed(0, first + 1, IInferenceSets.RequestAfterSet.selector);
        vm.assertEq(bring(items), 1);
        vm.assertTrue(open(first + 1) && !open(first));
    }

    function test_O9_O10_one_proof_stores_all_its_results() public {
        RecordingReceiver receiver = new RecordingReceiver();
        (uint256 first, SetFulfillment[] memory items) = four(address(receiver), 300_000);
        vm.expectEmit(address(oracle));
        emit IInferenceSets.SetVerified(BATCHED, root, depth, address(batch));
        for (uint256 i = 0; i < SLOTS; ++i) {
            vm.expectEmit(address(oracle));
            emit IInferenceOracle.InferenceFulfilled(
                first + i, BATCHED, payee, relayer, address(batch), Provenance.Proven, 1 ether, answer()
            );
        }
        vm.prank(relayer);
        vm.assertEq(bring(items), SLOTS);
        for (uint256 i = 0; i < SLOTS; ++i) {
            vm.assertEq(oracle.provenOutputs(first + i), answer());
            vm.assertEq(oracle.getResult(first + i).verifier, address(batch));
        }
        vm.assertEq(oracle.withdrawable(payee), SLOTS * 1 ether);
        vm.assertEq(receiver.calls(), SLOTS);
    }

    /// @dev Each way in which an item of a good set can be bad.
    function test_O9_O10_bad_items_of_a_good_set_fail_alone_and_are_named() public {
        uint256 first = askBatched();
        askBatched(); // will be answered before
        askBatched(uint64(vm.getBlockTimestamp() + 10), address(0), 0); // will be too late
        askBatched();
        prove(first, SLOTS);
        uint256 foreign = ask(1 ether, address(0), 0);
        SetFulfillment[] memory items = new SetFulfillment[](12);
        for (uint256 i = 0; i < SLOTS; ++i) {
            items[i] = item(first + i, i);
        }
        for (uint256 i = SLOTS; i < items.length; ++i) {
            items[i] = item(first + 3, 3);
        }
        items[3].requestId = 99; // so that the last slot's result is open until item 11, behind all the bad ones
        items[4].outputs[1] ^= 1;
        items[5].index = 2;
        items[6].index = SLOTS;
        items[7].path = new bytes32[](3);
        items[8].payee = alice;
        items[9].outputs = new uint256[](2);
        items[10].requestId = foreign;

        submitAndFulfil(first + 1, 1);
        vm.warp(vm.getBlockTimestamp() + 11);
        failed(1, first + 1, IInferenceOracle.AlreadyFulfilled.selector);
        failed(2, first + 2, IInferenceOracle.DeadlinePassed.selector);
        failed(3, 99, IInferenceOracle.UnknownRequest.selector);
        failed(4, first + 3, IInferenceSets.NotInSet.selector);
        failed(5, first + 3, IInferenceSets.NotInSet.selector);
        failed(6, first + 3, IInferenceSets.IndexOutOfRange.selector);
        failed(7, first + 3, IInferenceSets.PathLength.selector);
        failed(8, first + 3, IInferenceSets.NotInSet.selector);
        failed(9, first + 3, IInferenceOracle.OutputWordCount.selector);
        failed(10, foreign, IInferenceSets.SetUnknown.selector);
        vm.assertEq(bring(items), 2);
        vm.assertTrue(!open(first) && !open(first + 1) && open(first + 2) && !open(first + 3) && open(foreign));
        vm.assertEq(oracle.withdrawable(payee), 3 ether);
    }

    function submitAndFulfil(
        uint256 id,
        uint256 index
    ) internal {
        oracle.submitSet(BATCHED, root, depth, setProof);
        oracle.fulfillFromSet(id, payee, answer(), root, index, Batches.path(tree, index));
    }

    /// @dev N results, any k of them bad in any of four ways: N − k stored, each bad one named, in its place.
    function testFuzz_O9_O10_all_but_the_bad_ones(
        uint256 count,
        uint256 seed
    ) public {
        count = bound(count, 1, SLOTS);
        uint256 first = askBatched();
        for (uint256 i = 1; i < count; ++i) {
            askBatched();
        }
        prove(first, count);
        SetFulfillment[] memory items = new SetFulfillment[](count);
        uint256 bad = 0;
        for (uint256 i = 0; i < count; ++i) {
            items[i] = item(first + i, i);
            uint256 kind = (seed >> 8 * i) % 8; // half of them good
            bad += kind < 4 ? 1 : 0;
            if (kind == 0) items[i].outputs[seed % 3] ^= 1 << (seed % 240);
            if (kind == 1) items[i].payee = relayer;
            if (kind == 2) items[i].payee = address(0);
            if (kind == 3) items[i].index = 1 << depth;
            if (kind < 2) failed(i, first + i, IInferenceSets.NotInSet.selector);
            if (kind == 2) failed(i, first + i, IInferenceOracle.InvalidPayee.selector);
            if (kind == 3) failed(i, first + i, IInferenceSets.IndexOutOfRange.selector);
        }
        vm.assertEq(bring(items), count - bad);
        for (uint256 i = 0; i < count; ++i) {
            vm.assertTrue(open(first + i) == ((seed >> 8 * i) % 8 < 4));
        }
        vm.assertEq(oracle.withdrawable(payee), (count - bad) * 1 ether);
    }

    function test_O9_O10_a_known_set_needs_no_proof() public {
        (uint256 first, SetFulfillment[] memory items) = four(address(0), 0);
        vm.assertEq(bring(new SetFulfillment[](0)), 0);
        (uint8 known, address by) = oracle.getSet(BATCHED, root);
        vm.assertEq(known, depth);
        vm.assertEq(by, address(batch));
        setProof = "";
        vm.assertEq(bring(items), SLOTS);
        vm.assertFalse(open(first));
    }

    /// @dev Whoever copies the set's proof and comes first has submitted it, no more; the fees are the payees' in the contexts.
    function test_O9_O10_a_competitor_cannot_spoil_it() public {
        (uint256 first, SetFulfillment[] memory items) = four(address(0), 0);
        vm.prank(makeAddress("competitor"));
        oracle.submitSet(BATCHED, root, depth, setProof);
        vm.assertEq(bring(items), SLOTS);
        vm.assertFalse(open(first + 3));
        vm.assertEq(oracle.withdrawable(payee), SLOTS * 1 ether);
    }

    function refused(
        SetFulfillment[] memory items,
        bytes memory reason
    ) internal {
        vm.expectRevert(reason);
        bring(items);
        vm.expectRevert(abi.encodeWithSelector(IInferenceSets.SetUnknown.selector, BATCHED, root));
        oracle.getSet(BATCHED, root);
        for (uint256 i = 0; i < items.length; ++i) {
            vm.assertTrue(open(items[i].requestId));
        }
    }

    function test_O9_O10_a_bad_set_fails_as_a_whole() public {
        (, SetFulfillment[] memory items) = four(address(0), 0);
        bytes memory good = setProof;
        setProof[setProof.length - 28] ^= 0x01; // in the seal: the last 27 bytes are padding
        refused(items, abi.encodeWithSelector(IModelVerifier.ProofRejected.selector));
        setProof = "";
        refused(items, abi.encodeWithSelector(BatchVerifier.SetProofLength.selector, 0, 160));
        setProof = good;
        depth = 33;
        refused(items, abi.encodeWithSelector(IInferenceSets.SetTooDeep.selector, 33, 32));
        depth = 2;
        vm.prank(guardian);
        registry.revoke(BATCHED);
        refused(items, abi.encodeWithSelector(IInferenceOracle.ModelRevoked.selector, BATCHED));
    }

    function test_O9_O10_a_model_without_batch_verifier_takes_no_sets() public {
        (, SetFulfillment[] memory items) = four(address(0), 0);
        vm.expectRevert(abi.encodeWithSelector(IInferenceSets.NoBatchVerifier.selector, MODEL));
        oracle.fulfillBatchFromSet(MODEL, root, depth, setProof, items);
    }

    /// @dev The guardian of the router stops sets with the route; what was verified before is as a result stored before.
    function test_O2_O10_a_stopped_route_stops_sets() public {
        (uint256 first, SetFulfillment[] memory items) = four(address(0), 0);
        bytes32 earlier = root;
        bytes32[] memory path = items[0].path;
        oracle.submitSet(BATCHED, root, depth, setProof);
        vm.prank(guardian);
        router.stop(selector);
        prove(first, 2); // another set
        items = new SetFulfillment[](2);
        (items[0], items[1]) = (item(first, 0), item(first + 1, 1));
        bytes memory stopped = abi.encodeWithSelector(IVerifierRouter.SelectorStopped.selector, selector);
        refused(items, stopped);
        vm.expectRevert(stopped);
        oracle.submitSet(BATCHED, root, depth, setProof);
        oracle.fulfillFromSet(first, payee, answer(), earlier, 0, path);
        vm.prank(admin);
        router.resume(selector);
        vm.assertEq(bring(items), 1); // the other one was answered from the earlier set
    }

    /// @dev A request alone is a batch of one, by `fulfill` as by a set.
    function test_O9_O10_single_requests_of_the_same_model() public {
        uint256 id = askBatched();
        askBatched();
        Results memory r = Results(new uint256[](1), prompt(), answer());
        r.contexts[0] = oracle.contextOf(id, payee);
        oracle.fulfill(id, payee, answer(), blobFor(r));
        vm.assertEq(oracle.getResult(id).verifier, address(batch));
        vm.expectRevert(abi.encodeWithSelector(IModelVerifier.ProofRejected.selector));
        oracle.fulfill(id + 1, payee, answer(), blobFor(r));
        Fulfillment[] memory items = new Fulfillment[](1);
        r.contexts[0] = oracle.contextOf(id + 1, payee);
        items[0] = Fulfillment(id + 1, payee, answer(), blobFor(r));
        vm.assertEq(oracle.fulfillBatch(items), 1);
    }

    function test_O9_O10_only_the_oracle_calls_the_item_function() public {
        (, SetFulfillment[] memory items) = four(address(0), 0);
        oracle.submitSet(BATCHED, root, depth, setProof);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.OnlySelf.selector, address(this)));
        oracle.fulfillSetItem(relayer, root, items[0]);
    }

    function test_O9_O10_a_callback_cannot_start_a_batch() public {
        Reenterer receiver = new Reenterer(oracle, prompt());
        uint256 id = receiver.ask(BATCHED, deadline, 1_000_000);
        prove(id, 1);
        SetFulfillment[] memory items = new SetFulfillment[](1);
        items[0] = item(id, 0);
        vm.assertEq(bring(items), 1);
        vm.assertTrue(oracle.getResult(id).callbackStatus == CallbackStatus.Delivered);
        vm.assertEq(receiver.blocked(), 8);
    }

    function test_O9_O10_hostile_callbacks_do_not_spoil_their_neighbours() public {
        address[4] memory callbacks =
            [address(new GasBurner()), address(new ReturnBomb(true)), address(new ReturnBomb(false)), address(0)];
        uint256 first = askBatched(deadline, callbacks[0], 200_000);
        for (uint256 i = 1; i < SLOTS; ++i) {
            askBatched(deadline, callbacks[i], 200_000);
        }
        prove(first, SLOTS);
        SetFulfillment[] memory items = new SetFulfillment[](SLOTS);
        for (uint256 i = 0; i < SLOTS; ++i) {
            items[i] = item(first + i, i);
        }
        vm.assertEq(oracle.fulfillBatchFromSet{gas: 2_500_000}(BATCHED, root, depth, setProof, items), SLOTS);
        vm.assertEq(oracle.withdrawable(payee), SLOTS * 1 ether);
    }

    /// @dev From far too little gas upwards: whatever is reported stored is stored, a callback gets all its gas or its item fails by name,
    /// and a set is known or not.
    function test_O9_O10_starved_batches_store_all_or_nothing_of_an_item() public {
        RecordingReceiver receiver = new RecordingReceiver();
        uint256[SLOTS + 1] memory seen;
        for (uint256 gas_ = 60_000; gas_ < 2_600_000; gas_ += 73_001) {
            (uint256 first, SetFulfillment[] memory items) = four(address(receiver), 300_000);
            uint256 credited = oracle.withdrawable(payee);
            bytes memory call = abi.encodeCall(oracle.fulfillBatchFromSet, (BATCHED, root, depth, setProof, items));
            (bool success, bytes memory answer_) = address(oracle).call{gas: gas_}(call);
            uint256 stored = success ? abi.decode(answer_, (uint256)) : 0;
            uint256 found = 0;
            for (uint256 i = 0; i < SLOTS; ++i) {
                if (open(first + i)) continue;
                ++found;
                vm.assertTrue(oracle.getResult(first + i).callbackStatus == CallbackStatus.Delivered);
            }
            vm.assertEq(found, stored);
            vm.assertEq(oracle.withdrawable(payee), credited + stored * 1 ether);
            vm.deal(alice, 100 ether);
            ++seen[stored];
        }
        // The scan went from none to all.
        vm.assertTrue(seen[0] > 0 && seen[1] > 0 && seen[SLOTS] > 0);
    }
}
