// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Harness, Target} from "./Harness.sol";

interface Cheats {
    function envOr(
        string calldata,
        string calldata
    ) external view returns (string memory);
    function parseJsonUint(
        string calldata,
        string calldata
    ) external pure returns (uint256);
}

/// @dev V8: gas of a good proof against docs/verifier-gas.json (written by `BLESS=1 make bench-gas`), within 2 %.
contract Gas is Harness {
    /// @dev The key contract is warm here and cold in a transaction of its own.
    uint256 private constant COLD_ACCOUNT = 2500;

    event Measured(string name, uint256 gas, uint256 stored);

    function test_V8_gas_is_the_stored_within_two_percent() external {
        string[4] memory fixtures = ["three-layers", "six-layers", "wrap", "small"];
        for (uint256 i = 0; i < fixtures.length; ++i) {
            compare("monolithic", monolithic(fixtures[i]), 0);
            compare("split", split(fixtures[i]), COLD_ACCOUNT);
        }
        compare("split", split("wide"), COLD_ACCOUNT);
    }

    function compare(
        string memory backEnd,
        Target memory target,
        uint256 missing
    ) private {
        bytes memory data = bytes.concat(target.prefix, calldataOf(target.fixture));
        address verifier = target.verifier;
        bool accepted;
        uint256 used;
        // Solidity's own call copies its argument, which costs more the more memory there is.
        assembly ("memory-safe") {
            let before := gas()
            accepted := staticcall(gas(), verifier, add(data, 0x20), mload(data), 0, 0)
            used := sub(before, gas())
        }
        used += missing;
        vm.assertTrue(accepted, target.fixture);
        Cheats cheats = Cheats(address(vm));
        bool ir = keccak256(bytes(cheats.envOr("FOUNDRY_PROFILE", string("default")))) == keccak256("ir");
        string memory name = string.concat('$["', target.fixture, '"]["', backEnd, ir ? "-ir" : "-legacy", '"]');
        uint256 stored = cheats.parseJsonUint(vm.readFile("../docs/verifier-gas.json"), name);
        emit Measured(name, used, stored);
        uint256 off = used > stored ? used - stored : stored - used;
        vm.assertTrue(50 * off <= stored, string.concat(name, ": ", vm.toString(used), " gas, stored ", vm.toString(stored)));
    }
}
