// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {OptimisticTerms} from "../src/IOptimisticOracle.sol";
import {Deployment, Governance, GovernedDeployment} from "./GovernedDeployment.sol";

/// @dev The cheatcodes that the script uses.
interface ScriptVm {
    function startBroadcast() external;
    function stopBroadcast() external;
    function envUint(
        string calldata
    ) external view returns (uint256);
    function envOr(
        string calldata,
        address
    ) external view returns (address);
    function envAddress(
        string calldata
    ) external view returns (address);
}

/// @title Deploys the whole system behind a timelock
/// @notice Nothing is sent without `--broadcast`:
///
///     DELAY=172800 PROPOSER=0x… GUARDIAN=0x… PROPOSER_BOND=… CHALLENGER_BOND=… PROVING_COST=… BURN_BPS=3333 \
///     CHALLENGE_WINDOW=86400 PROVE_WINDOW=21600 forge script deploy/DeployGoverned.s.sol --rpc-url …
///
/// REGISTRAR and RESUMER are optional. PROVING_COST is what one proof costs at most in wei: machine time for `halocast prove` (make bench)
/// and the gas of `prove`; the deployment reverts if the challenger's bond, less the burned share, does not pay for it.
contract DeployGoverned is GovernedDeployment {
    ScriptVm internal constant vm = ScriptVm(address(uint160(uint256(keccak256("hevm cheat code")))));

    bool public constant IS_SCRIPT = true;

    function run() external returns (Deployment memory d) {
        OptimisticTerms memory terms = OptimisticTerms({
            proposerBond: _amount("PROPOSER_BOND", type(uint96).max),
            challengerBond: _amount("CHALLENGER_BOND", type(uint96).max),
            provingCost: _amount("PROVING_COST", type(uint96).max),
            burnBps: uint16(_amount("BURN_BPS", type(uint16).max)),
            challengeWindow: uint32(_amount("CHALLENGE_WINDOW", type(uint32).max)),
            proveWindow: uint32(_amount("PROVE_WINDOW", type(uint32).max))
        });
        Governance memory g = Governance({
            delay: vm.envUint("DELAY"),
            proposer: vm.envAddress("PROPOSER"),
            registrar: vm.envOr("REGISTRAR", address(0)),
            guardian: vm.envAddress("GUARDIAN"),
            resumer: vm.envOr("RESUMER", address(0))
        });
        vm.startBroadcast();
        d = _deploy(g, terms);
        vm.stopBroadcast();
    }

    function _amount(
        string memory name,
        uint256 maximum
    ) private view returns (uint96) {
        uint256 value = vm.envUint(name);
        require(value <= maximum, string.concat(name, " is too large"));
        return uint96(value);
    }
}
