// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IModelVerifier} from "../src/IModelVerifier.sol";
import {IPullPath} from "../src/IPullPath.sol";
import {ProofGate} from "../src/examples/ProofGate.sol";
import {Fixture} from "./support/Fixture.sol";

/// @dev O7: the example of the pull path.
contract ProofGateTest is Fixture {
    ProofGate internal gate;

    function proof(
        address who,
        uint256[] memory outputs
    ) internal view returns (bytes memory) {
        uint256 context = oracle.pullContextOf(address(gate), MODEL, prompt(), gate.nonceOf(who));
        return verifier.proofOf(context, prompt(), outputs);
    }

    function test_O7_verified_and_used_in_one_transaction() public {
        // Value 10 is the answer's first byte, a space.
        gate = new ProofGate(oracle, MODEL, 10, 32);
        bytes memory good = proof(alice, answer());
        vm.prank(relayer);
        vm.expectRevert(IModelVerifier.ProofRejected.selector); // copied from the mempool
        gate.enter(prompt(), answer(), good);
        vm.expectEmit(address(gate));
        emit ProofGate.Admitted(alice, 32);
        vm.prank(alice);
        gate.enter(prompt(), answer(), good);
        vm.assertTrue(gate.isAdmitted(alice));
        vm.assertEq(gate.admissions(), 1);
        bytes32 id = oracle.pullIdOf(address(gate), MODEL, prompt(), gate.nonceOf(alice));
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IPullPath.AlreadyConsumed.selector, id));
        gate.enter(prompt(), answer(), good);
    }

    function test_O7_a_proven_value_that_is_too_low_lets_nobody_in() public {
        gate = new ProofGate(oracle, MODEL, 10, 33);
        bytes memory good = proof(alice, answer());
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(ProofGate.BelowThreshold.selector, int16(32), int16(33)));
        gate.enter(prompt(), answer(), good);
        vm.assertFalse(gate.isAdmitted(alice));
    }
}
