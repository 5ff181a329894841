// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IInferenceOracle} from "../src/IInferenceOracle.sol";
import {IModelRegistry, ModelMetadata, ModelTask, TensorSpec} from "../src/IModelRegistry.sol";
import {IModelVerifier} from "../src/IModelVerifier.sol";
import {WordPacking} from "../src/WordPacking.sol";
import {ValueVerifier} from "../src/adapters/ValueVerifier.sol";
import {RealHarness} from "../testing/HalocastTest.sol";
import {Fixture} from "./support/Fixture.sol";
import {MockModelVerifier} from "./support/MockModelVerifier.sol";
import {Test} from "./support/Test.sol";

library Values {
    /// @dev The values of packed words of 15 × 16 bits.
    function from(
        uint256[] memory words,
        uint256 count
    ) internal pure returns (int256[] memory values) {
        int16[] memory narrow = WordPacking.unpack(words, count);
        values = new int256[](count);
        for (uint256 i = 0; i < count; ++i) {
            values[i] = narrow[i];
        }
    }
}

contract ValueVerifierTest is Fixture {
    ValueVerifier internal typed;
    uint256 internal constant CONTEXT = 77;

    function setUp() public override {
        super.setUp();
        typed = new ValueVerifier(registry, MODEL);
    }

    function proof() internal view returns (bytes memory) {
        return verifier.proofOf(CONTEXT, prompt(), answer());
    }

    function inputs() internal pure returns (int256[] memory) {
        return Values.from(prompt(), T + 2);
    }

    function outputs() internal pure returns (int256[] memory) {
        return Values.from(answer(), T);
    }

    function test_says_what_the_entry_says() public {
        vm.assertEq(address(typed.registry()), address(registry));
        vm.assertEq(address(typed.verifier()), address(verifier));
        vm.assertEq(typed.modelId(), MODEL);
        vm.assertEq(typed.vkDigest(), verifier.vkDigest());
        vm.assertEq(typed.srsDigest(), verifier.srsDigest());
        vm.assertEq(typed.circuitDigest(), verifier.circuitDigest());
        vm.assertEq(typed.inputValues(), T + 2);
        vm.assertEq(typed.outputValues(), T);
        vm.assertEq(typed.valueBits(), 16);
        vm.assertEq(typed.valuesPerWord(), 15);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.UnknownModel.selector, bytes32(uint256(1))));
        new ValueVerifier(registry, bytes32(uint256(1)));
    }

    function test_takes_the_statement_and_no_other() public {
        typed.verify(CONTEXT, inputs(), outputs(), proof());
        bytes memory good = proof();
        for (uint256 i = 0; i < T + 2; ++i) {
            int256[] memory changed = inputs();
            changed[i] = changed[i] == 32_767 ? int256(0) : changed[i] + 1;
            vm.expectRevert(IModelVerifier.ProofRejected.selector);
            typed.verify(CONTEXT, changed, outputs(), good);
            if (i >= T) continue;
            changed = outputs();
            changed[i] -= 1;
            vm.expectRevert(IModelVerifier.ProofRejected.selector);
            typed.verify(CONTEXT, inputs(), changed, good);
        }
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        typed.verify(CONTEXT + 1, inputs(), outputs(), good);
    }

    function test_refuses_each_value_out_of_range() public {
        int256[4] memory bad = [int256(32_768), -32_769, type(int256).max, type(int256).min];
        bytes memory good = proof();
        for (uint256 i = 0; i < T + 2; ++i) {
            for (uint256 j = 0; j < bad.length; ++j) {
                int256[] memory changed = inputs();
                changed[i] = bad[j];
                vm.expectRevert(abi.encodeWithSelector(ValueVerifier.InputValueOutOfRange.selector, i, bad[j]));
                typed.verify(CONTEXT, changed, outputs(), good);
                if (i >= T) continue;
                changed = outputs();
                changed[i] = bad[j];
                vm.expectRevert(abi.encodeWithSelector(ValueVerifier.OutputValueOutOfRange.selector, i, bad[j]));
                typed.verify(CONTEXT, inputs(), changed, good);
            }
        }
    }

    function test_refuses_other_numbers_of_values() public {
        bytes memory good = proof();
        for (uint256 n = 0; n < T + 20; ++n) {
            if (n != T + 2) {
                vm.expectRevert(abi.encodeWithSelector(ValueVerifier.InputValueCount.selector, n, T + 2));
                typed.verify(CONTEXT, new int256[](n), outputs(), good);
            }
            if (n != T) {
                vm.expectRevert(abi.encodeWithSelector(ValueVerifier.OutputValueCount.selector, n, T));
                typed.verify(CONTEXT, inputs(), new int256[](n), good);
            }
        }
    }

    function test_a_revoked_model_verifies_nothing() public {
        bytes memory good = proof();
        vm.prank(modelOwner);
        registry.deprecate(MODEL);
        typed.verify(CONTEXT, inputs(), outputs(), good);
        vm.prank(guardian);
        registry.revoke(MODEL);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.ModelRevoked.selector, MODEL));
        typed.verify(CONTEXT, inputs(), outputs(), good);
    }

    /// @dev Against the packing written down (contracts/README.md), for every packing that a registry takes: a word read slot by slot.
    function testFuzz_packs_as_the_entry_says(
        uint256 bits,
        uint256 perWord,
        uint256 count,
        uint256 seed
    ) public {
        bits = bound(bits, 1, 248);
        perWord = bound(perWord, 1, 248 / bits);
        count = bound(count, 1, 40);
        ValueVerifier other = packed(uint8(bits), uint8(perWord), uint32(count));
        int256[] memory values = new int256[](count);
        int256 half = int256(1 << (bits - 1));
        for (uint256 i = 0; i < count; ++i) {
            uint256 dice = uint256(keccak256(abi.encode(seed, i)));
            // The edges as well.
            values[i] = dice % 4 == 0 ? -half : dice % 4 == 1 ? half - 1 : int256(dice >> (256 - bits)) - half;
        }
        (uint256[] memory words, uint256[] memory one) = other.pack(values, values);
        vm.assertEq(words, one);
        vm.assertEq(words.length, (count + perWord - 1) / perWord);
        for (uint256 k = 0; k < words.length; ++k) {
            uint256 rest = words[k];
            for (uint256 i = k * perWord; i < (k + 1) * perWord && i < count; ++i) {
                vm.assertTrue(int256(rest & ((1 << bits) - 1)) - half == values[i]);
                rest >>= bits;
            }
            vm.assertEq(rest, 0);
        }
        values[count - 1] = seed % 2 == 0 ? half : -half - 1;
        vm.expectRevert(abi.encodeWithSelector(ValueVerifier.InputValueOutOfRange.selector, count - 1, values[count - 1]));
        other.pack(values, values);
    }

    function packed(
        uint8 bits,
        uint8 perWord,
        uint32 count
    ) internal returns (ValueVerifier) {
        bytes32 id = keccak256(abi.encode(bits, perWord, count)) >> 8;
        ModelMetadata memory m;
        (m.task, m.valueBits, m.valuesPerWord) = (ModelTask.Infer, bits, perWord);
        m.inputs = new TensorSpec[](1);
        m.inputs[0] = tensor("values", count, 1e18);
        m.outputs = m.inputs;
        uint256 words = (uint256(count) + perWord - 1) / perWord;
        MockModelVerifier leaf = new MockModelVerifier(id, words, words);
        vm.prank(registrar);
        registry.register(id, leaf, modelOwner, m, "");
        return new ValueVerifier(registry, id);
    }
}

/// @dev The same over the generated verifier and a proof that the prover made.
contract RealValueVerifierTest is Test, RealHarness {
    function test_real_proof_over_values() public {
        setUpHalocast("test/fixtures/tinygemma.json");
        ValueVerifier typed = new ValueVerifier(models, modelId);
        uint256 context = halocast.contextOf(1, PAYEE);
        int256[] memory inputs = Values.from(storedInputs(), 34);
        int256[] memory outputs = Values.from(storedOutputs(), 32);
        bytes memory proof = storedProof("request");
        typed.verify(context, inputs, outputs, proof);
        outputs[22] += 1; // "Qaris"
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        typed.verify(context, inputs, outputs, proof);
    }
}
