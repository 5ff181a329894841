// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Target} from "./Harness.sol";
import {Suite} from "./Suite.sol";

/// @dev Verifiers with one check removed (scripts/verifier-mutants.mjs): the suite finds each of them wrong.
contract Mutants is Suite {
    event Killed(string mutant, string by);

    function test_every_removed_check_is_noticed() external {
        string memory json = vm.readFile("mutants/list.json");
        uint256 count;
        for (; vm.keyExistsJson(json, item(count)); ++count) {
            string memory name = vm.parseJsonString(json, item(count));
            address verifier = deploy(vm.getCode(string.concat("mutants/", name, ".sol:Halo2Verifier")));
            bool isSplit = bytes(name)[0] == "S";
            bytes memory prefix = isSplit ? abi.encode(deploy(vm.getCode("mutants/Key.sol:Halo2VerifyingKey"))) : bytes("");
            string memory wrong = judge(Target(verifier, prefix, "small"), true);
            emit Killed(name, wrong);
            vm.assertTrue(bytes(wrong).length > 0, name);
        }
        vm.assertTrue(count >= 40, "mutants");
    }

    function item(
        uint256 index
    ) private pure returns (string memory) {
        return string.concat(".mutants[", vm.toString(index), "]");
    }
}
