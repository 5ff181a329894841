// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IVerifierRouter, RouteStatus} from "../src/IVerifierRouter.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Fixture} from "./support/Fixture.sol";
import {MockModelVerifier} from "./support/MockModelVerifier.sol";
import {Test} from "./support/Test.sol";

/// @dev Adds, stops, resumes, removes, breaks and freezes in any order, four leaves of which two share a selector.
contract RouterHandler is Test {
    VerifierRouter internal router;
    address internal admin;
    address internal guardian;
    address internal resumer;
    MockModelVerifier[4] public leaves;
    uint256[] internal inputs;

    bool public wasFrozen;
    uint256 public addedAfterFreeze;
    mapping(bytes4 => RouteStatus) public tombstone;
    mapping(bytes4 => address) public first;

    constructor(
        VerifierRouter router_,
        address admin_,
        address guardian_,
        address resumer_,
        uint256[] memory inputs_
    ) {
        (router, admin, guardian, resumer, inputs) = (router_, admin_, guardian_, resumer_, inputs_);
        for (uint256 i = 0; i < 4; ++i) {
            leaves[i] = new MockModelVerifier(bytes32(i % 3), 3, 3);
        }
    }

    function selectorOf(
        uint256 i
    ) public view returns (bytes4) {
        return router.selectorOf(leaves[i % 4]);
    }

    /// @dev Tries; what must not succeed is seen by the invariant.
    function attempt(
        address who,
        bytes memory data
    ) internal returns (bool success) {
        vm.prank(who);
        (success,) = address(router).call(data);
    }

    function add(
        uint256 i
    ) external {
        bytes4 selector = selectorOf(i);
        if (!attempt(admin, abi.encodeCall(router.addVerifier, (leaves[i % 4])))) return;
        if (wasFrozen) ++addedAfterFreeze;
        vm.assertEq(first[selector], address(0)); // a selector is given once
        first[selector] = address(leaves[i % 4]);
    }

    function stop(
        uint256 i
    ) external {
        attempt(guardian, abi.encodeCall(router.stop, (selectorOf(i))));
    }

    function resume(
        uint256 i
    ) external {
        attempt(resumer, abi.encodeCall(router.resume, (selectorOf(i))));
    }

    function remove(
        uint256 i,
        uint256 dice
    ) external {
        if (dice % 8 != 0) return;
        bytes4 selector = selectorOf(i);
        if (attempt(admin, abi.encodeCall(router.removeVerifier, (selector)))) tombstone[selector] = RouteStatus.Removed;
    }

    function breakIt(
        uint256 i,
        uint256 dice
    ) external {
        if (dice % 8 != 0) return;
        bytes4 selector = selectorOf(i);
        uint256[] memory outputs = new uint256[](3);
        outputs[0] = 1 << 248;
        bytes memory forgery = leaves[i % 4].proofOf(router.reservedContext(selector), inputs, outputs);
        bytes memory data = abi.encodeCall(router.stopByImpossibleProof, (selector, inputs, outputs, forgery));
        if (attempt(makeAddress("anybody"), data)) tombstone[selector] = RouteStatus.Broken;
    }

    function freeze(
        uint256 dice
    ) external {
        if (dice % 64 == 0 && attempt(admin, abi.encodeCall(router.freeze, ()))) wasFrozen = true;
    }
}

contract RouterInvariantsTest is Fixture {
    VerifierRouter internal router;
    RouterHandler internal handler;

    function setUp() public override {
        super.setUp();
        router = new VerifierRouter(admin, guardian, registrar);
        handler = new RouterHandler(router, admin, guardian, registrar, prompt());
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev A tombstone never changes, no route is exchanged, nothing is added to a frozen router.
    function invariant_O1_tombstones_stay() public view {
        for (uint256 i = 0; i < 4; ++i) {
            bytes4 selector = handler.selectorOf(i);
            RouteStatus grave = handler.tombstone(selector);
            RouteStatus status = router.routeOf(selector).status;
            if (grave != RouteStatus.Unknown) vm.assertTrue(status == grave, "a tombstone changed");
            else vm.assertTrue(status <= RouteStatus.Stopped);
            vm.assertEq(address(router.routeOf(selector).verifier), handler.first(selector));
        }
        vm.assertEq(handler.addedAfterFreeze(), 0);
        vm.assertTrue(router.frozen() == handler.wasFrozen());
    }
}
