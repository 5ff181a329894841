// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Harness, Target} from "./Harness.sol";
import {Opcodes} from "./Opcodes.sol";
import {SpoiledPrecompile} from "./SpoiledPrecompile.sol";

interface Errors {
    error CalldataLength(uint256 got, uint256 expected);
    error KeyLength(uint256 got, uint256 expected);
    error KeyShapeMismatch(bytes32 got, bytes32 expected);
    error InstanceNotInField(uint256 index);
    error ScalarNotCanonical(uint256 index);
    error LimbOutOfRange(uint256 index);
    error PointNotOnCurve(uint256 index);
    error PointAtInfinity(uint256 index);
    error DegenerateChallenge();
    error PrecompileFailed(uint256 precompile);
    error PairingFailed();
}

interface Json {
    function parseJsonUint(
        string calldata,
        string calldata
    ) external pure returns (uint256);
}

/// @dev What every generated verifier must do, as functions that say what is wrong ("" if nothing is): the tests want nothing, and a
/// verifier with one check removed must fail somewhere (`Mutants`).
abstract contract Suite is Harness {
    struct Words {
        uint256 instances;
        uint256 points;
        uint256 evaluations;
    }

    function words(
        string memory fixture
    ) internal view returns (Words memory) {
        string memory json = vm.readFile(string.concat(path(fixture), "/shape.json"));
        Json cheat = Json(address(vm));
        return Words(
            cheat.parseJsonUint(json, ".instances"),
            cheat.parseJsonUint(json, ".points"),
            cheat.parseJsonUint(json, ".evaluations")
        );
    }

    /// @dev All of it, the first failure. `small`: also what has vectors for, or takes long on others than, the fixture of this name.
    function judge(
        Target memory target,
        bool small
    ) internal returns (string memory wrong) {
        wrong = lengths(target);
        if (bytes(wrong).length == 0) wrong = canonicalScalars(target);
        if (bytes(wrong).length == 0) wrong = points(target);
        if (bytes(wrong).length == 0 && small) wrong = accumulators(target);
        if (bytes(wrong).length == 0 && target.prefix.length > 0) wrong = keys(target);
        if (bytes(wrong).length == 0 && small) wrong = precompiles(target);
        if (bytes(wrong).length == 0 && small) wrong = poles(target);
        if (bytes(wrong).length == 0 && !accepts(target, calldataOf(target.fixture))) wrong = "a good proof";
    }

    function lengths(
        Target memory target
    ) internal view returns (string memory) {
        bytes memory good = calldataOf(target.fixture);
        uint256 expected = good.length + target.prefix.length;
        for (uint256 length = 0; length < good.length + 65; ++length) {
            bytes memory data = new bytes(length);
            uint256 shared = length < good.length ? length : good.length;
            assembly ("memory-safe") {
                mcopy(add(data, 0x20), add(good, 0x20), shared)
            }
            uint256 got = length + target.prefix.length;
            bytes memory refusal = abi.encodeWithSelector(Errors.CalldataLength.selector, got, expected);
            if (length != good.length && !gives(target, data, refusal)) {
                return string.concat("length ", vm.toString(length));
            }
            assembly ("memory-safe") {
                mstore(0x40, data) // thousands of them
            }
        }
        return "";
    }

    /// @dev Every public word and evaluation: x + r is refused by name, though it is the same modulo r.
    function canonicalScalars(
        Target memory target
    ) internal view returns (string memory) {
        bytes memory good = calldataOf(target.fixture);
        Words memory w = words(target.fixture);
        for (uint256 i = 0; i < w.instances; ++i) {
            bytes memory refusal = abi.encodeWithSelector(Errors.InstanceNotInField.selector, i);
            if (!gives(target, with(good, i, get(good, i) + R), refusal)) return string.concat("public word ", vm.toString(i));
        }
        for (uint256 i = 0; i < w.evaluations; ++i) {
            uint256 place = w.instances + 2 * w.points + i;
            bytes memory refusal = abi.encodeWithSelector(Errors.ScalarNotCanonical.selector, i);
            if (!gives(target, with(good, place, get(good, place) + R), refusal)) {
                return string.concat("evaluation ", vm.toString(i));
            }
            if (accepts(target, with(good, place, addmod(get(good, place), 1, R)))) {
                return string.concat("wrong ", vm.toString(i));
            }
        }
        return "";
    }

    /// @dev Every point: a coordinate plus q, and one that leaves the curve.
    function points(
        Target memory target
    ) internal view returns (string memory) {
        bytes memory good = calldataOf(target.fixture);
        Words memory w = words(target.fixture);
        for (uint256 i = 0; i < w.points + 2; ++i) {
            uint256 x = w.instances + 2 * i + (i < w.points ? 0 : w.evaluations);
            bytes memory refusal = abi.encodeWithSelector(Errors.PointNotOnCurve.selector, i);
            for (uint256 place = x; place < x + 2; ++place) {
                if (!gives(target, with(good, place, get(good, place) + Q), refusal)) {
                    return string.concat("plus q ", vm.toString(i));
                }
                if (!gives(target, with(good, place, get(good, place) ^ 1), refusal)) {
                    return string.concat("curve ", vm.toString(i));
                }
            }
            if (accepts(target, with(good, x + 1, Q - get(good, x + 1)))) return string.concat("negated ", vm.toString(i));
        }
        return "";
    }

    /// @dev Proofs that are true by themselves over good and bad accumulators.
    function accumulators(
        Target memory target
    ) internal view returns (string memory) {
        string memory json = vm.readFile(string.concat(path(target.fixture), "/accumulators.json"));
        for (uint256 i = 0; vm.keyExistsJson(json, item(i, "")); ++i) {
            bytes memory data = vm.parseJsonBytes(json, item(i, ".calldata"));
            string memory expected = vm.parseJsonString(json, item(i, ".error"));
            (bool accepted, bytes memory answer) = run(target, data);
            bool right = bytes(expected).length == 0
                ? accepted
                : !accepted && answer.length >= 4 && bytes4(answer) == bytes4(keccak256(bytes(expected)));
            if (!right) return vm.parseJsonString(json, item(i, ".name"));
        }
        return "";
    }

    function item(
        uint256 index,
        string memory field
    ) private pure returns (string memory) {
        return string.concat(".cases[", vm.toString(index), "]", field);
    }

    /// @dev Each call of a precompile in turn goes to one that fails, answers too little or too much, or says something else: refused by name.
    function precompiles(
        Target memory target
    ) internal returns (string memory) {
        bytes memory good = calldataOf(target.fixture);
        bytes memory code = target.verifier.code;
        Target memory other = Target(address(0xbad), target.prefix, target.fixture);
        for (uint256 n = 5; n <= 8; ++n) {
            vm.etch(address(uint160(0xe0 + n)), type(SpoiledPrecompile).runtimeCode);
        }
        uint256[] memory places = Opcodes.precompileCalls(code);
        for (uint256 i = 0; i < places.length; ++i) {
            uint8 n = uint8(code[places[i]]);
            address spoiled = address(uint160(0xe0 + n));
            code[places[i]] = bytes1(0xe0 + n);
            vm.etch(other.verifier, code);
            // ecAdd and ecMul are looked at together.
            bytes memory refusal = abi.encodeWithSelector(Errors.PrecompileFailed.selector, n == 6 ? 7 : n);
            for (uint256 way = 0; way <= 5; ++way) {
                vm.store(spoiled, 0, bytes32(way));
                bool right = way == 0 ? accepts(other, good) : way == 5 ? !accepts(other, good) : gives(other, good, refusal);
                if (!right) {
                    return string.concat("call ", vm.toString(i), " of precompile ", vm.toString(n), ", way ", vm.toString(way));
                }
            }
            code[places[i]] = bytes1(n);
        }
        return "";
    }

    /// @dev Every pole is zero modulo 1: the same code, with 1 where it or its key holds r, over public words below 1.
    function poles(
        Target memory target
    ) internal returns (string memory) {
        bytes memory data = calldataOf(target.fixture);
        for (uint256 i = words(target.fixture).instances; i > 0; --i) {
            set(data, i - 1, 0);
        }
        bool isSplit = target.prefix.length > 0;
        bytes memory code = isSplit ? abi.decode(target.prefix, (address)).code : target.verifier.code;
        uint256 found;
        for (uint256 i = 0; i + 32 <= code.length; ++i) {
            uint256 word;
            assembly ("memory-safe") {
                word := mload(add(add(code, 0x20), i))
                if eq(word, R) {
                    mstore(add(add(code, 0x20), i), 1)
                    found := add(found, 1)
                }
            }
        }
        if (found == 0) return "no modulus";
        Target memory other = Target(target.verifier, target.prefix, target.fixture);
        if (isSplit) other.prefix = abi.encode(raw(code));
        else other.verifier = raw(code);
        return gives(other, data, abi.encodeWithSelector(Errors.DegenerateChallenge.selector)) ? "" : "poles";
    }

    /// @dev Split back end: no key, one byte more or less, a key for another verifier, another key of this shape.
    function keys(
        Target memory target
    ) internal returns (string memory) {
        bytes memory good = calldataOf(target.fixture);
        address key = abi.decode(target.prefix, (address));
        bytes memory code = key.code;
        Target memory other = Target(target.verifier, abi.encode(address(0xdead)), target.fixture);
        bytes memory refusal = abi.encodeWithSelector(Errors.KeyLength.selector, 0, code.length);
        if (!gives(other, good, refusal)) return "no key";
        other.prefix = abi.encode(raw(bytes.concat(code, hex"00")));
        refusal = abi.encodeWithSelector(Errors.KeyLength.selector, code.length + 1, code.length);
        if (!gives(other, good, refusal)) return "longer key";
        bytes32 shape = shapeOf(code);
        bytes memory wrong = bytes.concat(code);
        wrong[32] ^= 0x01;
        other.prefix = abi.encode(raw(wrong));
        refusal = abi.encodeWithSelector(Errors.KeyShapeMismatch.selector, uint256(shape) ^ 1, shape);
        if (!gives(other, good, refusal)) return "key of another shape";
        wrong = bytes.concat(code);
        wrong[64] ^= 0x01;
        other.prefix = abi.encode(raw(wrong));
        if (accepts(other, good)) return "another key";
        return "";
    }

    function shapeOf(
        bytes memory code
    ) private pure returns (bytes32 shape) {
        assembly ("memory-safe") {
            shape := mload(add(code, 0x21))
        }
    }

    /// @dev A contract with this code.
    function raw(
        bytes memory code
    ) internal returns (address) {
        // PUSH2 size, DUP1, PUSH1 10, RETURNDATASIZE (0), CODECOPY, RETURNDATASIZE (0), RETURN
        return deploy(bytes.concat(hex"61", bytes2(uint16(code.length)), hex"80600a3d393df3", code));
    }
}
