// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AskTinyGemma} from "../src/examples/AskTinyGemma.sol";
import {ModelVerifier} from "../src/ModelVerifier.sol";
import {Leaves} from "./support/Leaves.sol";
import {Fixture} from "./support/Fixture.sol";
import {RawVerifierStub} from "./support/RawVerifierStub.sol";

/// @dev Gas of whole transactions (profile `gas`: each call is its own transaction, cold, intrinsic gas included), compared with
/// snapshots/GasTest.json. The verifier is the mock: a real proof's gas comes on top.
contract GasTest is Fixture {
    function test_request() public {
        ask(1 ether, address(0), 0);
        ask(1 ether, address(0), 0);
        vm.snapshotGasLastCall("request, 3 input words, no callback");
    }

    function test_fulfill() public {
        uint256 id = ask(1 ether, address(0), 0);
        bytes memory proof = proofFor(id, payee, answer());
        oracle.fulfill(id, payee, answer(), proof);
        vm.snapshotGasLastCall("fulfill, 3 output words, mock verifier, no callback");
        id = ask(1 ether, address(0), 0);
        proof = proofFor(id, payee, answer());
        oracle.fulfill(id, payee, answer(), proof);
        vm.snapshotGasLastCall("fulfill, same payee again");
    }

    function test_consumer() public {
        AskTinyGemma app = new AskTinyGemma(oracle, MODEL, T);
        app.ask("The sea is", 12, deadline);
        vm.snapshotGasLastCall("AskTinyGemma.ask");
        bytes memory proof = proofFor(1, payee, answer());
        oracle.fulfill(1, payee, answer(), proof);
        vm.snapshotGasLastCall("fulfill, mock verifier, callback to AskTinyGemma");
    }

    function test_refund_and_withdraw() public {
        uint256 id = ask(1 ether, address(0), 0);
        vm.warp(deadline + 1);
        vm.prank(alice);
        oracle.refund(id);
        vm.snapshotGasLastCall("refund");
        vm.prank(alice);
        oracle.withdraw();
        vm.snapshotGasLastCall("withdraw");
    }

    function test_leaf() public {
        RawVerifierStub raw = new RawVerifierStub();
        ModelVerifier.Pins memory pins = Leaves.pins(address(raw), MODEL, 3, 3, 384 + 1632);
        pins.srsIsInsecure = true;
        ModelVerifier leaf = new ModelVerifier(pins);
        bytes memory body = new bytes(1600);
        bytes memory limbs = new bytes(384);
        bytes32 seal = keccak256(abi.encodePacked(limbs, MODEL, prompt(), answer(), uint256(5), body));
        bytes memory proof = abi.encodePacked(limbs, body, seal);
        leaf.verify(MODEL, 5, prompt(), answer(), proof);
        vm.snapshotGasLastCall("ModelVerifier.verify, stub behind it, 1632-byte proof");
    }

    function test_code_sizes() public {
        vm.snapshotValue("code bytes: InferenceOracle", address(oracle).code.length);
        vm.snapshotValue("code bytes: ModelRegistry", address(registry).code.length);
        vm.assertLe(address(oracle).code.length, 24_576);
        vm.assertLe(address(registry).code.length, 24_576);
    }
}
