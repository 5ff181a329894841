// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IBatchVerifier} from "../src/IBatchVerifier.sol";
import {CallbackStatus, Fulfillment, IInferenceOracle, Provenance, RequestStatus} from "../src/IInferenceOracle.sol";
import {IInferenceSets} from "../src/IInferenceSets.sol";
import {IModelRegistry} from "../src/IModelRegistry.sol";
import {IModelVerifier} from "../src/IModelVerifier.sol";
import {InferenceSet} from "../src/InferenceSet.sol";
import {Fixture} from "./support/Fixture.sol";
import {MockBatchVerifier} from "./support/MockBatchVerifier.sol";
import {MockModelVerifier} from "./support/MockModelVerifier.sol";
import {GasBurner, RecordingReceiver, Reenterer, ReturnBomb} from "./support/Receivers.sol";

/// @dev O9: batches with isolated failures.
contract BatchTest is Fixture {
    function item(
        uint256 id
    ) internal view returns (Fulfillment memory) {
        return Fulfillment(id, payee, answer(), proofFor(id, payee, answer()));
    }

    function test_O9_good_ones_are_stored_and_bad_ones_named() public {
        RecordingReceiver receiver = new RecordingReceiver();
        Fulfillment[] memory items = new Fulfillment[](7);
        for (uint256 i = 0; i < 6; ++i) {
            items[i] = item(ask(1 ether, i == 5 ? address(receiver) : address(0), 300_000));
        }
        items[1].proof[3] ^= 0x01;
        items[2].requestId = 99;
        items[3].payee = address(0);
        items[4].outputs = new uint256[](2);
        items[6] = items[0]; // the same again
        failed(1, items[1].requestId, IModelVerifier.ProofRejected.selector);
        failed(2, 99, IInferenceOracle.UnknownRequest.selector);
        failed(3, items[3].requestId, IInferenceOracle.InvalidPayee.selector);
        failed(4, items[4].requestId, IModelVerifier.OutputLength.selector);
        failed(6, items[0].requestId, IInferenceOracle.AlreadyFulfilled.selector);
        vm.prank(relayer);
        vm.assertEq(oracle.fulfillBatch(items), 2);
        for (uint256 id = 1; id <= 6; ++id) {
            bool stored = id == 1 || id == 6;
            vm.assertTrue(oracle.getRequest(id).status == (stored ? RequestStatus.Fulfilled : RequestStatus.Open));
            vm.assertTrue(oracle.getResult(id).provenance == (stored ? Provenance.Proven : Provenance.Pending));
        }
        vm.assertEq(oracle.withdrawable(payee), 2 ether);
        vm.assertEq(receiver.calls(), 1);
    }

    function failed(
        uint256 index,
        uint256 id,
        bytes4 selector
    ) internal {
        vm.expectEmit(address(oracle));
        emit IInferenceOracle.FulfilFailed(index, id, selector);
    }

    function test_O9_event_names_the_sender_not_the_oracle() public {
        Fulfillment[] memory items = new Fulfillment[](1);
        items[0] = item(ask(1 ether, address(0), 0));
        vm.expectEmit(address(oracle));
        emit IInferenceOracle.InferenceFulfilled(
            1, MODEL, payee, relayer, address(verifier), Provenance.Proven, 1 ether, answer()
        );
        vm.prank(relayer);
        oracle.fulfillBatch(items);
    }

    function test_O9_hostile_callbacks_do_not_spoil_their_neighbours() public {
        address[4] memory callbacks =
            [address(new GasBurner()), address(new ReturnBomb(true)), address(new ReturnBomb(false)), address(0)];
        Fulfillment[] memory items = new Fulfillment[](4);
        for (uint256 i = 0; i < 4; ++i) {
            items[i] = item(ask(1 ether, callbacks[i], 200_000));
        }
        vm.assertEq(oracle.fulfillBatch{gas: 2_500_000}(items), 4);
        vm.assertEq(oracle.withdrawable(payee), 4 ether);
    }

    /// @dev From far too little gas upwards: whatever is reported stored is stored, a callback gets all its gas or its item fails by name.
    function test_O9_starved_batches_store_all_or_nothing_of_an_item() public {
        RecordingReceiver receiver = new RecordingReceiver();
        for (uint256 gas_ = 100_000; gas_ < 2_000_000; gas_ += 73_001) {
            uint256 first = ask(1 ether, address(receiver), 300_000);
            Fulfillment[] memory items = new Fulfillment[](3);
            items[0] = item(first);
            items[1] = item(ask(1 ether, address(receiver), 300_000));
            items[2] = item(ask(1 ether, address(receiver), 300_000));
            uint256 credited = oracle.withdrawable(payee);
            (bool success, bytes memory answer_) = address(oracle).call{gas: gas_}(abi.encodeCall(oracle.fulfillBatch, (items)));
            uint256 stored = success ? abi.decode(answer_, (uint256)) : 0;
            uint256 found = 0;
            for (uint256 i = 0; i < 3; ++i) {
                if (oracle.getResult(first + i).provenance != Provenance.Proven) continue;
                ++found;
                vm.assertTrue(oracle.getResult(first + i).callbackStatus == CallbackStatus.Delivered);
            }
            vm.assertEq(found, stored);
            vm.assertEq(oracle.withdrawable(payee), credited + stored * 1 ether);
        }
    }

    function test_O9_only_the_oracle_calls_the_item_function() public {
        uint256 id = ask(1 ether, address(0), 0);
        Fulfillment memory good = item(id);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.OnlySelf.selector, address(this)));
        oracle.fulfillBatchItem(relayer, good);
        vm.assertEq(oracle.fulfillBatch(new Fulfillment[](0)), 0);
    }

    function test_O9_a_callback_cannot_start_a_batch() public {
        Reenterer receiver = new Reenterer(oracle, prompt());
        uint256 id = receiver.ask(MODEL, deadline, 1_000_000);
        Fulfillment[] memory items = new Fulfillment[](1);
        items[0] = item(id);
        oracle.fulfillBatch(items);
        vm.assertTrue(oracle.getResult(id).callbackStatus == CallbackStatus.Delivered);
        vm.assertEq(receiver.blocked(), 8);
    }
}

/// @dev O10: one proof, many results.
contract SetsTest is Fixture {
    uint8 internal constant DEPTH = 3;

    MockBatchVerifier internal batch;
    bytes32[][] internal tree; // tree[0] are the leaves
    bytes32 internal root;

    function setUp() public override {
        super.setUp();
        batch = new MockBatchVerifier(MODEL);
        vm.prank(registrar);
        registry.setBatchVerifier(MODEL, batch);
    }

    function leafFor(
        uint256 id,
        uint256[] calldata outputs
    ) external view returns (bytes32) {
        return InferenceSet.leafHash(MODEL, oracle.contextOf(id, payee), oracle.getRequest(id).inputs, outputs);
    }

    function build(
        bytes32[] memory leaves
    ) internal {
        delete tree;
        tree.push(leaves);
        while (leaves.length > 1) {
            bytes32[] memory above = new bytes32[](leaves.length / 2);
            for (uint256 i = 0; i < above.length; ++i) {
                above[i] = keccak256(abi.encode(keccak256("halocast.set.node.v1"), leaves[2 * i], leaves[2 * i + 1]));
            }
            tree.push(above);
            leaves = above;
        }
        root = leaves[0];
    }

    function pathOf(
        uint256 index
    ) internal view returns (bytes32[] memory path) {
        path = new bytes32[](tree.length - 1);
        for (uint256 level = 0; level < path.length; ++level) {
            path[level] = tree[level][(index >> level) ^ 1];
        }
    }

    /// @dev Five requests in a tree of eight leaves.
    function five() internal {
        bytes32[] memory leaves = new bytes32[](8);
        for (uint256 i = 0; i < 5; ++i) {
            leaves[i] = this.leafFor(ask(1 ether, address(0), 0), answer());
        }
        build(leaves);
    }

    function submit() internal {
        oracle.submitSet(MODEL, root, DEPTH, batch.proofOf(root, DEPTH));
    }

    function test_O10_leaf_and_node_are_the_documented_hashes() public {
        five();
        bytes32 tag = keccak256("halocast.set.leaf.v1");
        bytes memory words = abi.encodePacked(answer());
        vm.assertEq(
            tree[0][0],
            keccak256(abi.encode(tag, MODEL, oracle.contextOf(1, payee), keccak256(abi.encodePacked(prompt())), keccak256(words)))
        );
        vm.assertEq(InferenceSet.nodeHash(tree[0][0], tree[0][1]), tree[1][0]);
    }

    function test_O10_one_proof_five_results() public {
        five();
        vm.expectEmit(address(oracle));
        emit IInferenceSets.SetVerified(MODEL, root, DEPTH, address(batch));
        submit();
        (uint8 depth, address by) = oracle.getSet(MODEL, root);
        vm.assertEq(depth, DEPTH);
        vm.assertEq(by, address(batch));
        for (uint256 i = 0; i < 5; ++i) {
            vm.expectEmit(address(oracle));
            emit IInferenceOracle.InferenceFulfilled(
                i + 1, MODEL, payee, relayer, address(batch), Provenance.Proven, 1 ether, answer()
            );
            vm.prank(relayer);
            oracle.fulfillFromSet(i + 1, payee, answer(), root, i, pathOf(i));
            vm.assertEq(oracle.provenOutputs(i + 1), answer());
            vm.assertEq(oracle.getResult(i + 1).verifier, address(batch));
        }
        vm.assertEq(oracle.withdrawable(payee), 5 ether);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.AlreadyFulfilled.selector, 1));
        oracle.fulfillFromSet(1, payee, answer(), root, 0, pathOf(0));
    }

    function refuses(
        bytes memory reason,
        uint256 id,
        address to,
        uint256[] memory outputs,
        uint256 index,
        bytes32[] memory path
    ) internal {
        vm.expectRevert(reason);
        oracle.fulfillFromSet(id, to, outputs, root, index, path);
        vm.assertTrue(oracle.getResult(id).provenance == Provenance.Pending);
    }

    function test_O10_what_is_not_in_the_set_is_refused() public {
        five();
        bytes32[] memory path = pathOf(0);
        refuses(abi.encodeWithSelector(IInferenceSets.SetUnknown.selector, MODEL, root), 1, payee, answer(), 0, path);
        submit();
        bytes memory absent = abi.encodeWithSelector(IInferenceSets.NotInSet.selector, root, 0);
        uint256[] memory lie = answer();
        lie[1] ^= 1;
        refuses(absent, 1, payee, lie, 0, path); // another output
        refuses(absent, 1, alice, answer(), 0, path); // another payee
        refuses(absent, 2, payee, answer(), 0, path); // another request's place
        refuses(abi.encodeWithSelector(IInferenceSets.NotInSet.selector, root, 1), 1, payee, answer(), 1, path);
        path[2] ^= bytes32(uint256(1));
        refuses(absent, 1, payee, answer(), 0, path);
        bytes4 s = IInferenceOracle.OutputWordCount.selector;
        refuses(abi.encodeWithSelector(s, 2, 3), 1, payee, new uint256[](2), 0, path);
        s = IInferenceSets.IndexOutOfRange.selector;
        refuses(abi.encodeWithSelector(s, 8, DEPTH), 1, payee, answer(), 8, pathOf(0));
        refuses(abi.encodeWithSelector(IInferenceOracle.InvalidPayee.selector), 1, address(0), answer(), 0, path);
        vm.chainId(1337);
        refuses(absent, 1, payee, answer(), 0, pathOf(0));
    }

    /// @dev An inner node offered as a leaf, a leaf's two halves as children, shorter and longer paths.
    function test_O10_second_preimages_are_refused() public {
        five();
        submit();
        bytes4 s = IInferenceSets.PathLength.selector;
        for (uint256 length = 0; length < 6; ++length) {
            if (length == DEPTH) continue;
            refuses(abi.encodeWithSelector(s, length, DEPTH), 1, payee, answer(), 0, new bytes32[](length));
        }
        // With the depth of a shallower tree over the same root the inner nodes would be leaves: another set, with a proof of its own.
        bytes memory shallow = batch.proofOf(root, DEPTH);
        vm.expectRevert(abi.encodeWithSelector(IInferenceSets.SetKnown.selector, MODEL, root));
        oracle.submitSet(MODEL, root, DEPTH - 1, shallow);
        bytes32 other = tree[2][0];
        vm.expectRevert(IBatchVerifier.BatchProofRejected.selector);
        oracle.submitSet(MODEL, other, DEPTH - 1, shallow);
        // No leaf preimage (five words) is a node preimage (three words), and the tags differ.
        vm.assertTrue(InferenceSet.LEAF_TAG != InferenceSet.NODE_TAG);
        // A tree hashed without tags (as sorted-pair libraries do) has another root.
        vm.assertTrue(keccak256(abi.encodePacked(tree[0][0], tree[0][1])) != tree[1][0]);
    }

    function testFuzz_O10_every_place_of_every_depth(
        uint256 depth,
        uint256 index,
        bytes32 seed
    ) public {
        depth = bound(depth, 0, 32);
        index = bound(index, 0, (1 << depth) - 1);
        uint256 id = ask(0, address(0), 0);
        bytes32[] memory path = new bytes32[](depth);
        bytes32 node = this.leafFor(id, answer());
        for (uint256 level = 0; level < depth; ++level) {
            path[level] = keccak256(abi.encode(seed, level));
            bool left = (index >> level) & 1 == 0;
            (bytes32 a, bytes32 b) = left ? (node, path[level]) : (path[level], node);
            node = keccak256(abi.encode(keccak256("halocast.set.node.v1"), a, b));
        }
        root = node;
        bytes memory proof = batch.proofOf(root, uint8(depth));
        oracle.submitSet(MODEL, root, uint8(depth), proof);
        if (depth > 0) {
            uint256 wrong = index ^ (1 << (uint256(seed) % depth));
            vm.expectRevert(abi.encodeWithSelector(IInferenceSets.NotInSet.selector, root, wrong));
            oracle.fulfillFromSet(id, payee, answer(), root, wrong, path);
        }
        oracle.fulfillFromSet(id, payee, answer(), root, index, path);
        vm.assertEq(oracle.provenOutputs(id), answer());
    }

    /// @dev The stated bound: 16,000 gas and 1,000 more a level, for three input and output words, as one call from a contract.
    function test_O10_inclusion_gas_is_bounded() public {
        uint256 id = ask(0, address(0), 0);
        uint256 context = oracle.contextOf(id, payee);
        uint256[5] memory depths = [uint256(0), 3, 10, 20, 32];
        for (uint256 i = 0; i < depths.length; ++i) {
            bytes32[] memory path = new bytes32[](depths[i]);
            bytes32 node = this.leafFor(id, answer());
            for (uint256 level = 0; level < path.length; ++level) {
                node = InferenceSet.nodeHash(node, path[level]);
            }
            oracle.submitSet(MODEL, node, uint8(depths[i]), batch.proofOf(node, uint8(depths[i])));
            uint256[] memory inputs = prompt();
            uint256[] memory outputs = answer();
            uint256 before = gasleft();
            oracle.checkInSet(MODEL, node, context, inputs, outputs, 0, path);
            vm.assertLe(before - gasleft(), 16_000 + 1000 * depths[i]);
        }
    }

    function test_submit_refuses() public {
        five();
        bytes memory proof = batch.proofOf(root, DEPTH);
        vm.expectRevert(abi.encodeWithSelector(IInferenceSets.SetTooDeep.selector, 33, 32));
        oracle.submitSet(MODEL, root, 33, proof);
        vm.expectRevert(IBatchVerifier.BatchProofRejected.selector);
        oracle.submitSet(MODEL, root, DEPTH + 1, proof);
        vm.expectRevert(abi.encodeWithSelector(IInferenceSets.NoBatchVerifier.selector, bytes32(uint256(5))));
        oracle.submitSet(bytes32(uint256(5)), root, DEPTH, proof);
        vm.prank(guardian);
        registry.revoke(MODEL);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.ModelRevoked.selector, MODEL));
        oracle.submitSet(MODEL, root, DEPTH, proof);
        vm.expectRevert(abi.encodeWithSelector(IInferenceSets.SetUnknown.selector, MODEL, root));
        oracle.getSet(MODEL, root);
    }

    function test_revoking_the_model_stops_its_sets() public {
        five();
        submit();
        vm.prank(guardian);
        registry.revoke(MODEL);
        refuses(abi.encodeWithSelector(IInferenceOracle.ModelRevoked.selector, MODEL), 1, payee, answer(), 0, pathOf(0));
    }

    function test_a_batch_verifier_is_given_once_and_by_the_registrar() public {
        vm.prank(registrar);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.BatchVerifierSet.selector, MODEL, address(batch)));
        registry.setBatchVerifier(MODEL, batch);
        bytes32 second = bytes32(uint256(2));
        vm.prank(modelOwner);
        vm.expectPartialRevert(IAccessControl.AccessControlUnauthorizedAccount.selector);
        registry.setBatchVerifier(second, batch);
        vm.startPrank(registrar);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.UnknownModel.selector, second));
        registry.setBatchVerifier(second, batch);
        registry.register(second, new MockModelVerifier(second, 3, 3), modelOwner, generateMetadata(T), "");
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.VerifierModelMismatch.selector, MODEL, second));
        registry.setBatchVerifier(second, batch);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.VerifierHasNoCode.selector, alice));
        registry.setBatchVerifier(second, IBatchVerifier(alice));
        MockBatchVerifier good = new MockBatchVerifier(second);
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.InsecureSrsOnPublicChain.selector, 1));
        registry.setBatchVerifier(second, good);
        vm.chainId(31_337);
        vm.expectEmit(address(registry));
        emit IModelRegistry.BatchVerifierAdded(second, address(good), keccak256("mock batch"));
        registry.setBatchVerifier(second, good);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IBatchVerifier.BatchModelMismatch.selector, MODEL, second));
        good.verifySet(MODEL, 0, 0, "");
    }
}
