// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {DeployGoverned} from "../deploy/DeployGoverned.s.sol";
import {Deployment} from "../deploy/GovernedDeployment.sol";
import {IOptimisticOracle} from "../src/IOptimisticOracle.sol";
import {Test} from "./support/Test.sol";

/// @dev P6, by the script that deploys.
contract DeployGovernedTest is Test {
    function set(
        string memory provingCost
    ) internal {
        vm.setEnv("DELAY", "172800");
        vm.setEnv("PROPOSER", "0x00000000000000000000000000000000000000c1");
        vm.setEnv("GUARDIAN", "0x00000000000000000000000000000000000000c2");
        vm.setEnv("PROPOSER_BOND", "1000");
        vm.setEnv("CHALLENGER_BOND", "1000");
        vm.setEnv("BURN_BPS", "2500");
        vm.setEnv("CHALLENGE_WINDOW", "86400");
        vm.setEnv("PROVE_WINDOW", "21600");
        vm.setEnv("PROVING_COST", provingCost);
    }

    function test_P6_the_script_refuses_bonds_below_the_proving_cost() public {
        DeployGoverned script = new DeployGoverned();
        set("751");
        vm.expectRevert(abi.encodeWithSelector(IOptimisticOracle.BondBelowProvingCost.selector, 750, 751));
        script.run();
        vm.stopBroadcast(); // the revert left it on
        set("750");
        Deployment memory d = script.run();
        vm.assertEq(d.optimistic.terms().provingCost, 750);
        vm.assertEq(d.timelock.getMinDelay(), 2 days);
        vm.assertTrue(d.router.hasRole(0, address(d.timelock)));
    }
}
