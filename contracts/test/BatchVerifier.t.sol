// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BatchVerifier} from "../src/BatchVerifier.sol";
import {IBatchVerifier} from "../src/IBatchVerifier.sol";
import {IModelVerifier} from "../src/IModelVerifier.sol";
import {ModelVerifier} from "../src/ModelVerifier.sol";
import {Batches, Results} from "./support/Batches.sol";
import {Leaves} from "./support/Leaves.sol";
import {MockModelVerifier} from "./support/MockModelVerifier.sol";
import {RawVerifierStub} from "./support/RawVerifierStub.sol";
import {Test} from "./support/Test.sol";

/// @dev O10: one proof for several results, over a flat verifier that accepts exactly the statement a "proof" is the hash of.
contract BatchVerifierTest is Test {
    bytes32 internal constant MODEL = bytes32(uint256(0x6d6f64656c));
    uint256 internal constant SLOTS = 4;
    uint256 internal constant IN = 3;
    uint256 internal constant OUT = 2;

    // Computed with `cast`; oracle/src/batch.rs has the same.
    bytes32 internal constant STORED_CONTEXT = 0x00435bb5ee7c59c6f284f048f7ff85a04c107c4cf7a66efbf51479788d45dacf;
    bytes32 internal constant STORED_LEAF = 0x3e9655061c1d5084566f0bddce7e11ff0aa761e68d317ce7800b43e8b3c5c203;
    bytes32 internal constant STORED_ROOT = 0x3a812d549572a34e1718adb228dc7ed779f6bd8aeb69b18482b68ede373488f7;
    bytes32 internal constant STORED_PROOF = 0xac1188e8fca9386f4aec0da99311fa2c960a5aeb92a4dfc05708ca8f2bb2ed50;

    MockModelVerifier internal flat;
    BatchVerifier internal batch;

    function setUp() public {
        flat = new MockModelVerifier(MODEL, SLOTS * IN, SLOTS * OUT);
        batch = new BatchVerifier(flat, SLOTS);
    }

    function random(
        uint256 count,
        uint256 seed
    ) internal pure returns (uint256[] memory words) {
        words = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            words[i] = uint256(keccak256(abi.encode(seed, count, i)));
        }
    }

    function results(
        uint256 count,
        uint256 seed
    ) internal pure returns (Results memory) {
        return Results(random(count, seed), random(count * IN, seed), random(count * OUT, seed));
    }

    /// @dev What the flat verifier accepts for these results in SLOTS slots.
    function blobFor(
        Results memory r
    ) internal view returns (bytes memory) {
        uint256[] memory inputs = Batches.filled(r.inputs, IN, SLOTS);
        return flat.proofOf(Batches.context(r.contexts, SLOTS), inputs, Batches.filled(r.outputs, OUT, SLOTS));
    }

    function proofFor(
        Results memory r
    ) internal view returns (bytes memory) {
        return Batches.encode(r, blobFor(r));
    }

    function refusesSet(
        bytes memory reason,
        bytes32 root,
        uint8 depth,
        bytes memory proof
    ) internal {
        vm.expectRevert(reason);
        batch.verifySet(MODEL, root, depth, proof);
    }

    // ── construction ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function test_O10_says_of_itself_what_the_flat_verifier_says_but_for_one_result() public {
        vm.assertEq(address(batch.flat()), address(flat));
        vm.assertEq(batch.slots(), SLOTS);
        vm.assertEq(batch.inputWords(), IN);
        vm.assertEq(batch.outputWords(), OUT);
        vm.assertEq(batch.modelId(), flat.modelId());
        vm.assertEq(batch.vkDigest(), flat.vkDigest());
        vm.assertEq(batch.srsDigest(), flat.srsDigest());
        vm.assertEq(batch.circuitDigest(), flat.circuitDigest());
        vm.assertTrue(batch.srsIsInsecure());
        vm.assertEq(batch.proofLength(), flat.proofLength());
        RawVerifierStub raw = new RawVerifierStub();
        ModelVerifier.Pins memory pins = Leaves.pins(address(raw), MODEL, SLOTS * IN, SLOTS * OUT, 421);
        (pins.keyContract, pins.keyCodeHash) = (address(flat), address(flat).codehash);
        BatchVerifier other = new BatchVerifier(new ModelVerifier(pins), SLOTS);
        vm.assertEq(other.rawVerifier(), address(raw));
        vm.assertEq(other.keyContract(), address(flat));
        vm.assertEq(other.proofLength(), 421);
        vm.assertFalse(other.srsIsInsecure());
    }

    function test_O10_slots_must_share_out_the_words() public {
        for (uint256 slots = 0; slots < 2; ++slots) {
            vm.expectRevert(abi.encodeWithSelector(BatchVerifier.TooFewSlots.selector, slots));
            new BatchVerifier(flat, slots);
        }
        vm.expectRevert(abi.encodeWithSelector(BatchVerifier.WordsNotDivisible.selector, SLOTS * IN, 5));
        new BatchVerifier(flat, 5);
        vm.expectRevert(abi.encodeWithSelector(BatchVerifier.WordsNotDivisible.selector, SLOTS * OUT, 3));
        new BatchVerifier(flat, 3); // 12 input words are three times four, 8 output words are not
    }

    // ── sets ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function testFuzz_O10_a_set_of_every_size_and_depth(
        uint256 count,
        uint256 depth,
        uint256 seed
    ) public {
        count = bound(count, 1, SLOTS);
        uint256 least = count > 2 ? 2 : count - 1;
        depth = bound(depth, least, 6);
        Results memory r = results(count, seed);
        bytes32 root = Batches.root(MODEL, r, depth);
        batch.verifySet(MODEL, root, uint8(depth), proofFor(r));
        if (least == 0) return;
        bytes4 s = IBatchVerifier.SetTooShallow.selector;
        refusesSet(abi.encodeWithSelector(s, count, least - 1), root, uint8(least - 1), proofFor(r));
    }

    /// @dev Far more levels than leaves: unused subtrees are hashed, not built.
    function test_O10_deep_trees_of_few_leaves() public view {
        Results memory r = results(3, 1);
        bytes32 node = Batches.root(MODEL, r, 2);
        bytes32 unused = 0;
        for (uint256 level = 0; level < 255; ++level) {
            if (level >= 2) {
                batch.verifySet(MODEL, node, uint8(level), proofFor(r));
                node = keccak256(abi.encode(keccak256("halocast.set.node.v1"), node, unused));
            }
            unused = keccak256(abi.encode(keccak256("halocast.set.node.v1"), unused, unused));
        }
        batch.verifySet(MODEL, node, 255, proofFor(r));
    }

    function test_O10_another_root_depth_or_model_is_refused() public {
        Results memory r = results(3, 1);
        bytes32 root = Batches.root(MODEL, r, 2);
        bytes4 s = IBatchVerifier.SetRootMismatch.selector;
        for (uint256 bit = 0; bit < 256; ++bit) {
            bytes32 wrong = root ^ bytes32(1 << bit);
            refusesSet(abi.encodeWithSelector(s, wrong, root), wrong, 2, proofFor(r));
        }
        refusesSet(abi.encodeWithSelector(s, root, Batches.root(MODEL, r, 3)), root, 3, proofFor(r));
        refusesSet(abi.encodeWithSelector(s, bytes32(0), root), 0, 2, proofFor(r));
        bytes32 other = bytes32(uint256(5));
        bytes memory proof = proofFor(r);
        vm.expectRevert(abi.encodeWithSelector(IBatchVerifier.BatchModelMismatch.selector, other, MODEL));
        batch.verifySet(other, Batches.root(other, r, 2), 2, proof);
    }

    /// @dev Every word of every result twice: with the old root, and with the root that the changed words have.
    function testFuzz_O10_every_changed_word_is_refused(
        uint256 count,
        uint256 seed
    ) public {
        count = bound(count, 1, SLOTS);
        Results memory r = results(count, seed);
        bytes32 root = Batches.root(MODEL, r, 2);
        bytes memory blob = blobFor(r);
        for (uint256 part = 0; part < 3; ++part) {
            uint256[] memory words = part == 0 ? r.contexts : part == 1 ? r.inputs : r.outputs;
            for (uint256 w = 0; w < words.length; ++w) {
                uint256 change = 1 << (seed % 256);
                words[w] ^= change;
                bytes32 changed = Batches.root(MODEL, r, 2);
                bytes memory proof = Batches.encode(r, blob);
                refusesSet(abi.encodeWithSelector(IBatchVerifier.SetRootMismatch.selector, root, changed), root, 2, proof);
                refusesSet(abi.encodeWithSelector(IModelVerifier.ProofRejected.selector), changed, 2, proof);
                words[w] ^= change;
            }
        }
        blob[seed % 32] ^= 0x01;
        refusesSet(abi.encodeWithSelector(IModelVerifier.ProofRejected.selector), root, 2, Batches.encode(r, blob));
    }

    /// @dev Results told in another order are another statement.
    function test_O10_order_counts() public {
        Results memory r = results(2, 1);
        bytes memory blob = blobFor(r);
        Results memory first = Batches.single(r, 0);
        Results memory second = Batches.single(r, 1);
        Results memory swapped;
        swapped.contexts = joined(second.contexts, first.contexts);
        swapped.inputs = joined(second.inputs, first.inputs);
        swapped.outputs = joined(second.outputs, first.outputs);
        bytes32 root = Batches.root(MODEL, swapped, 1);
        refusesSet(abi.encodeWithSelector(IModelVerifier.ProofRejected.selector), root, 1, Batches.encode(swapped, blob));
        // Contexts exchanged only: each result would be paid to the other's payee.
        (r.contexts[0], r.contexts[1]) = (r.contexts[1], r.contexts[0]);
        root = Batches.root(MODEL, r, 1);
        refusesSet(abi.encodeWithSelector(IModelVerifier.ProofRejected.selector), root, 1, Batches.encode(r, blob));
    }

    function joined(
        uint256[] memory a,
        uint256[] memory b
    ) internal pure returns (uint256[] memory all) {
        all = new uint256[](a.length + b.length);
        for (uint256 i = 0; i < all.length; ++i) {
            all[i] = i < a.length ? a[i] : b[i - a.length];
        }
    }

    // ── a single result ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    function testFuzz_O10_a_single_result_fills_all_slots(
        uint256 seed
    ) public {
        Results memory r = results(1, seed);
        bytes memory blob = blobFor(r);
        batch.verify(MODEL, r.contexts[0], r.inputs, r.outputs, blob);
        for (uint256 part = 0; part < 3; ++part) {
            uint256[] memory words = part == 0 ? r.contexts : part == 1 ? r.inputs : r.outputs;
            for (uint256 w = 0; w < words.length; ++w) {
                words[w] ^= 1 << (seed % 256);
                refusesOne(abi.encodeWithSelector(IModelVerifier.ProofRejected.selector), r, blob);
                words[w] ^= 1 << (seed % 256);
            }
        }
        blob[seed % 32] ^= 0x80;
        refusesOne(abi.encodeWithSelector(IModelVerifier.ProofRejected.selector), r, blob);
    }

    function refusesOne(
        bytes memory reason,
        Results memory r,
        bytes memory blob
    ) internal {
        vm.expectRevert(reason);
        batch.verify(MODEL, r.contexts[0], r.inputs, r.outputs, blob);
    }

    function test_O10_lengths_of_a_single_result_are_those_of_one_slot() public {
        Results memory r = results(1, 1);
        bytes memory blob = blobFor(r);
        vm.expectRevert(abi.encodeWithSelector(IModelVerifier.ModelMismatch.selector, bytes32(uint256(5)), MODEL));
        batch.verify(bytes32(uint256(5)), r.contexts[0], r.inputs, r.outputs, blob);
        for (uint256 length = 0; length <= SLOTS * IN; ++length) {
            if (length == IN) continue;
            Results memory other = Results(r.contexts, new uint256[](length), r.outputs);
            refusesOne(abi.encodeWithSelector(IModelVerifier.InputLength.selector, length, IN), other, blob);
        }
        for (uint256 length = 0; length <= SLOTS * OUT; ++length) {
            if (length == OUT) continue;
            Results memory other = Results(r.contexts, r.inputs, new uint256[](length));
            refusesOne(abi.encodeWithSelector(IModelVerifier.OutputLength.selector, length, OUT), other, blob);
        }
        refusesOne(abi.encodeWithSelector(IModelVerifier.ProofLength.selector, 33, 32), r, bytes.concat(blob, hex"00"));
    }

    // ── one proof, one statement ─────────────────────────────────────────────────────────────────────────────────────────────────

    /// @dev A set's proof is no proof of one of its results, nor of fewer or other ones; equal statements have equal proofs.
    function test_O10_a_proof_is_good_for_its_own_results_only() public {
        Results memory three = results(3, 1);
        bytes memory blob = blobFor(three);
        bytes memory rejected = abi.encodeWithSelector(IModelVerifier.ProofRejected.selector);
        for (uint256 i = 0; i < 3; ++i) {
            Results memory one = Batches.single(three, i);
            refusesOne(rejected, one, blob);
            refusesSet(rejected, Batches.root(MODEL, one, 0), 0, Batches.encode(one, blob));
            // Nor is a result's own proof one of the set.
            refusesSet(rejected, Batches.root(MODEL, three, 2), 2, Batches.encode(three, blobFor(one)));
        }
        // The same in a statement whose context is not hashed: the flat verifier's own, of which no result's context is one.
        Results memory first = Batches.single(three, 0);
        uint256[] memory inputs = Batches.filled(first.inputs, IN, SLOTS);
        bytes memory unhashed = flat.proofOf(first.contexts[0], inputs, Batches.filled(first.outputs, OUT, SLOTS));
        refusesOne(rejected, first, unhashed);

        bytes memory alone = blobFor(first);
        batch.verify(MODEL, first.contexts[0], first.inputs, first.outputs, alone);
        batch.verifySet(MODEL, Batches.root(MODEL, first, 0), 0, Batches.encode(first, alone));
    }

    /// @dev The last result told twice is what fills the slots anyway: the same proof, of two true sets.
    function test_O10_a_repeated_last_result_is_the_same_statement() public {
        Results memory r = results(2, 1);
        Results memory last = Batches.single(r, 1);
        Results memory more =
            Results(joined(r.contexts, last.contexts), joined(r.inputs, last.inputs), joined(r.outputs, last.outputs));
        bytes memory blob = blobFor(r);
        batch.verifySet(MODEL, Batches.root(MODEL, r, 2), 2, Batches.encode(r, blob));
        batch.verifySet(MODEL, Batches.root(MODEL, more, 2), 2, Batches.encode(more, blob));
        vm.assertTrue(Batches.root(MODEL, r, 2) != Batches.root(MODEL, more, 2));
        // The first one told twice is not.
        Results memory first = Batches.single(r, 0);
        more = Results(joined(first.contexts, r.contexts), joined(first.inputs, r.inputs), joined(first.outputs, r.outputs));
        bytes32 root = Batches.root(MODEL, more, 2);
        refusesSet(abi.encodeWithSelector(IModelVerifier.ProofRejected.selector), root, 2, Batches.encode(more, blob));
    }

    function testFuzz_O10_the_context_is_the_documented_hash(
        uint256 count,
        uint256 seed
    ) public {
        count = bound(count, 1, SLOTS);
        uint256[] memory contexts = random(count, seed);
        uint256 context = batch.batchContextOf(contexts);
        vm.assertEq(context, Batches.context(contexts, SLOTS));
        vm.assertEq(context >> 248, 0);
        vm.assertEq(batch.BATCH_TAG(), keccak256("halocast.batch.context.v1"));
        for (uint256 length = 0; length <= SLOTS + 1; length += SLOTS + 1) {
            vm.expectRevert(abi.encodeWithSelector(BatchVerifier.BatchSize.selector, length, SLOTS));
            batch.batchContextOf(new uint256[](length));
        }
    }

    /// @dev Three of four slots; numbers that `oracle/src/batch.rs` has as well.
    function test_O10_the_stored_numbers() public view {
        Results memory r = Results(new uint256[](3), new uint256[](3 * IN), new uint256[](3 * OUT));
        for (uint256 i = 0; i < r.inputs.length; ++i) {
            if (i < 3) r.contexts[i] = 1000 + i;
            r.inputs[i] = 1 + i;
            if (i < r.outputs.length) r.outputs[i] = 101 + i;
        }
        vm.assertEq(bytes32(batch.batchContextOf(r.contexts)), STORED_CONTEXT);
        bytes32[][] memory levels = Batches.tree(MODEL, r, 2);
        vm.assertEq(levels[0][0], STORED_LEAF);
        vm.assertEq(levels[2][0], STORED_ROOT);
        vm.assertEq(keccak256(Batches.encode(r, hex"0102030405")), STORED_PROOF);
        batch.verifySet(MODEL, STORED_ROOT, 2, proofFor(r));
    }
}

/// @dev O10: there is one encoding of a set's proof. The flat verifier is a leaf whose proofs do not fill their last word.
contract SetProofEncodingTest is Test {
    bytes32 internal constant MODEL = bytes32(uint256(0x6d6f64656c));
    uint256 internal constant SLOTS = 3;
    uint256 internal constant BLOB = 384 + 5 + 32;
    /// Results in the honest proof.
    uint256 internal constant COUNT = 2;

    BatchVerifier internal batch;
    bytes32 internal root;

    function setUp() public {
        ModelVerifier leaf = new ModelVerifier(Leaves.pins(address(new RawVerifierStub()), MODEL, 2 * SLOTS, SLOTS, BLOB));
        batch = new BatchVerifier(leaf, SLOTS);
        root = Batches.root(MODEL, results(COUNT), 1);
    }

    function results(
        uint256 count
    ) internal pure returns (Results memory r) {
        r = Results(new uint256[](count), new uint256[](2 * count), new uint256[](count));
        for (uint256 i = 0; i < count; ++i) {
            (r.contexts[i], r.inputs[2 * i], r.inputs[2 * i + 1], r.outputs[i]) = (i + 1, i + 10, i + 20, i + 30);
        }
    }

    function blobFor(
        Results memory r
    ) internal pure returns (bytes memory) {
        bytes memory limbs = new bytes(384);
        bytes5 body = 0x0102030405;
        uint256[] memory inputs = Batches.filled(r.inputs, 2, SLOTS);
        uint256[] memory outputs = Batches.filled(r.outputs, 1, SLOTS);
        uint256 context = Batches.context(r.contexts, SLOTS);
        return abi.encodePacked(limbs, body, keccak256(abi.encodePacked(limbs, MODEL, inputs, outputs, context, body)));
    }

    function honest() internal pure returns (bytes memory) {
        Results memory r = results(COUNT);
        return Batches.encode(r, blobFor(r));
    }

    function refuses(
        bytes memory reason,
        bytes memory proof
    ) internal {
        vm.expectRevert(reason);
        batch.verifySet(MODEL, root, 1, proof);
    }

    function word(
        bytes memory data,
        uint256 at
    ) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(add(data, 32), at))
        }
    }

    function put(
        bytes memory data,
        uint256 at,
        uint256 value
    ) internal pure {
        assembly ("memory-safe") {
            mstore(add(add(data, 32), at), value)
        }
    }

    /// @dev Offsets and lengths, each with every other number that could mean something; the number of results apart.
    function test_O10_every_offset_and_length_has_one_value() public {
        bytes memory proof = honest();
        batch.verifySet(MODEL, root, 1, proof);
        uint256[7] memory places = [uint256(0), 32, 64, 96, 128 + 32 * 3, 128 + 32 * 8, 128 + 32 * 11];
        for (uint256 p = 0; p < places.length; ++p) {
            uint256 good = word(proof, places[p]);
            for (uint256 other = 0; other <= proof.length + 32; ++other) {
                if (other == good) continue;
                put(proof, places[p], other);
                refuses(abi.encodeWithSelector(BatchVerifier.SetProofEncoding.selector, places[p], other, good), proof);
            }
            for (uint256 bit = 16; bit < 256; ++bit) {
                put(proof, places[p], good ^ (1 << bit));
                bytes4 s = BatchVerifier.SetProofEncoding.selector;
                refuses(abi.encodeWithSelector(s, places[p], good ^ (1 << bit), good), proof);
            }
            put(proof, places[p], good);
        }
        batch.verifySet(MODEL, root, 1, proof);
    }

    function test_O10_number_of_results() public {
        bytes memory proof = honest();
        uint256[5] memory none = [uint256(0), SLOTS + 1, 1 << 64, 1 << 255, type(uint256).max];
        for (uint256 i = 0; i < none.length; ++i) {
            put(proof, 128, none[i]);
            refuses(abi.encodeWithSelector(BatchVerifier.BatchSize.selector, none[i], SLOTS), proof);
        }
        // Numbers within range have another length.
        put(proof, 128, 1);
        bytes4 s = BatchVerifier.SetProofLength.selector;
        refuses(abi.encodeWithSelector(s, proof.length, proof.length - 4 * 32), proof);
        put(proof, 128, 3);
        refuses(abi.encodeWithSelector(s, proof.length, proof.length + 4 * 32), proof);
        // As an encoder writes them.
        uint256[] memory nothing = new uint256[](0);
        refuses(
            abi.encodeWithSelector(BatchVerifier.BatchSize.selector, 0, SLOTS),
            abi.encode(nothing, nothing, nothing, blobFor(results(1)))
        );
        proof = Batches.encode(results(4), blobFor(results(3)));
        refuses(abi.encodeWithSelector(BatchVerifier.BatchSize.selector, 4, SLOTS), proof);
    }

    /// @dev Arrays that do not belong together, as an encoder writes them.
    function test_O10_arrays_of_other_lengths() public {
        Results memory r = results(COUNT);
        bytes memory blob = blobFor(r);
        uint256 length = honest().length;
        bytes4 s = BatchVerifier.SetProofLength.selector;
        bytes memory more = abi.encode(r.contexts, new uint256[](5), r.outputs, blob);
        refuses(abi.encodeWithSelector(s, length + 32, length), more);
        more = abi.encode(r.contexts, r.inputs, new uint256[](1), blob);
        refuses(abi.encodeWithSelector(s, length - 32, length), more);
        // One more here, one less there: the bytes are as many.
        s = BatchVerifier.SetProofEncoding.selector;
        more = abi.encode(r.contexts, new uint256[](5), new uint256[](1), blob);
        refuses(abi.encodeWithSelector(s, 64, 128 + 32 * 9, 128 + 32 * 8), more);
        more = abi.encode(r.contexts, r.inputs, r.outputs, bytes.concat(blob, hex"00"));
        refuses(abi.encodeWithSelector(s, 128 + 32 * 11, BLOB + 1, BLOB), more);
    }

    function test_O10_cut_and_lengthened_proofs() public {
        bytes memory whole = honest();
        for (uint256 length = 0; length < whole.length; ++length) {
            bytes memory cut = new bytes(length);
            for (uint256 i = 0; i < length; ++i) {
                cut[i] = whole[i];
            }
            uint256 expected = length < 160 ? 160 : whole.length;
            refuses(abi.encodeWithSelector(BatchVerifier.SetProofLength.selector, length, expected), cut);
        }
        bytes4 s = BatchVerifier.SetProofLength.selector;
        refuses(abi.encodeWithSelector(s, whole.length + 1, whole.length), bytes.concat(whole, hex"00"));
        refuses(abi.encodeWithSelector(s, whole.length + 32, whole.length), bytes.concat(whole, bytes32(0)));
    }

    function test_O10_padding_is_zero() public {
        bytes memory proof = honest();
        uint256 padding = 32 - BLOB % 32;
        for (uint256 i = 0; i < padding; ++i) {
            proof[proof.length - 1 - i] = 0x01;
            bytes4 s = BatchVerifier.SetProofEncoding.selector;
            refuses(abi.encodeWithSelector(s, proof.length - padding, 1 << 8 * i, 0), proof);
            proof[proof.length - 1 - i] = 0x00;
        }
        batch.verifySet(MODEL, root, 1, proof);
    }

    /// @dev Every bit of every byte counts.
    function test_O10_every_byte_counts() public {
        bytes memory proof = honest();
        for (uint256 i = 0; i < proof.length; ++i) {
            proof[i] ^= bytes1(uint8(1 << (i % 8)));
            (bool success,) = address(batch).staticcall(abi.encodeCall(batch.verifySet, (MODEL, root, 1, proof)));
            vm.assertFalse(success);
            proof[i] ^= bytes1(uint8(1 << (i % 8)));
        }
        batch.verifySet(MODEL, root, 1, proof);
    }

    /// @dev The leaf's own errors come through, with indices over the flat words.
    function test_O10_the_flat_verifiers_errors_come_through() public {
        Results memory r = results(COUNT);
        r.inputs[3] = type(uint256).max;
        root = Batches.root(MODEL, r, 1);
        refuses(abi.encodeWithSelector(IModelVerifier.InstanceNotInField.selector, 13 + 3), Batches.encode(r, blobFor(r)));
        r = results(COUNT);
        bytes memory blob = blobFor(r);
        blob[32 * 2] = 0x01;
        root = Batches.root(MODEL, r, 1);
        refuses(abi.encodeWithSelector(IModelVerifier.LimbOutOfRange.selector, 2), Batches.encode(r, blob));
    }
}
