// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {OptimisticTerms} from "../src/IOptimisticOracle.sol";
import {InferenceOracle} from "../src/InferenceOracle.sol";
import {ModelRegistry} from "../src/ModelRegistry.sol";
import {OptimisticOracle} from "../src/OptimisticOracle.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";

/// @notice Who decides what, and after what delay.
struct Governance {
    /// Seconds between proposing and executing an admin's act.
    uint256 delay;
    /// Propose and cancel admin acts: a multi-signature wallet.
    address proposer;
    /// Registers models. The timelock itself if zero.
    address registrar;
    /// Stops things, nothing else; fast, so not behind the timelock.
    address guardian;
    /// Lets go on what the guardian stopped. The timelock itself if zero.
    address resumer;
}

/// @notice What was deployed.
struct Deployment {
    TimelockController timelock;
    ModelRegistry registry;
    VerifierRouter router;
    InferenceOracle oracle;
    OptimisticOracle optimistic;
}

/// @title The whole system behind a timelock
/// @notice The timelock administers itself and holds every admin role; no key of the deployer is left anywhere. Executing is open to anybody
/// once the delay is over.
abstract contract GovernedDeployment {
    /// @notice One body would hold two powers that must be apart.
    error PowersNotSeparate(address account);

    /// @notice A delay of 0 is no timelock.
    error NoDelay();

    function _deploy(
        Governance memory g,
        OptimisticTerms memory terms
    ) internal returns (Deployment memory d) {
        if (g.delay == 0) revert NoDelay();
        if (g.guardian == g.proposer || g.guardian == g.registrar || g.guardian == g.resumer) {
            revert PowersNotSeparate(g.guardian);
        }
        address[] memory proposers = new address[](1);
        proposers[0] = g.proposer;
        address[] memory executors = new address[](1); // the zero address: anybody
        d.timelock = new TimelockController(g.delay, proposers, executors, address(0));
        address admin = address(d.timelock);
        address resumer = g.resumer == address(0) ? admin : g.resumer;
        d.registry = new ModelRegistry(admin, g.registrar == address(0) ? admin : g.registrar, g.guardian);
        d.router = new VerifierRouter(admin, g.guardian, resumer);
        d.oracle = new InferenceOracle(d.registry, admin, g.guardian);
        // Refuses bonds that do not pay for a proof (IOptimisticOracle, bond policy).
        d.optimistic = new OptimisticOracle(d.registry, terms, admin, g.guardian, resumer);
    }
}
