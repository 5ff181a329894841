// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {IInferenceOracle} from "../src/IInferenceOracle.sol";
import {IInferenceSets} from "../src/IInferenceSets.sol";
import {IModelVerifier} from "../src/IModelVerifier.sol";
import {IPullPath} from "../src/IPullPath.sol";
import {InferenceOracle} from "../src/InferenceOracle.sol";
import {Fixture} from "./support/Fixture.sol";

/// @dev O7: bring the proof and use the output in one transaction; freshness. And the replay key of O4.
contract PullPathTest is Fixture {
    bytes internal constant PROOF = "";

    function proof(
        address consumer,
        uint256 nonce
    ) internal view returns (bytes memory) {
        return verifier.proofOf(oracle.pullContextOf(consumer, MODEL, prompt(), nonce), prompt(), answer());
    }

    function refuses(
        bytes memory reason,
        address consumer,
        uint256 nonce,
        uint256[] memory outputs,
        bytes memory proof_
    ) internal {
        bytes32 id = oracle.pullIdOf(consumer, MODEL, prompt(), nonce);
        bool before = oracle.isConsumed(id);
        vm.prank(consumer);
        vm.expectRevert(reason);
        oracle.consumeProof(MODEL, prompt(), outputs, nonce, proof_);
        vm.assertTrue(oracle.isConsumed(id) == before);
    }

    function test_O4_replay_key_is_the_documented_one() public view {
        bytes32 tag = keccak256("halocast.inference.pull.v1");
        bytes32 inputs = keccak256(abi.encodePacked(prompt()));
        bytes32 id = keccak256(abi.encode(tag, block.chainid, address(oracle), alice, MODEL, inputs, uint256(9)));
        vm.assertEq(oracle.pullIdOf(alice, MODEL, prompt(), 9), id);
        vm.assertEq(oracle.pullContextOf(alice, MODEL, prompt(), 9), uint256(id) >> 8);
    }

    function test_O7_proof_is_used_in_the_transaction_that_brings_it() public {
        bytes memory good = proof(alice, 9);
        bytes32 id = oracle.pullIdOf(alice, MODEL, prompt(), 9);
        vm.expectEmit(address(oracle));
        emit IPullPath.ProofConsumed(id, alice, MODEL, 9, answer());
        vm.prank(alice);
        vm.assertEq(oracle.consumeProof(MODEL, prompt(), answer(), 9, good), id);
        vm.assertTrue(oracle.isConsumed(id));
    }

    function test_O4_the_replay_key_does_not_come_from_the_proof() public {
        bytes memory good = proof(alice, 9);
        vm.prank(alice);
        bytes32 id = oracle.consumeProof(MODEL, prompt(), answer(), 9, good);
        // Any other bytes, valid or not, meet the same key.
        refuses(abi.encodeWithSelector(IPullPath.AlreadyConsumed.selector, id), alice, 9, answer(), good);
        refuses(abi.encodeWithSelector(IPullPath.AlreadyConsumed.selector, id), alice, 9, answer(), PROOF);
        good = proof(alice, 10);
        vm.prank(alice);
        oracle.consumeProof(MODEL, prompt(), answer(), 10, good);
    }

    function test_O4_one_consumer_one_nonce_one_chain_one_contract() public {
        bytes memory good = proof(alice, 9);
        bytes memory rejected = abi.encodeWithSelector(IModelVerifier.ProofRejected.selector);
        refuses(rejected, relayer, 9, answer(), good);
        refuses(rejected, alice, 8, answer(), good);
        uint256[] memory lie = answer();
        lie[0] ^= 1;
        refuses(rejected, alice, 9, lie, good);
        vm.chainId(1337);
        refuses(rejected, alice, 9, answer(), good);
        vm.chainId(31_337);
        InferenceOracle second = new InferenceOracle(registry, admin, guardian);
        vm.prank(alice);
        vm.expectRevert(rejected);
        second.consumeProof(MODEL, prompt(), answer(), 9, good);
        // A request's proof is none for a pull.
        uint256 request = ask(0, address(0), 0);
        refuses(rejected, alice, request, answer(), proofFor(request, alice, answer()));
        // After all that, as it should be.
        vm.prank(alice);
        oracle.consumeProof(MODEL, prompt(), answer(), 9, good);
    }

    function test_O3_deprecated_models_and_paused_oracles_take_no_pulls() public {
        bytes memory good = proof(alice, 9);
        vm.prank(guardian);
        oracle.pause();
        refuses(abi.encodeWithSelector(Pausable.EnforcedPause.selector), alice, 9, answer(), good);
        vm.prank(admin);
        oracle.unpause();
        vm.prank(modelOwner);
        registry.deprecate(MODEL);
        refuses(abi.encodeWithSelector(IInferenceOracle.ModelNotActive.selector, MODEL), alice, 9, answer(), good);
    }

    function test_O7_stale_output() public {
        uint256 id = ask(0, address(0), 0);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.NotFulfilled.selector, id));
        oracle.getOutputNoOlderThan(id, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.UnknownRequest.selector, id + 1));
        oracle.getOutputNoOlderThan(id + 1, 0);
        vm.assertEq(oracle.storedAt(id), 0);
        fulfill(id);
        uint64 stored = uint64(vm.getBlockTimestamp());
        vm.assertEq(oracle.storedAt(id), stored);
        vm.assertEq(oracle.getOutputNoOlderThan(id, 0), answer());
        vm.warp(stored + 60);
        vm.assertEq(oracle.getOutputNoOlderThan(id, 60), answer());
        vm.assertEq(oracle.getOutputNoOlderThan(id, type(uint256).max), answer());
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.StaleOutput.selector, stored, stored + 1));
        oracle.getOutputNoOlderThan(id, 59);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.StaleOutput.selector, stored, stored + 60));
        oracle.getOutputNoOlderThan(id, 0);
    }

    function test_interface_ids() public view {
        vm.assertTrue(oracle.supportsInterface(type(IPullPath).interfaceId));
        vm.assertTrue(oracle.supportsInterface(type(IInferenceSets).interfaceId));
    }
}
