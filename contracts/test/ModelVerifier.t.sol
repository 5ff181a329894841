// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IModelVerifier} from "../src/IModelVerifier.sol";
import {ModelVerifier} from "../src/ModelVerifier.sol";
import {Leaves} from "./support/Leaves.sol";
import {RawVerifierStub} from "./support/RawVerifierStub.sol";
import {Test} from "./support/Test.sol";

contract ModelVerifierTest is Test {
    uint256 internal constant R =
        21_888_242_871_839_275_222_246_405_745_257_275_088_548_364_400_416_034_343_698_204_186_575_808_495_617;
    bytes32 internal constant MODEL = bytes32(uint256(7));
    uint256 internal constant CONTEXT = uint256(type(uint248).max) - 5;
    uint256 internal constant SNARK_BYTES = 1000; // not a multiple of 32 on purpose
    uint256 internal constant INSTANCES = 12 + 1 + 3 + 2 + 1;

    RawVerifierStub internal raw;
    ModelVerifier internal leaf;

    function setUp() public {
        raw = new RawVerifierStub();
        leaf = deploy(address(raw), MODEL, 384 + SNARK_BYTES, false, address(raw).codehash);
    }

    function deploy(
        address raw_,
        bytes32 model,
        uint256 length,
        bool insecure,
        bytes32 hash
    ) internal returns (ModelVerifier) {
        ModelVerifier.Pins memory pins = Leaves.pins(raw_, model, 3, 2, length);
        pins.srsIsInsecure = insecure;
        pins.rawCodeHash = hash;
        return new ModelVerifier(pins);
    }

    /// @dev A statement as the tests change it, one instance a word.
    struct Statement {
        uint256[] limbs;
        bytes32 model;
        uint256[] inputs;
        uint256[] outputs;
        uint256 context;
        bytes snark;
    }

    function statement(
        uint256 seed
    ) internal pure returns (Statement memory s) {
        s.limbs = new uint256[](12);
        s.inputs = new uint256[](3);
        s.outputs = new uint256[](2);
        for (uint256 i = 0; i < 12; ++i) {
            s.limbs[i] = uint256(keccak256(abi.encode(seed, "limb", i))) >> (256 - 88);
        }
        for (uint256 i = 0; i < 3; ++i) {
            s.inputs[i] = uint256(keccak256(abi.encode(seed, "in", i))) % R;
        }
        for (uint256 i = 0; i < 2; ++i) {
            s.outputs[i] = uint256(keccak256(abi.encode(seed, "out", i))) % R;
        }
        s.model = MODEL;
        s.context = CONTEXT;
        seal(s, seed);
    }

    function instances(
        Statement memory s
    ) internal pure returns (bytes memory) {
        return abi.encodePacked(s.limbs, s.model, s.inputs, s.outputs, s.context);
    }

    /// @dev Makes the SNARK bytes the stub accepts for this statement.
    function seal(
        Statement memory s,
        uint256 seed
    ) internal pure {
        bytes memory body = new bytes(SNARK_BYTES - 32);
        for (uint256 i = 0; i < body.length; ++i) {
            body[i] = bytes1(uint8(uint256(keccak256(abi.encode(seed, i / 32))) >> (8 * (i % 32))));
        }
        s.snark = abi.encodePacked(body, keccak256(abi.encodePacked(instances(s), body)));
    }

    function blob(
        Statement memory s
    ) internal pure returns (bytes memory) {
        return abi.encodePacked(s.limbs, s.snark);
    }

    function verify(
        Statement memory s
    ) internal view {
        leaf.verify(s.model, s.context, s.inputs, s.outputs, blob(s));
    }

    /// @dev Instance number `i` of the whole vector changed to `value`, honestly sealed: only the leaf's own check can refuse it.
    function withInstance(
        Statement memory s,
        uint256 i,
        uint256 value
    ) internal pure {
        if (i < 12) s.limbs[i] = value;
        else if (i < 16) s.inputs[i - 13] = value;
        else if (i < 18) s.outputs[i - 16] = value;
        else s.context = value;
        seal(s, 1);
    }

    function instance(
        Statement memory s,
        uint256 i
    ) internal pure returns (uint256) {
        if (i < 12) return s.limbs[i];
        if (i < 16) return s.inputs[i - 13];
        if (i < 18) return s.outputs[i - 16];
        return s.context;
    }

    // ── accepted ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function test_views() public view {
        vm.assertEq(leaf.modelId(), MODEL);
        vm.assertEq(leaf.inputWords(), 3);
        vm.assertEq(leaf.outputWords(), 2);
        vm.assertEq(leaf.proofLength(), 384 + SNARK_BYTES);
        vm.assertEq(leaf.vkDigest(), bytes32(uint256(9)));
        vm.assertEq(leaf.srsDigest(), bytes32(uint256(10)));
        vm.assertEq(leaf.circuitDigest(), bytes32(uint256(11)));
        vm.assertEq(leaf.rawVerifier(), address(raw));
        vm.assertEq(leaf.keyContract(), address(0));
        vm.assertFalse(leaf.srsIsInsecure());
        vm.assertEq(leaf.SCALAR_MODULUS(), R);
    }

    function testFuzz_accepts_and_passes_exact_calldata(
        uint256 seed
    ) public {
        Statement memory s = statement(seed);
        vm.expectCall(address(raw), abi.encodePacked(instances(s), s.snark), 1);
        verify(s);
    }

    // ── the encoding of arguments ───────────────────────────────────────────────────────────────────────────────────────────────

    function call(
        bytes memory data
    ) private view returns (bool accepted, bytes memory answer) {
        return address(leaf).staticcall(data);
    }

    /// @dev Arguments with bytes behind them, with decoys between, with arrays that share bytes: refused. In another order: the same values.
    function test_V3_arguments_are_read_one_way() public view {
        Statement memory s = statement(1);
        bytes memory proof = blob(s);
        bytes memory good = abi.encodeCall(leaf.verify, (s.model, s.context, s.inputs, s.outputs, proof));
        (bool accepted, bytes memory answer) = call(good);
        vm.assertTrue(accepted);

        for (uint256 extra = 1; extra < 66; ++extra) {
            (accepted, answer) = call(bytes.concat(good, new bytes(extra)));
            vm.assertTrue(!accepted);
            bytes memory refusal =
                abi.encodeWithSelector(IModelVerifier.CalldataLength.selector, good.length + extra, good.length);
            vm.assertTrue(keccak256(answer) == keccak256(refusal));
        }
        // A decoy of the inputs before the arrays, the offsets pointing past it.
        bytes memory tail = abi.encodePacked(
            uint256(3), s.inputs, uint256(2), s.outputs, proof.length, proof, new bytes((32 - proof.length % 32) % 32)
        );
        bytes memory head = abi.encodePacked(leaf.verify.selector, s.model, s.context);
        bytes memory shifted = abi.encodePacked(uint256(0xa0 + 0x80), uint256(0xa0 + 0x100), uint256(0xa0 + 0x160));
        (accepted, answer) = call(abi.encodePacked(head, shifted, uint256(3), s.inputs, tail));
        vm.assertTrue(!accepted);
        vm.assertTrue(bytes4(answer) == IModelVerifier.CalldataLength.selector);
        // Outputs before inputs: no byte more, and the same values; but one statement has one encoding.
        bytes memory swapped = abi.encodePacked(uint256(0xa0 + 0x60), uint256(0xa0), uint256(0xa0 + 0xe0));
        tail = abi.encodePacked(
            uint256(2), s.outputs, uint256(3), s.inputs, proof.length, proof, new bytes((32 - proof.length % 32) % 32)
        );
        (accepted, answer) = call(abi.encodePacked(head, swapped, tail));
        vm.assertTrue(!accepted);
        vm.assertTrue(keccak256(answer) == keccak256(abi.encodeWithSelector(IModelVerifier.CalldataOffset.selector, 2)));
        // Offsets that wrap around or leave calldata.
        for (uint256 word = 2; word < 5; ++word) {
            bytes memory bad = bytes.concat(good);
            uint256 position = 0x24 + 32 * word;
            assembly ("memory-safe") {
                mstore(add(bad, position), not(0))
            }
            (accepted,) = call(bad);
            vm.assertTrue(!accepted);
        }
    }

    // ── split back end: the key contract is pinned ──────────────────────────────────────────────────────────────────────────────

    function test_V14_key_contract_goes_first_and_is_pinned() public {
        RawVerifierStub key = new RawVerifierStub();
        ModelVerifier.Pins memory pins = Leaves.pins(address(raw), MODEL, 3, 2, 384 + SNARK_BYTES);
        pins.keyContract = address(key);
        pins.keyCodeHash = address(key).codehash;
        leaf = new ModelVerifier(pins);
        vm.assertEq(leaf.keyContract(), address(key));
        Statement memory s = statement(1);
        bytes memory body = new bytes(SNARK_BYTES - 32);
        bytes memory statement_ = abi.encodePacked(uint256(uint160(address(key))), instances(s));
        s.snark = abi.encodePacked(body, keccak256(abi.encodePacked(statement_, body)));
        vm.expectCall(address(raw), abi.encodePacked(statement_, s.snark), 1);
        verify(s);
    }

    function test_V14_unknown_key_digest_makes_no_leaf() public {
        ModelVerifier.Pins memory pins = Leaves.pins(address(raw), MODEL, 3, 2, 384 + SNARK_BYTES);
        bytes32 hash = address(raw).codehash;
        bytes4 mismatch = IModelVerifier.KeyContractCodeMismatch.selector;
        // another key, no code, a key where none is pinned, none where one is pinned
        (pins.keyContract, pins.keyCodeHash) = (address(raw), bytes32(uint256(1)));
        refused(pins, abi.encodeWithSelector(mismatch, hash, bytes32(uint256(1))));
        (pins.keyContract, pins.keyCodeHash) = (address(0xdead), bytes32(0));
        refused(pins, abi.encodeWithSelector(mismatch, bytes32(0), bytes32(0)));
        (pins.keyContract, pins.keyCodeHash) = (address(raw), bytes32(0));
        refused(pins, abi.encodeWithSelector(mismatch, hash, bytes32(0)));
        (pins.keyContract, pins.keyCodeHash) = (address(0), hash);
        refused(pins, abi.encodeWithSelector(mismatch, bytes32(0), hash));
    }

    function refused(
        ModelVerifier.Pins memory pins,
        bytes memory expected
    ) private {
        vm.expectRevert(expected);
        new ModelVerifier(pins);
    }

    function test_accepts_edges() public view {
        Statement memory s = statement(1);
        for (uint256 i = 0; i < INSTANCES; ++i) {
            if (i == 12) continue;
            withInstance(s, i, 0);
            verify(s);
            withInstance(s, i, i < 12 ? (1 << 88) - 1 : R - 1);
            verify(s);
        }
    }

    // ── refused ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function test_refuses_other_model() public {
        Statement memory s = statement(1);
        s.model = bytes32(uint256(8));
        seal(s, 1);
        vm.expectRevert(abi.encodeWithSelector(IModelVerifier.ModelMismatch.selector, s.model, MODEL));
        verify(s);
        // The same model id, not reduced.
        s.model = bytes32(uint256(MODEL) + R);
        seal(s, 1);
        vm.expectRevert(abi.encodeWithSelector(IModelVerifier.ModelMismatch.selector, s.model, MODEL));
        verify(s);
    }

    function test_refuses_wrong_lengths() public {
        Statement memory s = statement(1);
        bytes memory proof = blob(s);
        for (uint256 n = 0; n < 6; ++n) {
            if (n != 3) {
                vm.expectRevert(abi.encodeWithSelector(IModelVerifier.InputLength.selector, n, 3));
                leaf.verify(MODEL, CONTEXT, new uint256[](n), s.outputs, proof);
            }
            if (n != 2) {
                vm.expectRevert(abi.encodeWithSelector(IModelVerifier.OutputLength.selector, n, 2));
                leaf.verify(MODEL, CONTEXT, s.inputs, new uint256[](n), proof);
            }
        }
        uint256[5] memory lengths = [uint256(0), 383, 384, 384 + SNARK_BYTES - 1, 384 + SNARK_BYTES + 1];
        for (uint256 i = 0; i < lengths.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IModelVerifier.ProofLength.selector, lengths[i], 384 + SNARK_BYTES));
            leaf.verify(MODEL, CONTEXT, s.inputs, s.outputs, new bytes(lengths[i]));
        }
        // A longer one that starts with a good one.
        vm.expectRevert(abi.encodeWithSelector(IModelVerifier.ProofLength.selector, 384 + SNARK_BYTES + 32, 384 + SNARK_BYTES));
        leaf.verify(MODEL, CONTEXT, s.inputs, s.outputs, abi.encodePacked(proof, uint256(0)));
    }

    function test_refuses_each_instance_outside_the_field() public {
        for (uint256 i = 0; i < INSTANCES; ++i) {
            if (i == 12) continue; // M: ModelMismatch, tested above
            Statement memory s = statement(i);
            uint256 honest = instance(s, i);
            uint256[3] memory bad = [R, honest + R, type(uint256).max];
            for (uint256 j = 0; j < bad.length; ++j) {
                withInstance(s, i, bad[j]);
                vm.expectRevert(abi.encodeWithSelector(IModelVerifier.InstanceNotInField.selector, i));
                verify(s);
            }
        }
    }

    function testFuzz_refuses_instance_outside_the_field(
        uint256 index,
        uint256 value
    ) public {
        index = bound(index, 0, INSTANCES - 2);
        if (index >= 12) ++index;
        Statement memory s = statement(3);
        withInstance(s, index, bound(value, R, type(uint256).max));
        vm.expectRevert(abi.encodeWithSelector(IModelVerifier.InstanceNotInField.selector, index));
        verify(s);
    }

    function test_refuses_each_limb_out_of_range() public {
        for (uint256 i = 0; i < 12; ++i) {
            Statement memory s = statement(i);
            withInstance(s, i, 1 << 88);
            vm.expectRevert(abi.encodeWithSelector(IModelVerifier.LimbOutOfRange.selector, i));
            verify(s);
            withInstance(s, i, R - 1);
            vm.expectRevert(abi.encodeWithSelector(IModelVerifier.LimbOutOfRange.selector, i));
            verify(s);
        }
    }

    function testFuzz_refuses_any_flipped_bit(
        uint256 bit
    ) public {
        Statement memory s = statement(2);
        bit = bound(bit, 384 * 8, (384 + SNARK_BYTES) * 8 - 1);
        bytes memory proof = blob(s);
        proof[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        leaf.verify(s.model, s.context, s.inputs, s.outputs, proof);
    }

    function testFuzz_refuses_any_changed_instance(
        uint256 index,
        uint256 value
    ) public {
        index = bound(index, 0, INSTANCES - 2);
        if (index >= 12) ++index;
        Statement memory s = statement(4);
        bytes memory snark = s.snark;
        value = bound(value, 0, index < 12 ? (1 << 88) - 1 : R - 1);
        vm.assume(value != instance(s, index));
        withInstance(s, index, value);
        s.snark = snark;
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        verify(s);
    }

    /// @dev Whatever gas it is given, it never returns for a bad proof. A good one is refused with too little, out of gas here or behind
    /// the raw verifier, and accepted from some amount upwards.
    function test_starved_of_gas_never_accepts() public view {
        Statement memory s = statement(5);
        bytes memory good = blob(s);
        bytes memory bad = blob(s);
        bad[bad.length - 1] ^= 0x01;
        bool enough = false;
        for (uint256 gas_ = 1000; gas_ < 60_000; gas_ += 197) {
            (bool accepted,) = starved(s, bad, gas_);
            vm.assertFalse(accepted);
            bytes memory reason;
            (accepted, reason) = starved(s, good, gas_);
            vm.assertTrue(accepted || !enough, "more gas, and refused again");
            enough = accepted;
            if (!accepted) vm.assertTrue(reason.length == 0 || bytes4(reason) == IModelVerifier.ProofRejected.selector);
        }
        vm.assertTrue(enough);
    }

    function starved(
        Statement memory s,
        bytes memory proof,
        uint256 gas_
    ) internal view returns (bool, bytes memory) {
        return address(leaf).staticcall{gas: gas_}(abi.encodeCall(leaf.verify, (s.model, s.context, s.inputs, s.outputs, proof)));
    }

    // ── construction ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function test_construction_checks_raw_code() public {
        bytes32 hash = address(raw).codehash;
        vm.expectRevert(abi.encodeWithSelector(IModelVerifier.RawVerifierCodeMismatch.selector, hash, bytes32(uint256(1))));
        deploy(address(raw), MODEL, 1000, false, bytes32(uint256(1)));
        // No account: hash 0. An account without code: hash of nothing. Neither will do, whatever was expected.
        address nobody = makeAddress("nobody");
        vm.expectRevert(abi.encodeWithSelector(IModelVerifier.RawVerifierCodeMismatch.selector, bytes32(0), bytes32(0)));
        deploy(nobody, MODEL, 1000, false, bytes32(0));
        vm.deal(nobody, 1);
        bytes32 empty = keccak256("");
        vm.expectRevert(abi.encodeWithSelector(IModelVerifier.RawVerifierCodeMismatch.selector, empty, empty));
        deploy(nobody, MODEL, 1000, false, empty);
    }

    function test_construction_refuses_insecure_srs_on_public_chains() public {
        bytes32 hash = address(raw).codehash;
        vm.assertTrue(deploy(address(raw), MODEL, 1000, true, hash).srsIsInsecure());
        vm.chainId(1337);
        deploy(address(raw), MODEL, 1000, true, hash);
        uint256[4] memory chains = [uint256(1), 10, 8453, 11_155_111];
        for (uint256 i = 0; i < chains.length; ++i) {
            vm.chainId(chains[i]);
            vm.expectRevert(abi.encodeWithSelector(IModelVerifier.InsecureSrsOnPublicChain.selector, chains[i]));
            deploy(address(raw), MODEL, 1000, true, hash);
            deploy(address(raw), MODEL, 1000, false, hash);
        }
    }

    function test_construction_checks_model_and_length() public {
        bytes32 hash = address(raw).codehash;
        vm.expectRevert(abi.encodeWithSelector(IModelVerifier.InstanceNotInField.selector, 12));
        deploy(address(raw), bytes32(R), 1000, false, hash);
        deploy(address(raw), bytes32(R - 1), 1000, false, hash);
        vm.expectRevert(abi.encodeWithSelector(IModelVerifier.ProofLength.selector, 384, 385));
        deploy(address(raw), MODEL, 384, false, hash);
        deploy(address(raw), MODEL, 385, false, hash);
    }
}
