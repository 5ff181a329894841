// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {Deployment, Governance, GovernedDeployment} from "../deploy/GovernedDeployment.sol";
import {IInferenceOracle, Fulfillment, Provenance} from "../src/IInferenceOracle.sol";
import {SetFulfillment} from "../src/IInferenceSets.sol";
import {IModelRegistry} from "../src/IModelRegistry.sol";
import {Evidence} from "../src/IVerifierRouter.sol";
import {InferenceSet} from "../src/InferenceSet.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {MockBatchVerifier} from "./support/MockBatchVerifier.sol";
import {MockModelVerifier} from "./support/MockModelVerifier.sol";
import {OptimisticFixture} from "./support/OptimisticFixture.sol";
import {RecordingReceiver} from "./support/Receivers.sol";

/// @dev O11: every external function of the contracts that hold money or power × every kind of caller, on the deployment behind the timelock.
/// The functions come from the compiler's artefacts: one without a row here fails, and so does a row without a function.
contract AccessMatrixTest is OptimisticFixture, GovernedDeployment {
    struct Row {
        bytes data;
        uint256 value;
        /// Bit per actor who must succeed, all others being refused for who they are; 0: nobody is refused for that.
        uint256 mask;
        /// Who must succeed if nobody is refused.
        address able;
        /// Sent before by `preparer`, if not empty.
        bytes prepare;
        address preparer;
    }

    uint256 internal constant ADMIN = 1;
    uint256 internal constant REGISTRAR = 2;
    uint256 internal constant GUARDIAN = 4;
    uint256 internal constant RESUMER = 8;
    uint256 internal constant MODEL_OWNER = 16;
    uint256 internal constant REQUESTER = 32;
    uint256 internal constant STRANGER = 64;
    uint256 internal constant SELF = 128;

    address internal stranger = makeAddress("stranger");
    address internal resumer = makeAddress("resumer");
    VerifierRouter internal router;
    bytes4 internal stopped;
    MockBatchVerifier internal batch;
    bytes32 internal setRoot;
    uint256 internal resolvable;
    uint256 internal refutable;
    uint256 internal cancellable;
    uint256 internal claimable;
    uint256 internal challengeable;
    uint256 internal provable;
    uint256 internal returnable;
    uint256 internal readable;

    mapping(bytes4 => Row) internal rows;
    bytes4[] internal selectors;

    function setUp() public override {
        super.setUp();
        Governance memory g = Governance(2 days, makeAddress("council"), registrar, guardian, resumer);
        Deployment memory d = _deploy(g, standardTerms());
        (admin, registry, router, oracle, optimistic) = (address(d.timelock), d.registry, d.router, d.oracle, d.optimistic);
        batch = new MockBatchVerifier(MODEL);
        vm.prank(registrar);
        registry.register(MODEL, verifier, modelOwner, generateMetadata(T), "");
        vm.startPrank(admin);
        oracle.grantRole(oracle.RESUMER_ROLE(), resumer);
        router.addVerifier(verifier);
        stopped = router.addVerifier(leaf(3));
        vm.stopPrank();
        vm.prank(guardian);
        router.stop(stopped);
        prepareOptimistic();
        prepareOracle();
        vm.deal(stranger, 100 ether);
    }

    function leaf(
        uint256 id
    ) internal returns (MockModelVerifier) {
        return new MockModelVerifier(bytes32(id), 3, 3);
    }

    /// @dev Questions in every state a function needs, all at one time.
    function prepareOptimistic() internal {
        deadline = uint64(vm.getBlockTimestamp() + 10 days);
        (resolvable, readable) = (askOptimistic(0, address(0), 0), askOptimistic(0, address(0), 0));
        claim(resolvable, answer());
        proposer = stranger;
        vm.deal(stranger, 100 ether);
        claim(readable, answer());
        proposer = makeAddress("proposer");
        vm.warp(vm.getBlockTimestamp() + CHALLENGE_WINDOW + 1);
        optimistic.resolve(readable);
        refutable = challenged(answer());
        deadline = uint64(vm.getBlockTimestamp() + 1);
        cancellable = askOptimistic(0, address(0), 0);
        vm.warp(vm.getBlockTimestamp() + PROVE_WINDOW + 1);
        deadline = uint64(vm.getBlockTimestamp() + 10 days);
        (claimable, challengeable) = (askOptimistic(0, address(0), 0), askOptimistic(0, address(0), 0));
        claim(challengeable, answer());
        provable = challenged(answer());
        returnable = askOptimistic(0, address(0), 0);
        vm.prank(guardian);
        optimistic.blacklist(returnable);
    }

    /// @dev Request 1 expired, 2 answered for the stranger with a failed callback, 3 open; one verified set with the answer to 3.
    function prepareOracle() internal {
        vm.prank(registrar);
        registry.setBatchVerifier(MODEL, batch);
        deadline = uint64(vm.getBlockTimestamp() + 1);
        ask(1 ether, address(0), 0);
        vm.warp(vm.getBlockTimestamp() + 2);
        deadline = uint64(vm.getBlockTimestamp() + 10 days);
        RecordingReceiver receiver = new RecordingReceiver();
        receiver.setFailing(true);
        ask(1 ether, address(receiver), 200_000);
        oracle.fulfill(2, stranger, answer(), proofFor(2, stranger, answer()));
        receiver.setFailing(false);
        ask(1 ether, address(0), 0);
        setRoot = this.leafOf(3, answer());
        oracle.submitSet(MODEL, setRoot, 0, batch.proofOf(setRoot, 0));
        MockModelVerifier ninth = leaf(9);
        vm.prank(registrar);
        registry.register(bytes32(uint256(9)), ninth, modelOwner, generateMetadata(T), "");
    }

    function leafOf(
        uint256 id,
        uint256[] calldata outputs
    ) external view returns (bytes32) {
        return InferenceSet.leafHash(MODEL, oracle.contextOf(id, payee), prompt(), outputs);
    }

    // ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function row(
        bytes memory data,
        uint256 mask,
        address able
    ) internal returns (Row storage r) {
        r = rows[bytes4(data)];
        vm.assertTrue(r.data.length == 0, "two rows for one function");
        selectors.push(bytes4(data));
        (r.data, r.mask, r.able) = (data, mask, able);
    }

    function only(
        bytes memory data,
        uint256 mask
    ) internal returns (Row storage) {
        return row(data, mask, address(0));
    }

    function open(
        bytes memory data
    ) internal returns (Row storage) {
        return row(data, 0, stranger);
    }

    /// @dev What OpenZeppelin's AccessControl brings.
    function accessControl() internal {
        IAccessControl any = IAccessControl(address(0));
        only(abi.encodeCall(any.grantRole, (keccak256("GUARDIAN_ROLE"), alice)), ADMIN);
        only(abi.encodeCall(any.revokeRole, (keccak256("GUARDIAN_ROLE"), guardian)), ADMIN);
        only(abi.encodeCall(any.renounceRole, (keccak256("GUARDIAN_ROLE"), stranger)), STRANGER);
        open(abi.encodeCall(any.hasRole, (0, admin)));
        open(abi.encodeCall(any.getRoleAdmin, (0)));
        open(abi.encodeWithSignature("supportsInterface(bytes4)", bytes4(0)));
        open(abi.encodeWithSignature("DEFAULT_ADMIN_ROLE()"));
        open(abi.encodeWithSignature("GUARDIAN_ROLE()"));
    }

    function test_O11_registry() public {
        accessControl();
        bytes32 added = bytes32(uint256(8));
        only(abi.encodeCall(registry.register, (added, leaf(8), modelOwner, generateMetadata(T), "")), REGISTRAR);
        MockBatchVerifier second = new MockBatchVerifier(bytes32(uint256(9)));
        only(abi.encodeCall(registry.setBatchVerifier, (bytes32(uint256(9)), second)), REGISTRAR);
        only(abi.encodeCall(registry.deprecate, (MODEL)), GUARDIAN | MODEL_OWNER);
        only(abi.encodeCall(registry.revoke, (MODEL)), GUARDIAN | MODEL_OWNER);
        only(abi.encodeCall(registry.setMetadataURI, (MODEL, "x")), MODEL_OWNER);
        only(abi.encodeCall(registry.setFidelityReport, (MODEL, bytes32(uint256(1)))), MODEL_OWNER);
        only(abi.encodeCall(registry.transferModel, (MODEL, alice)), MODEL_OWNER);
        open(abi.encodeCall(registry.getModel, (MODEL)));
        open(abi.encodeCall(registry.routeOf, (MODEL)));
        open(abi.encodeCall(registry.statusOf, (MODEL)));
        open(abi.encodeCall(registry.modelCount, ()));
        open(abi.encodeCall(registry.modelAt, (0)));
        open(abi.encodeCall(registry.fidelityReportOf, (MODEL)));
        open(abi.encodeCall(registry.batchVerifierOf, (MODEL)));
        open(abi.encodeCall(registry.REGISTRAR_ROLE, ()));
        check(address(registry), "ModelRegistry");
    }

    function test_O11_router() public {
        accessControl();
        bytes4 active = router.selectorOf(verifier);
        only(abi.encodeCall(router.addVerifier, (leaf(8))), ADMIN);
        only(abi.encodeCall(router.removeVerifier, (active)), ADMIN);
        only(abi.encodeCall(router.freeze, ()), ADMIN);
        only(abi.encodeCall(router.stop, (active)), GUARDIAN);
        only(abi.encodeCall(router.resume, (stopped)), RESUMER);
        uint256[] memory outputs = answer();
        outputs[0] |= 1 << 248;
        bytes memory proof = verifier.proofOf(router.reservedContext(active), prompt(), outputs);
        open(abi.encodeCall(router.stopByImpossibleProof, (active, prompt(), outputs, proof)));
        Evidence memory truth = Evidence(7, answer(), verifier.proofOf(7, prompt(), answer()));
        Evidence memory other = Evidence(7, outputs, verifier.proofOf(7, prompt(), outputs));
        open(abi.encodeCall(router.stopByContradiction, (active, prompt(), truth, other)));
        open(abi.encodeCall(router.verify, (active, MODEL, 7, prompt(), answer(), truth.proof)));
        open(abi.encodeCall(router.routeOf, (active)));
        open(abi.encodeCall(router.selectorOf, (verifier)));
        open(abi.encodeCall(router.reservedContext, (active)));
        open(abi.encodeCall(router.frozen, ()));
        open(abi.encodeCall(router.RESUMER_ROLE, ()));
        open(abi.encodeCall(router.SELECTOR_TAG, ()));
        open(abi.encodeCall(router.EXPLOIT_TAG, ()));
        check(address(router), "VerifierRouter");
    }

    function test_O11_oracle() public {
        accessControl();
        open(abi.encodeCall(oracle.request, (MODEL, prompt(), deadline, 0, address(0))));
        bytes memory proof = proofFor(3, payee, answer());
        open(abi.encodeCall(oracle.fulfill, (3, payee, answer(), proof)));
        Fulfillment[] memory items = new Fulfillment[](1);
        items[0] = Fulfillment(3, payee, answer(), proof);
        open(abi.encodeCall(oracle.fulfillBatch, (items)));
        only(abi.encodeCall(oracle.fulfillBatchItem, (stranger, items[0])), SELF);
        open(abi.encodeCall(oracle.fulfillFromSet, (3, payee, answer(), setRoot, 0, new bytes32[](0))));
        SetFulfillment[] memory ofSet = new SetFulfillment[](1);
        ofSet[0] = SetFulfillment(3, payee, answer(), 0, new bytes32[](0));
        open(abi.encodeCall(oracle.fulfillBatchFromSet, (MODEL, setRoot, 0, "", ofSet)));
        only(abi.encodeCall(oracle.fulfillSetItem, (stranger, setRoot, ofSet[0])), SELF);
        bytes32 other = bytes32(uint256(5));
        open(abi.encodeCall(oracle.submitSet, (MODEL, other, 1, batch.proofOf(other, 1))));
        uint256 context = oracle.contextOf(3, payee);
        open(abi.encodeCall(oracle.checkInSet, (MODEL, setRoot, context, prompt(), answer(), 0, new bytes32[](0))));
        open(abi.encodeCall(oracle.getSet, (MODEL, setRoot)));
        proof = verifier.proofOf(oracle.pullContextOf(stranger, MODEL, prompt(), 1), prompt(), answer());
        open(abi.encodeCall(oracle.consumeProof, (MODEL, prompt(), answer(), 1, proof)));
        only(abi.encodeCall(oracle.retryCallback, (2)), REQUESTER);
        only(abi.encodeCall(oracle.refund, (1)), REQUESTER);
        open(abi.encodeCall(oracle.withdraw, ())); // the stranger was credited; the others have nothing there
        open(abi.encodeCall(oracle.withdrawTo, (payable(relayer), 1)));
        only(abi.encodeCall(oracle.pause, ()), GUARDIAN);
        Row storage r = only(abi.encodeCall(oracle.unpause, ()), RESUMER | ADMIN);
        (r.prepare, r.preparer) = (abi.encodeCall(oracle.pause, ()), guardian);
        oracleViews();
        check(address(oracle), "InferenceOracle");
    }

    function oracleViews() internal {
        open(abi.encodeCall(oracle.withdrawable, (stranger)));
        open(abi.encodeCall(oracle.getRequest, (1)));
        open(abi.encodeCall(oracle.getResult, (1)));
        open(abi.encodeCall(oracle.provenOutputs, (2)));
        open(abi.encodeCall(oracle.getOutputNoOlderThan, (2, 1 days)));
        open(abi.encodeCall(oracle.storedAt, (2)));
        open(abi.encodeCall(oracle.contextOf, (1, payee)));
        open(abi.encodeCall(oracle.requestCount, ()));
        open(abi.encodeCall(oracle.registry, ()));
        open(abi.encodeCall(oracle.DOMAIN_TAG, ()));
        open(abi.encodeCall(oracle.PULL_TAG, ()));
        open(abi.encodeCall(oracle.MAX_CALLBACK_GAS, ()));
        open(abi.encodeCall(oracle.RESUMER_ROLE, ()));
        open(abi.encodeCall(oracle.paused, ()));
        open(abi.encodeCall(oracle.pullIdOf, (stranger, MODEL, prompt(), 1)));
        open(abi.encodeCall(oracle.pullContextOf, (stranger, MODEL, prompt(), 1)));
        open(abi.encodeCall(oracle.isConsumed, (0)));
    }

    function test_O11_optimistic() public {
        accessControl();
        open(abi.encodeCall(optimistic.ask, (MODEL, prompt(), deadline, 0, address(0))));
        open(abi.encodeCall(optimistic.claim, (claimable, answer()))).value = PROPOSER_BOND;
        open(abi.encodeCall(optimistic.challenge, (challengeable))).value = CHALLENGER_BOND;
        open(abi.encodeCall(optimistic.prove, (provable, proofOf(provable))));
        open(abi.encodeCall(optimistic.refute, (refutable)));
        open(abi.encodeCall(optimistic.resolve, (resolvable)));
        only(abi.encodeCall(optimistic.cancel, (cancellable)), REQUESTER);
        only(abi.encodeCall(optimistic.blacklist, (claimable)), GUARDIAN);
        only(abi.encodeCall(optimistic.retire, ()), GUARDIAN);
        open(abi.encodeCall(optimistic.returnBonds, (returnable)));
        only(abi.encodeCall(optimistic.stopClaims, ()), GUARDIAN);
        only(abi.encodeCall(optimistic.resumeClaims, ()), RESUMER);
        open(abi.encodeCall(optimistic.withdraw, (payable(relayer))));
        open(abi.encodeCall(optimistic.getOutput, (readable, Provenance.OptimisticFinal)));
        open(abi.encodeCall(optimistic.getQuestion, (1)));
        open(abi.encodeCall(optimistic.contextOf, (1, stranger)));
        open(abi.encodeCall(optimistic.terms, ()));
        open(abi.encodeCall(optimistic.credit, (stranger)));
        open(abi.encodeCall(optimistic.questionCount, ()));
        open(abi.encodeCall(optimistic.registry, ()));
        open(abi.encodeCall(optimistic.claimsStopped, ()));
        open(abi.encodeCall(optimistic.retired, ()));
        open(abi.encodeCall(optimistic.RESUMER_ROLE, ()));
        open(abi.encodeCall(optimistic.DOMAIN_TAG, ()));
        open(abi.encodeCall(optimistic.BURN_ADDRESS, ()));
        open(abi.encodeCall(optimistic.MAX_CALLBACK_GAS, ()));
        check(address(optimistic), "OptimisticOracle");
    }

    // ── the matrix ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function check(
        address target,
        string memory name
    ) internal {
        everyFunctionHasARow(name);
        address[8] memory actors = [admin, registrar, guardian, resumer, modelOwner, alice, stranger, target];
        for (uint256 f = 0; f < selectors.length; ++f) {
            Row storage r = rows[selectors[f]];
            for (uint256 a = 0; a < actors.length; ++a) {
                uint256 before = vm.snapshotState();
                bool able = r.mask == 0 ? actors[a] == r.able : r.mask & (1 << a) != 0;
                tryIt(target, r, actors[a], able);
                vm.revertToState(before);
            }
        }
    }

    function tryIt(
        address target,
        Row storage r,
        address actor,
        bool able
    ) internal {
        if (r.prepare.length != 0) {
            vm.prank(r.preparer);
            (bool prepared,) = target.call(r.prepare);
            vm.assertTrue(prepared);
        }
        vm.deal(actor, actor.balance + r.value);
        vm.prank(actor);
        (bool success, bytes memory reason) = target.call{value: r.value}(r.data);
        string memory what = string.concat(vm.toString(bytes32(bytes4(r.data))), " by ", vm.toString(actor));
        if (able) vm.assertTrue(success, what);
        else if (r.mask != 0) vm.assertTrue(!success && isAccessError(bytes4(reason)), what);
        else vm.assertTrue(success || !isAccessError(bytes4(reason)), what);
    }

    function isAccessError(
        bytes4 error_
    ) internal pure returns (bool) {
        return error_ == IAccessControl.AccessControlUnauthorizedAccount.selector
            || error_ == IAccessControl.AccessControlBadConfirmation.selector || error_ == IModelRegistry.NotModelOwner.selector
            || error_ == IInferenceOracle.NotRequester.selector || error_ == IInferenceOracle.OnlySelf.selector;
    }

    function everyFunctionHasARow(
        string memory name
    ) internal view {
        string memory artefact = vm.readFile(string.concat("out/", name, ".sol/", name, ".json"));
        string[] memory signatures = vm.parseJsonKeys(artefact, ".methodIdentifiers");
        for (uint256 i = 0; i < signatures.length; ++i) {
            bytes4 selector = bytes4(keccak256(bytes(signatures[i])));
            vm.assertTrue(rows[selector].data.length != 0, string.concat("no row for ", name, ".", signatures[i]));
        }
        vm.assertEq(selectors.length, signatures.length);
    }

    /// @dev The deployment leaves no power outside the timelock, the registrar, the guardian and the resumer.
    function test_O11_only_the_timelock_is_admin() public {
        IAccessControl[4] memory all = [IAccessControl(registry), router, oracle, optimistic];
        address[6] memory others = [address(this), registrar, guardian, resumer, modelOwner, stranger];
        for (uint256 i = 0; i < all.length; ++i) {
            vm.assertTrue(all[i].hasRole(0, admin));
            for (uint256 k = 0; k < others.length; ++k) {
                vm.assertFalse(all[i].hasRole(0, others[k]));
            }
            vm.assertFalse(all[i].hasRole(keccak256("RESUMER_ROLE"), guardian));
        }
        Governance memory g = Governance(1, guardian, registrar, guardian, resumer);
        vm.expectRevert(abi.encodeWithSelector(PowersNotSeparate.selector, guardian));
        this.deploy(g);
        (g.proposer, g.resumer) = (alice, guardian);
        vm.expectRevert(abi.encodeWithSelector(PowersNotSeparate.selector, guardian));
        this.deploy(g);
        (g.resumer, g.registrar) = (resumer, guardian);
        vm.expectRevert(abi.encodeWithSelector(PowersNotSeparate.selector, guardian));
        this.deploy(g);
        (g.delay, g.registrar) = (0, registrar);
        vm.expectRevert(NoDelay.selector);
        this.deploy(g);
    }

    function deploy(
        Governance memory g
    ) external {
        _deploy(g, standardTerms());
    }

    /// @dev An admin act takes a proposal, the delay, and then anybody.
    function test_O11_admin_acts_wait_for_the_delay() public {
        address council = makeAddress("council");
        Deployment memory d = _deploy(Governance(2 days, council, address(0), guardian, address(0)), standardTerms());
        bytes memory act = abi.encodeCall(d.router.addVerifier, (verifier));
        vm.prank(council);
        d.timelock.schedule(address(d.router), 0, act, 0, 0, 2 days);
        vm.warp(vm.getBlockTimestamp() + 2 days - 1);
        vm.expectRevert();
        d.timelock.execute(address(d.router), 0, act, 0, 0);
        vm.warp(vm.getBlockTimestamp() + 1);
        vm.prank(stranger);
        d.timelock.execute(address(d.router), 0, act, 0, 0);
        vm.assertEq(address(d.router.routeOf(d.router.selectorOf(verifier)).verifier), address(verifier));
        vm.assertTrue(d.registry.hasRole(d.registry.REGISTRAR_ROLE(), address(d.timelock)));
    }
}
