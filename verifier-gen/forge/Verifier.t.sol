// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Target} from "./Harness.sol";
import {Opcodes} from "./Opcodes.sol";
import {Errors, Suite} from "./Suite.sol";

/// @dev Both back ends against the stored proofs; run once by each pipeline of the compiler.
contract VerifierTest is Suite {
    function test_small_monolithic() external {
        vm.assertEq(judge(monolithic("small"), true), "");
    }

    function test_small_split() external {
        vm.assertEq(judge(split("small"), true), "");
    }

    function test_three_layers_monolithic() external {
        vm.assertEq(judge(monolithic("three-layers"), false), "");
    }

    function test_three_layers_split() external {
        vm.assertEq(judge(split("three-layers"), false), "");
    }

    function test_wrap_monolithic() external {
        vm.assertEq(judge(monolithic("wrap"), false), "");
    }

    function test_wrap_split() external {
        vm.assertEq(judge(split("wrap"), false), "");
    }

    function test_wide_fits_and_accepts_its_proof_split() external {
        Target memory target = split("wide");
        vm.assertTrue(accepts(target, calldataOf("wide")), "split");
        vm.assertEq(points(target), "");
    }

    function test_six_layers_fits_and_accepts_its_proof_split() external {
        Target memory target = split("six-layers");
        vm.assertTrue(accepts(target, calldataOf("six-layers")), "split");
        vm.assertEq(canonicalScalars(target), "");
    }

    function test_six_layers_fits_and_accepts_its_proof_monolithic() external {
        Target memory target = monolithic("six-layers");
        vm.assertTrue(accepts(target, calldataOf("six-layers")), "monolithic");
        vm.assertEq(points(target), "");
    }

    /// @dev V1: x + r in every public word is refused by name. V2: so is every evaluation plus r, every coordinate plus q, every point off the curve.
    function test_V1_V2_only_canonical_words_monolithic() external {
        Target memory target = monolithic("small");
        vm.assertEq(canonicalScalars(target), "");
        vm.assertEq(points(target), "");
    }

    function test_V1_V2_only_canonical_words_split() external {
        Target memory target = split("small");
        vm.assertEq(canonicalScalars(target), "");
        vm.assertEq(points(target), "");
    }

    /// @dev V13, by exhaustion: the calldata of a raw verifier has no offsets, only a length, and every other length up to
    /// 64 bytes more is refused. The leaf's arguments: contracts/test/ModelVerifier.t.sol, test_V3_….
    function test_V13_calldata_has_one_meaning() external {
        vm.assertEq(lengths(monolithic("small")), "");
        vm.assertEq(lengths(split("small")), "");
    }

    /// @dev A thousand mutated proofs get the verdict of the native verifier (src/tests/mutations.rs).
    function test_V12_differential_mutations_monolithic() external {
        differential(monolithic("three-layers"));
    }

    function test_V12_differential_mutations_split() external {
        differential(split("three-layers"));
    }

    function test_V12_differential_mutations_wrap_monolithic() external {
        differential(monolithic("wrap"));
    }

    function test_V12_differential_mutations_wrap_split() external {
        differential(split("wrap"));
    }

    function differential(
        Target memory target
    ) private view {
        bytes memory records = vm.readFileBinary(string.concat(path(target.fixture), "/mutations.bin"));
        bytes memory good = calldataOf(target.fixture);
        bytes memory data = bytes.concat(good);
        uint256 count;
        for (uint256 place = 0; place < records.length; ++count) {
            bool expected = records[place] == 0x01;
            uint256 changed = uint8(records[place + 1]);
            uint256 first = place + 2;
            for (place = first; place < first + 34 * changed; place += 34) {
                set(data, index(records, place), word(records, place + 2));
            }
            vm.assertTrue(accepts(target, data) == expected, vm.toString(count));
            for (uint256 i = first; i < place; i += 34) {
                set(data, index(records, i), get(good, index(records, i)));
            }
        }
        vm.assertTrue(count > 1000, "mutations");
    }

    function index(
        bytes memory records,
        uint256 place
    ) private pure returns (uint256) {
        return uint256(uint8(records[place])) << 8 | uint8(records[place + 1]);
    }

    function word(
        bytes memory records,
        uint256 place
    ) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(add(records, 0x20), place))
        }
    }

    /// @dev V5: VERIFIER_FLIPS random bits each (scripts/verifier-tests.sh: 10,000 in all, and prints the seeds), VERIFIER_SEED.
    function test_V5_no_flipped_bit_is_accepted_monolithic() external {
        flip(monolithic("three-layers"));
    }

    function test_V5_no_flipped_bit_is_accepted_split() external {
        flip(split("wrap"));
    }

    function flip(
        Target memory target
    ) private view {
        uint256 seed = vm.envOr("VERIFIER_SEED", 1);
        uint256 flips = vm.envOr("VERIFIER_FLIPS", 100);
        bytes memory data = calldataOf(target.fixture);
        for (uint256 i = 0; i < flips; ++i) {
            uint256 bit = uint256(keccak256(abi.encode(seed, target.fixture, i))) % (8 * data.length);
            data[bit / 8] ^= bytes1(uint8(1 << bit % 8));
            vm.assertTrue(!accepts(target, data), vm.toString(bit));
            data[bit / 8] ^= bytes1(uint8(1 << bit % 8));
        }
        vm.assertTrue(accepts(target, data), "restored");
    }

    /// @dev V4: too little gas at any point is a refusal. Levels: 1/64 to 63/64 of what a good proof takes, so that every precompile starves at some.
    function test_V4_starved_of_gas_never_accepts() external {
        Target memory target = monolithic("three-layers");
        bytes memory data = calldataOf("three-layers");
        uint256 before = gasleft();
        vm.assertTrue(accepts(target, data), "good");
        uint256 whole = before - gasleft();
        for (uint256 i = 1; i < 64; ++i) {
            (bool accepted,) = target.verifier.staticcall{gas: whole * i / 66}(data);
            vm.assertTrue(!accepted, vm.toString(i));
        }
    }

    /// @dev V4: of every call of a precompile success, size and value are looked at.
    function test_V4_each_precompile_is_checked_monolithic() external {
        vm.assertEq(precompiles(monolithic("six-layers")), "");
        vm.assertEq(poles(monolithic("six-layers")), "");
    }

    function test_V4_each_precompile_is_checked_split() external {
        vm.assertEq(precompiles(split("six-layers")), "");
        vm.assertEq(poles(split("six-layers")), "");
        vm.assertEq(precompiles(split("wide")), "");
    }

    /// @dev Of all opcodes that reach out or stay behind, only STATICCALL to the precompiles 5 to 8 and (split) EXTCODECOPY are there.
    function test_V6_no_state_and_no_foreign_code() external {
        scan(monolithic("small").verifier.code, false);
        scan(monolithic("three-layers").verifier.code, false);
        scan(monolithic("six-layers").verifier.code, false);
        scan(monolithic("wrap").verifier.code, false);
        scan(split("small").verifier.code, true);
        scan(split("three-layers").verifier.code, true);
        scan(split("six-layers").verifier.code, true);
        scan(split("wrap").verifier.code, true);
        scan(split("wide").verifier.code, true);
    }

    /// @dev The scan finds each of them as an instruction and none in the data of a push; calls of other addresses, literal or not, too.
    function test_V6_the_scan_finds_what_it_looks_for() external view {
        bytes memory bad = hex"54555c5da0a1a2a3a4f0f1f2f4f5ff3b3c3f";
        for (uint256 i = 0; i < bad.length; ++i) {
            bool reads = i >= bad.length - 3;
            vm.assertEq(Opcodes.forbidden(bytes.concat(hex"60", bad[i], bad[i], hex"00"), false), 2, "found");
            vm.assertEq(Opcodes.forbidden(bytes.concat(hex"60", bad[i], bad[i], hex"00"), true), reads ? 4 : 2, "allowed");
        }
        vm.assertEq(Opcodes.precompileCalls(hex"60055afa600861c350fa").length, 2, "calls");
        bytes[3] memory elsewhere = [bytes(hex"60095afa"), hex"345afa", hex"600760ff80fa"];
        for (uint256 i = 0; i < elsewhere.length; ++i) {
            (bool found,) = address(this).staticcall(abi.encodeCall(this.calls, (elsewhere[i])));
            vm.assertTrue(!found, "elsewhere");
        }
    }

    function calls(
        bytes memory code
    ) external pure returns (uint256) {
        return Opcodes.precompileCalls(code).length;
    }

    function scan(
        bytes memory code,
        bool readsKey
    ) private pure {
        vm.assertEq(Opcodes.forbidden(code, readsKey), code.length, "forbidden instruction");
        vm.assertTrue(Opcodes.precompileCalls(code).length >= 4, "calls");
    }

    /// @dev V7: selectors in the assembly are those of the declared errors.
    function test_refusals_of_a_false_proof_have_the_names_of_the_errors() external {
        Target memory target = monolithic("small");
        bytes memory data = calldataOf("small");
        set(data, 13, get(data, 13) + 1);
        vm.assertTrue(gives(target, data, abi.encodeWithSelector(Errors.PairingFailed.selector)), "PairingFailed");
        (bool accepted, bytes memory answer) = target.verifier.call{value: 0}(data);
        vm.assertTrue(!accepted && answer.length == 4, "four bytes");
    }
}
