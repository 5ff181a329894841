// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Fulfillment, IInferenceOracle, Provenance, RequestStatus} from "../src/IInferenceOracle.sol";
import {IModelVerifier} from "../src/IModelVerifier.sol";
import {ClaimState, IOptimisticOracle, OptimisticTerms} from "../src/IOptimisticOracle.sol";
import {IPullPath} from "../src/IPullPath.sol";
import {OptimisticOracle} from "../src/OptimisticOracle.sol";
import {RealHarness} from "../testing/HalocastTest.sol";
import {Test} from "./support/Test.sol";

/// @dev Proofs that the prover made for the other ways in than a single fulfilment: batch, pull, dispute. All of one statement, each for a context of
/// its own, and good for no other.
contract RealPathsTest is Test, RealHarness {
    function setUp() public {
        setUpHalocast("test/fixtures/tinygemma.json");
    }

    function ask() internal returns (uint256) {
        return halocast.request{value: 1 ether}(modelId, storedInputs(), uint64(vm.getBlockTimestamp() + 1), 0, address(0));
    }

    /// @dev Two good ones with bad ones before, between and behind: another request's proof, one changed byte, the same again.
    function test_O9_real_proofs_in_a_batch_around_bad_ones() public {
        bytes memory first = storedProof("request");
        bytes memory second = storedProof("second");
        uint256[] memory outputs = storedOutputs();
        for (uint256 id = 1; id <= 4; ++id) {
            vm.assertEq(ask(), id);
        }
        Fulfillment[] memory items = new Fulfillment[](5);
        items[0] = Fulfillment(3, PAYEE, outputs, first);
        items[1] = Fulfillment(1, PAYEE, outputs, first);
        items[2] = Fulfillment(4, PAYEE, outputs, bytes.concat(second));
        items[2].proof[items[2].proof.length - 1] ^= 0x01;
        items[3] = Fulfillment(2, PAYEE, outputs, second);
        items[4] = items[1];
        failed(0, 3, IModelVerifier.ProofRejected.selector);
        failed(2, 4, IModelVerifier.ProofRejected.selector);
        failed(4, 1, IInferenceOracle.AlreadyFulfilled.selector);
        vm.assertEq(halocast.fulfillBatch(items), 2);
        for (uint256 id = 1; id <= 4; ++id) {
            vm.assertTrue(halocast.getRequest(id).status == (id <= 2 ? RequestStatus.Fulfilled : RequestStatus.Open));
            vm.assertTrue(halocast.getResult(id).provenance == (id <= 2 ? Provenance.Proven : Provenance.Pending));
        }
        vm.assertEq(halocast.provenOutputs(2), outputs);
        vm.assertEq(halocast.withdrawable(PAYEE), 2 ether);
    }

    function failed(
        uint256 index,
        uint256 id,
        bytes4 selector
    ) internal {
        vm.expectEmit(address(halocast));
        emit IInferenceOracle.FulfilFailed(index, id, selector);
    }

    function test_O7_real_proof_is_pulled_by_its_consumer_once() public {
        bytes memory proof = storedProof("pull");
        uint256[] memory lie = storedOutputs();
        lie[0] ^= 1;
        refusesPull(address(this), PULL_NONCE, storedOutputs(), proof);
        refusesPull(CONSUMER, PULL_NONCE + 1, storedOutputs(), proof);
        refusesPull(CONSUMER, PULL_NONCE, lie, proof);
        refusesPull(CONSUMER, PULL_NONCE, storedOutputs(), storedProof("request"));
        uint256[] memory inputs = storedInputs();
        uint256[] memory outputs = storedOutputs();
        vm.prank(CONSUMER);
        bytes32 id = halocast.consumeProof(modelId, inputs, outputs, PULL_NONCE, proof);
        vm.assertTrue(halocast.isConsumed(id));
        vm.prank(CONSUMER);
        vm.expectRevert(abi.encodeWithSelector(IPullPath.AlreadyConsumed.selector, id));
        halocast.consumeProof(modelId, inputs, outputs, PULL_NONCE, proof);
    }

    function refusesPull(
        address consumer,
        uint256 nonce,
        uint256[] memory outputs,
        bytes memory proof
    ) internal {
        uint256[] memory inputs = storedInputs();
        vm.prank(consumer);
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        halocast.consumeProof(modelId, inputs, outputs, nonce, proof);
    }

    function optimistic() internal returns (OptimisticOracle) {
        OptimisticTerms memory terms = OptimisticTerms(3 ether, 2 ether, 1 ether, 5000, 1 days, 6 hours);
        bytes memory args = abi.encode(models, terms, address(this), address(this), address(this));
        return OptimisticOracle(_at(OPTIMISTIC, abi.encodePacked(type(OptimisticOracle).creationCode, args)));
    }

    function challenged(
        OptimisticOracle oracle,
        address proposer,
        uint256[] memory outputs
    ) internal returns (uint256 id) {
        id = oracle.ask{value: 1 ether}(modelId, storedInputs(), uint64(vm.getBlockTimestamp() + 1), 0, address(0));
        vm.deal(proposer, 3 ether);
        vm.prank(proposer);
        oracle.claim{value: 3 ether}(id, outputs);
        oracle.challenge{value: 2 ether}(id);
    }

    function test_P4_real_proof_ends_a_dispute() public {
        OptimisticOracle oracle = optimistic();
        uint256 id = challenged(oracle, PROPOSER, storedOutputs());
        bytes memory foreign = storedProof("request");
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        oracle.prove(id, foreign);
        bytes memory proof = storedProof("optimistic");
        oracle.prove(id, proof);
        vm.assertTrue(oracle.getQuestion(id).state == ClaimState.Proven);
        oracle.resolve(id);
        vm.assertEq(oracle.getOutput(id, Provenance.Proven), storedOutputs());
        // His bond, the fee, and half of the challenger's bond; the other half is burned.
        vm.assertEq(oracle.credit(PROPOSER), 3 ether + 1 ether + 1 ether);

        // The same claim once more: another question.
        id = challenged(oracle, PROPOSER, storedOutputs());
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        oracle.prove(id, proof);
    }

    function test_P4_real_proof_saves_neither_a_lie_nor_another_proposer() public {
        uint256[] memory lie = storedOutputs();
        lie[2] ^= 1;
        refusesProof(PROPOSER, lie);
        refusesProof(makeAddress("another"), storedOutputs());
    }

    function refusesProof(
        address proposer,
        uint256[] memory outputs
    ) internal {
        uint256 before = vm.snapshotState();
        OptimisticOracle oracle = optimistic();
        uint256 id = challenged(oracle, proposer, outputs);
        bytes memory proof = storedProof("optimistic");
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        oracle.prove(id, proof);
        vm.warp(vm.getBlockTimestamp() + 6 hours + 1);
        oracle.refute(id);
        vm.expectRevert(abi.encodeWithSelector(IOptimisticOracle.NotFinal.selector, id));
        oracle.getOutput(id, Provenance.OptimisticFinal);
        vm.assertTrue(vm.revertToState(before));
    }
}
