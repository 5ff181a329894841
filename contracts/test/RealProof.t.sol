// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IModelVerifier} from "../src/IModelVerifier.sol";
import {Provenance} from "../src/IInferenceOracle.sol";
import {Evidence, IVerifierRouter, RouteStatus} from "../src/IVerifierRouter.sol";
import {RoutedVerifier} from "../src/RoutedVerifier.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {WordPacking} from "../src/WordPacking.sol";
import {RealHarness} from "../testing/HalocastTest.sol";
import {Test} from "./support/Test.sol";

/// @dev A proof that the prover made (TinyGemma, "Q:capital of France?A:", development reference string) through leaf, router and oracle.
contract RealProofTest is Test, RealHarness {
    VerifierRouter internal router;
    bytes4 internal selector;
    address internal relayer = makeAddress("relayer");

    function setUp() public {
        setUpHalocast("test/fixtures/tinygemma.json");
        router = new VerifierRouter(address(this), address(this), address(this));
        selector = router.addVerifier(modelVerifier);
    }

    function ask() internal returns (uint256) {
        return halocast.request{value: 1 ether}(modelId, storedInputs(), uint64(vm.getBlockTimestamp() + 1), 0, address(0));
    }

    function test_O5_real_proof_pays_whom_it_was_made_for() public {
        uint256 id = ask();
        bytes memory proof = proofFor(id);
        vm.prank(relayer);
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        halocast.fulfill(id, relayer, storedOutputs(), proof);
        vm.prank(relayer);
        halocast.fulfill(id, PAYEE, storedOutputs(), proof);
        vm.assertEq(halocast.withdrawable(PAYEE), 1 ether);
        vm.assertEq(halocast.withdrawable(relayer), 0);
        vm.assertTrue(halocast.getResult(id).provenance == Provenance.Proven);
        vm.assertEq(string(WordPacking.unpackAnswer(halocast.provenOutputs(id), 22, 6, 32)), "Paris\n");
    }

    function test_O4_real_proof_is_good_once_here_and_nowhere_else() public {
        uint256 id = ask();
        bytes memory proof = proofFor(id);
        uint256 twin = ask();
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        halocast.fulfill(twin, PAYEE, storedOutputs(), proof);
        vm.chainId(1337);
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        halocast.fulfill(id, PAYEE, storedOutputs(), proof);
        vm.chainId(31_337);
        uint256 third = ask();
        vm.expectRevert(abi.encodeWithSelector(NoStoredProof.selector, third));
        this.proofOf(third);
    }

    function proofOf(
        uint256 id
    ) external view returns (bytes memory) {
        return proofFor(id);
    }

    function test_real_leaf_refuses_other_words() public {
        uint256 id = ask();
        uint256 context = halocast.contextOf(id, PAYEE);
        bytes memory proof = proofFor(id);
        modelVerifier.verify(modelId, context, storedInputs(), storedOutputs(), proof);
        for (uint256 i = 0; i < 3; ++i) {
            uint256[] memory words = storedInputs();
            words[i] ^= 1;
            vm.expectRevert(IModelVerifier.ProofRejected.selector);
            modelVerifier.verify(modelId, context, words, storedOutputs(), proof);
            words = storedOutputs();
            words[i] ^= 1;
            vm.expectRevert(IModelVerifier.ProofRejected.selector);
            modelVerifier.verify(modelId, context, storedInputs(), words, proof);
        }
    }

    /// @dev Verified through the router, so that it can be stopped.
    function test_O2_real_proof_through_the_router() public {
        RoutedVerifier routed = new RoutedVerifier(router, selector);
        uint256 id = ask();
        uint256 context = halocast.contextOf(id, PAYEE);
        routed.verify(modelId, context, storedInputs(), storedOutputs(), proofFor(id));
        bytes memory proof = proofFor(id);
        router.stop(selector);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.SelectorStopped.selector, selector));
        routed.verify(modelId, context, storedInputs(), storedOutputs(), proof);
    }

    /// @dev What an honest prover has made is no evidence against its verifier, however it is presented.
    function test_O2_honest_proofs_stop_nothing() public {
        uint256 id = ask();
        bytes memory proof = proofFor(id);
        uint256[] memory outputs = storedOutputs();
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.StatementNotImpossible.selector, outputs[0]));
        router.stopByImpossibleProof(selector, storedInputs(), outputs, proof);
        uint256[] memory changed = storedOutputs();
        changed[0] |= 1 << 248;
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        router.stopByImpossibleProof(selector, storedInputs(), changed, proof);
        changed[0] = type(uint256).max; // no field element
        vm.expectRevert(abi.encodeWithSelector(IModelVerifier.InstanceNotInField.selector, 16));
        router.stopByImpossibleProof(selector, storedInputs(), changed, proof);

        Evidence memory truth = Evidence(halocast.contextOf(id, PAYEE), outputs, proof);
        vm.expectRevert(IVerifierRouter.NoContradiction.selector);
        router.stopByContradiction(selector, storedInputs(), truth, truth);
        changed = storedOutputs();
        changed[1] ^= 1;
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        router.stopByContradiction(selector, storedInputs(), truth, Evidence(truth.context, changed, proof));
        vm.assertTrue(router.routeOf(selector).status == RouteStatus.Active);
    }
}
