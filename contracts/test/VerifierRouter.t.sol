// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IInferenceOracle, Provenance, RequestStatus} from "../src/IInferenceOracle.sol";
import {IModelVerifier} from "../src/IModelVerifier.sol";
import {Evidence, IVerifierRouter, Route, RouteStatus} from "../src/IVerifierRouter.sol";
import {RoutedVerifier} from "../src/RoutedVerifier.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Fixture} from "./support/Fixture.sol";
import {MockModelVerifier} from "./support/MockModelVerifier.sol";

/// @dev O1, O2. The mock accepts whatever its hash is over, so it plays a broken proof system where a forgery is wanted; that honest proofs
/// are no evidence is tested with real ones in RealProof.t.sol.
contract VerifierRouterTest is Fixture {
    VerifierRouter internal router;
    RoutedVerifier internal routed;
    bytes4 internal selector;
    address internal resumer = makeAddress("resumer");
    address internal stranger = makeAddress("stranger");
    bytes32 internal constant SECOND = bytes32(uint256(2));

    function setUp() public override {
        super.setUp();
        router = new VerifierRouter(admin, guardian, resumer);
        selector = add(verifier);
        routed = new RoutedVerifier(router, selector);
    }

    function add(
        IModelVerifier leaf
    ) internal returns (bytes4) {
        vm.prank(admin);
        return router.addVerifier(leaf);
    }

    function refusesAdd(
        bytes memory reason,
        IModelVerifier leaf
    ) internal {
        vm.prank(admin);
        vm.expectRevert(reason);
        router.addVerifier(leaf);
    }

    function statusOf(
        bytes4 of_
    ) internal view returns (RouteStatus) {
        return router.routeOf(of_).status;
    }

    function verify(
        bytes4 by
    ) internal view {
        router.verify(by, MODEL, 7, prompt(), answer(), verifier.proofOf(7, prompt(), answer()));
    }

    // ── O1 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function test_O1_selector_comes_from_key_and_model() public {
        bytes32 tag = keccak256("halocast.router.selector.v1");
        vm.assertEq(bytes32(selector), bytes32(bytes4(keccak256(abi.encode(tag, keccak256("mock"), MODEL)))));
        MockModelVerifier other = new MockModelVerifier(SECOND, 3, 3);
        vm.expectEmit(address(router));
        emit IVerifierRouter.RouteAdded(router.selectorOf(other), address(other), SECOND, keccak256("mock"));
        vm.assertTrue(add(other) != selector);
        vm.assertEq(address(router.routeOf(selector).verifier), address(verifier));
        verify(selector);
    }

    function test_O1_unknown_selector() public {
        bytes memory unknown = abi.encodeWithSelector(IVerifierRouter.SelectorUnknown.selector, bytes4(0x12345678));
        vm.expectRevert(unknown);
        this.ask(0x12345678);
        vm.expectRevert(unknown);
        new RoutedVerifier(router, 0x12345678);
        vm.prank(admin);
        vm.expectRevert(unknown);
        router.removeVerifier(0x12345678);
        vm.prank(guardian);
        vm.expectRevert(unknown);
        router.stop(0x12345678);
        vm.prank(resumer);
        vm.expectRevert(unknown);
        router.resume(0x12345678);
        vm.expectRevert(unknown);
        router.stopByImpossibleProof(0x12345678, prompt(), answer(), "");
    }

    function ask(
        bytes4 by
    ) external view {
        verify(by);
    }

    function test_O1_remove_then_add_again_is_refused() public {
        vm.prank(admin);
        vm.expectEmit(address(router));
        emit IVerifierRouter.RouteRemoved(selector, admin);
        router.removeVerifier(selector);
        bytes memory removed = abi.encodeWithSelector(IVerifierRouter.SelectorRemoved.selector, selector);
        refusesAdd(removed, verifier);
        // Another leaf of the same key and model, too: the selector is what is dead.
        refusesAdd(removed, new MockModelVerifier(MODEL, 3, 3));
        vm.expectRevert(removed);
        this.ask(selector);
        vm.prank(admin);
        vm.expectRevert(removed);
        router.removeVerifier(selector);
        vm.prank(guardian);
        vm.expectRevert(removed);
        router.stop(selector);
        vm.prank(resumer);
        vm.expectRevert(removed);
        router.resume(selector);
        vm.expectRevert(removed);
        router.stopByImpossibleProof(selector, prompt(), answer(), "");
        vm.assertTrue(statusOf(selector) == RouteStatus.Removed);
    }

    function test_O1_a_route_is_never_exchanged() public {
        refusesAdd(abi.encodeWithSelector(IVerifierRouter.SelectorInUse.selector, selector), new MockModelVerifier(MODEL, 3, 3));
        vm.prank(guardian);
        router.stop(selector);
        refusesAdd(abi.encodeWithSelector(IVerifierRouter.SelectorInUse.selector, selector), new MockModelVerifier(MODEL, 3, 3));
        refusesAdd(abi.encodeWithSelector(IVerifierRouter.LeafHasNoCode.selector, stranger), MockModelVerifier(stranger));
        vm.expectRevert(IVerifierRouter.InvalidRouterAdmin.selector);
        new VerifierRouter(address(0), guardian, resumer);
    }

    function test_O1_freeze_is_irreversible() public {
        vm.prank(admin);
        vm.expectEmit(address(router));
        emit IVerifierRouter.RoutesFrozen(admin);
        router.freeze();
        vm.assertTrue(router.frozen());
        refusesAdd(abi.encodeWithSelector(IVerifierRouter.RouterFrozen.selector), new MockModelVerifier(SECOND, 3, 3));
        vm.prank(admin);
        vm.expectRevert(IVerifierRouter.RouterFrozen.selector);
        router.freeze();
        // What is there goes on, and can still be stopped and ended.
        verify(selector);
        vm.prank(guardian);
        router.stop(selector);
        vm.prank(resumer);
        router.resume(selector);
        vm.prank(admin);
        router.removeVerifier(selector);
    }

    // ── O2 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function test_O2_guardian_stops_one_verifier_and_another_role_resumes() public {
        MockModelVerifier other = new MockModelVerifier(SECOND, 3, 3);
        bytes4 second = add(other);
        vm.prank(guardian);
        vm.expectEmit(address(router));
        emit IVerifierRouter.RouteStopped(selector, guardian);
        router.stop(selector);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.SelectorStopped.selector, selector));
        this.ask(selector);
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.SelectorStopped.selector, selector));
        router.stop(selector);
        router.verify(second, SECOND, 7, prompt(), answer(), other.proofOf(7, prompt(), answer()));

        address[3] memory others = [guardian, admin, stranger];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(others[i]);
            vm.expectPartialRevert(IAccessControl.AccessControlUnauthorizedAccount.selector);
            router.resume(selector);
        }
        vm.prank(resumer);
        vm.expectEmit(address(router));
        emit IVerifierRouter.RouteResumed(selector, resumer);
        router.resume(selector);
        verify(selector);
        vm.prank(resumer);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.SelectorNotStopped.selector, selector));
        router.resume(selector);
    }

    function test_O2_reserved_context_is_the_documented_one() public view {
        bytes32 tag = keccak256("halocast.router.impossible.v1");
        vm.assertEq(
            router.reservedContext(selector), uint256(keccak256(abi.encode(tag, block.chainid, address(router), selector))) >> 8
        );
    }

    function impossible() internal pure returns (uint256[] memory outputs) {
        outputs = answer();
        outputs[0] |= 1 << 248;
    }

    function test_O2_anybody_stops_a_verifier_with_a_proof_of_the_impossible() public {
        MockModelVerifier other = new MockModelVerifier(SECOND, 3, 3);
        bytes4 second = add(other);
        bytes memory forgery = verifier.proofOf(router.reservedContext(selector), prompt(), impossible());
        bytes memory data = abi.encodeCall(router.stopByImpossibleProof, (selector, prompt(), impossible(), forgery));
        vm.prank(stranger);
        vm.expectEmit(address(router));
        emit IVerifierRouter.RouteBroken(selector, stranger, keccak256(data));
        router.stopByImpossibleProof(selector, prompt(), impossible(), forgery);
        isBroken();
        router.verify(second, SECOND, 7, prompt(), answer(), other.proofOf(7, prompt(), answer()));
    }

    function test_O2_a_stopped_verifier_can_still_be_shown_to_be_broken() public {
        vm.prank(guardian);
        router.stop(selector);
        bytes memory forgery = verifier.proofOf(router.reservedContext(selector), prompt(), impossible());
        router.stopByImpossibleProof(selector, prompt(), impossible(), forgery);
        isBroken();
    }

    function isBroken() internal {
        bytes memory broken = abi.encodeWithSelector(IVerifierRouter.SelectorBroken.selector, selector);
        vm.assertTrue(statusOf(selector) == RouteStatus.Broken);
        vm.expectRevert(broken);
        this.ask(selector);
        vm.prank(resumer);
        vm.expectRevert(broken);
        router.resume(selector);
        vm.prank(guardian);
        vm.expectRevert(broken);
        router.stop(selector);
        vm.prank(admin);
        vm.expectRevert(broken);
        router.removeVerifier(selector);
        refusesAdd(broken, verifier);
    }

    function test_O2_no_evidence_no_stop() public {
        uint256 reserved = router.reservedContext(selector);
        uint256[] memory possible = answer();
        bytes memory honest = verifier.proofOf(reserved, prompt(), possible);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.StatementNotImpossible.selector, possible[0]));
        router.stopByImpossibleProof(selector, prompt(), possible, honest);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.StatementNotImpossible.selector, 0));
        router.stopByImpossibleProof(selector, prompt(), new uint256[](0), honest);
        // The largest word that is possible.
        possible[0] = (1 << 248) - 1;
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.StatementNotImpossible.selector, possible[0]));
        router.stopByImpossibleProof(selector, prompt(), possible, honest);
        // An impossible statement without an accepted proof; a proof for another context, selector's or router's.
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        router.stopByImpossibleProof(selector, prompt(), impossible(), honest);
        bytes memory elsewhere = verifier.proofOf(reserved + 1, prompt(), impossible());
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        router.stopByImpossibleProof(selector, prompt(), impossible(), elsewhere);
        vm.assertTrue(statusOf(selector) == RouteStatus.Active);
    }

    function evidence(
        uint256 context,
        uint256[] memory outputs
    ) internal view returns (Evidence memory) {
        return Evidence(context, outputs, verifier.proofOf(context, prompt(), outputs));
    }

    function test_O2_anybody_stops_a_verifier_with_a_contradiction() public {
        uint256[] memory lie = answer();
        lie[1] ^= 1;
        Evidence memory truth = evidence(7, answer());
        Evidence memory again = evidence(8, answer());
        Evidence memory contrary = evidence(7, lie);
        Evidence memory bad = evidence(8, lie);
        bad.proof = truth.proof;
        vm.expectRevert(IVerifierRouter.NoContradiction.selector);
        router.stopByContradiction(selector, prompt(), truth, again);
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        router.stopByContradiction(selector, prompt(), truth, bad);
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        router.stopByContradiction(selector, prompt(), bad, truth);
        vm.assertTrue(statusOf(selector) == RouteStatus.Active);
        vm.prank(stranger);
        router.stopByContradiction(selector, prompt(), truth, contrary);
        isBroken();
    }

    // ── behind registry and oracle ───────────────────────────────────────────────────────────────────────────────────────────────

    function test_O2_a_stop_reaches_the_oracle() public {
        MockModelVerifier leaf = new MockModelVerifier(SECOND, 3, 3);
        bytes4 second = add(leaf);
        routed = new RoutedVerifier(router, second);
        vm.prank(registrar);
        registry.register(SECOND, routed, modelOwner, generateMetadata(T), "");
        vm.prank(alice);
        uint256 id = oracle.request(SECOND, prompt(), deadline, 0, address(0));
        bytes memory proof = leaf.proofOf(oracle.contextOf(id, payee), prompt(), answer());
        vm.prank(guardian);
        router.stop(second);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.SelectorStopped.selector, second));
        oracle.fulfill(id, payee, answer(), proof);
        vm.assertTrue(oracle.getRequest(id).status == RequestStatus.Open);
        vm.prank(resumer);
        router.resume(second);
        oracle.fulfill(id, payee, answer(), proof);
        vm.assertTrue(oracle.getResult(id).provenance == Provenance.Proven);
        vm.assertEq(oracle.getResult(id).verifier, address(routed));
    }

    function test_routed_verifier_says_what_its_leaf_says() public {
        vm.assertEq(routed.modelId(), verifier.modelId());
        vm.assertEq(routed.inputWords(), verifier.inputWords());
        vm.assertEq(routed.outputWords(), verifier.outputWords());
        vm.assertEq(routed.proofLength(), verifier.proofLength());
        vm.assertTrue(routed.srsIsInsecure());
        vm.assertEq(routed.vkDigest(), verifier.vkDigest());
        vm.assertEq(routed.rawVerifier(), verifier.rawVerifier());
        vm.assertEq(address(routed.router()), address(router));
        vm.expectRevert(abi.encodeWithSelector(IModelVerifier.ModelMismatch.selector, SECOND, MODEL));
        routed.verify(SECOND, 7, prompt(), answer(), "");
    }

    function test_interface_ids() public view {
        vm.assertTrue(router.supportsInterface(type(IVerifierRouter).interfaceId));
        vm.assertTrue(router.supportsInterface(type(IAccessControl).interfaceId));
        vm.assertFalse(router.supportsInterface(type(IInferenceOracle).interfaceId));
    }
}
