// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Harness, Target} from "./Harness.sol";
import {Opcodes} from "./Opcodes.sol";

interface Leaf {
    error ModelMismatch(bytes32 got, bytes32 expected);
    error ProofRejected();
    error KeyContractCodeMismatch(bytes32 got, bytes32 expected);

    function verify(
        bytes32 modelId,
        uint256 context,
        uint256[] calldata inputs,
        uint256[] calldata outputs,
        bytes calldata proof
    ) external view;
}

/// @dev The leaf as it is published (contracts/abi) over generated verifiers, with the stored proof of three layers.
contract LeafTest is Harness {
    /// @dev `ModelVerifier.Pins`.
    struct Pins {
        address rawVerifier;
        bytes32 rawCodeHash;
        address keyContract;
        bytes32 keyCodeHash;
        bytes32 modelId;
        uint256 inputWords;
        uint256 outputWords;
        uint256 proofLength;
        bytes32 vkDigest;
        bytes32 srsDigest;
        bytes32 circuitDigest;
        bool srsIsInsecure;
    }

    string private constant FIXTURE = "three-layers";

    function pins(
        address raw,
        address key
    ) private view returns (Pins memory p) {
        bytes memory data = calldataOf(FIXTURE);
        p.rawVerifier = raw;
        p.rawCodeHash = raw.codehash;
        p.keyContract = key;
        p.keyCodeHash = key == address(0) ? bytes32(0) : key.codehash;
        p.modelId = bytes32(get(data, 12));
        (p.inputWords, p.outputWords) = (3, 3);
        p.proofLength = data.length - 32 * (1 + 3 + 3 + 1);
        p.srsIsInsecure = true;
    }

    function initCode(
        Pins memory p
    ) private view returns (bytes memory) {
        string memory json = vm.readFile("../contracts/abi/ModelVerifier.json");
        return bytes.concat(vm.parseJsonBytes(json, ".bytecode"), abi.encode(p));
    }

    /// @dev The stored statement, asked of a leaf as that of `model`.
    function ask(
        address leaf,
        bytes32 model
    ) private view returns (bool accepted, bytes memory answer) {
        bytes memory data = calldataOf(FIXTURE);
        uint256[] memory inputs = words(data, 13);
        uint256[] memory outputs = words(data, 16);
        bytes memory blob = bytes.concat(part(data, 0, 12 * 32), part(data, 20 * 32, data.length));
        bytes memory call = abi.encodeCall(Leaf.verify, (model, get(data, 19), inputs, outputs, blob));
        return leaf.staticcall(call);
    }

    function words(
        bytes memory data,
        uint256 first
    ) private pure returns (uint256[] memory all) {
        all = new uint256[](3);
        for (uint256 i = 0; i < 3; ++i) {
            all[i] = get(data, first + i);
        }
    }

    function part(
        bytes memory data,
        uint256 from,
        uint256 to
    ) private pure returns (bytes memory copy) {
        copy = new bytes(to - from);
        assembly ("memory-safe") {
            mcopy(add(copy, 0x20), add(add(data, 0x20), from), sub(to, from))
        }
    }

    /// @dev Two models of one shape have one verifier. A proof of one is none of the other.
    function test_V10_a_proof_of_another_model_of_the_shape_is_refused() external {
        Target memory target = split(FIXTURE);
        Pins memory p = pins(target.verifier, abi.decode(target.prefix, (address)));
        bytes32 model = p.modelId;
        address one = deploy(initCode(p));
        p.modelId = bytes32(uint256(model) + 1);
        address other = deploy(initCode(p));
        (bool accepted, bytes memory answer) = ask(one, model);
        vm.assertTrue(accepted, "its own model");
        (accepted, answer) = ask(other, p.modelId);
        expect(accepted, answer, abi.encodeWithSelector(Leaf.ProofRejected.selector));
        (accepted, answer) = ask(other, model);
        expect(accepted, answer, abi.encodeWithSelector(Leaf.ModelMismatch.selector, model, p.modelId));
    }

    /// @dev The leaf calls the raw verifier and nothing else, keeps nothing and changes nothing.
    function test_V6_the_leaf_has_no_state_and_no_foreign_code() external {
        bytes memory code = deploy(initCode(pins(monolithic(FIXTURE).verifier, address(0)))).code;
        vm.assertEq(Opcodes.forbidden(code, false), code.length, "forbidden instruction");
    }

    /// @dev Both back ends take the same proof; the split one only under the key that the leaf pins.
    function test_V14_both_back_ends_and_a_pinned_key() external {
        Target memory target = split(FIXTURE);
        address key = abi.decode(target.prefix, (address));
        (bool accepted, bytes memory answer) = ask(deploy(initCode(pins(target.verifier, key))), pins(key, key).modelId);
        vm.assertTrue(accepted, "split");
        (accepted,) = ask(deploy(initCode(pins(monolithic(FIXTURE).verifier, address(0)))), pins(key, key).modelId);
        vm.assertTrue(accepted, "monolithic");

        // Another key of the shape: its leaf can be made, and refuses.
        bytes memory code = bytes.concat(key.code);
        code[code.length - 1] ^= 0x01;
        address another = deploy(bytes.concat(hex"61", bytes2(uint16(code.length)), hex"80600a3d393df3", code));
        (accepted, answer) = ask(deploy(initCode(pins(target.verifier, another))), pins(key, key).modelId);
        expect(accepted, answer, abi.encodeWithSelector(Leaf.ProofRejected.selector));

        // A digest that is not the key's: no leaf.
        Pins memory p = pins(target.verifier, another);
        p.keyCodeHash = key.codehash;
        bytes memory init = initCode(p);
        bytes32 got = another.codehash;
        address none;
        assembly ("memory-safe") {
            none := create(0, add(init, 0x20), mload(init))
            let size := returndatasize()
            answer := mload(0x40)
            mstore(answer, size)
            returndatacopy(add(answer, 0x20), 0, size)
            mstore(0x40, add(add(answer, 0x20), and(add(size, 0x1f), not(0x1f))))
        }
        expect(none != address(0), answer, abi.encodeWithSelector(Leaf.KeyContractCodeMismatch.selector, got, key.codehash));
    }

    function expect(
        bool accepted,
        bytes memory answer,
        bytes memory expected
    ) private pure {
        vm.assertTrue(!accepted && keccak256(answer) == keccak256(expected), "refusal");
    }
}
