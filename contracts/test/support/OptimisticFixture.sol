// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ClaimState, OptimisticTerms, Question} from "../../src/IOptimisticOracle.sol";
import {OptimisticOracle} from "../../src/OptimisticOracle.sol";
import {Fixture} from "./Fixture.sol";

/// @dev An optimistic oracle beside the verified one, over the same registry.
abstract contract OptimisticFixture is Fixture {
    uint96 internal constant PROPOSER_BOND = 3 ether + 1;
    uint96 internal constant CHALLENGER_BOND = 2 ether + 3;
    uint96 internal constant PROVING_COST = 1 ether;
    uint16 internal constant BURN_BPS = 3333;
    uint32 internal constant CHALLENGE_WINDOW = 1 days;
    uint32 internal constant PROVE_WINDOW = 6 hours;
    address internal constant BURNED = address(0xdEaD);

    OptimisticOracle internal optimistic;
    address internal proposer;
    address internal challenger;

    function setUp() public virtual override {
        super.setUp();
        proposer = makeAddress("proposer");
        challenger = makeAddress("challenger");
        optimistic = new OptimisticOracle(registry, standardTerms(), admin, guardian, admin);
        vm.deal(BURNED, 0);
        vm.deal(proposer, 1000 ether);
        vm.deal(challenger, 1000 ether);
    }

    function standardTerms() internal pure returns (OptimisticTerms memory) {
        return OptimisticTerms(PROPOSER_BOND, CHALLENGER_BOND, PROVING_COST, BURN_BPS, CHALLENGE_WINDOW, PROVE_WINDOW);
    }

    function lie() internal pure returns (uint256[] memory outputs) {
        outputs = answer();
        outputs[1] ^= 1;
    }

    function askOptimistic(
        uint256 fee,
        address callback,
        uint32 callbackGas
    ) internal returns (uint256 id) {
        vm.prank(alice);
        id = optimistic.ask{value: fee}(MODEL, prompt(), deadline, callbackGas, callback);
    }

    function claim(
        uint256 id,
        uint256[] memory outputs
    ) internal {
        vm.prank(proposer);
        optimistic.claim{value: PROPOSER_BOND}(id, outputs);
    }

    function challenge(
        uint256 id
    ) internal {
        vm.prank(challenger);
        optimistic.challenge{value: CHALLENGER_BOND}(id);
    }

    function challenged(
        uint256[] memory outputs
    ) internal returns (uint256 id) {
        id = askOptimistic(1 ether, address(0), 0);
        claim(id, outputs);
        challenge(id);
    }

    /// @dev A proof of whatever is claimed.
    function proofOf(
        uint256 id
    ) internal view returns (bytes memory) {
        Question memory q = optimistic.getQuestion(id);
        return verifier.proofOf(optimistic.contextOf(id, q.proposer), q.inputs, q.outputs);
    }

    function prove(
        uint256 id
    ) internal {
        bytes memory proof = proofOf(id);
        vm.prank(relayer);
        optimistic.prove(id, proof);
    }

    /// @dev A question in the wanted state, with a fee of 1 ether.
    function reach(
        ClaimState state_
    ) internal returns (uint256 id) {
        id = askOptimistic(1 ether, address(0), 0);
        if (state_ == ClaimState.Unclaimed) return id;
        if (state_ == ClaimState.Cancelled) {
            vm.warp(deadline + 1);
            vm.prank(alice);
            optimistic.cancel(id);
            return id;
        }
        if (state_ == ClaimState.Refunded) {
            vm.prank(guardian);
            optimistic.blacklist(id);
            optimistic.returnBonds(id);
            return id;
        }
        claim(id, answer());
        if (state_ == ClaimState.Claimed) return id;
        if (state_ == ClaimState.Resolved) {
            vm.warp(vm.getBlockTimestamp() + CHALLENGE_WINDOW + 1);
            optimistic.resolve(id);
            deadline = uint64(vm.getBlockTimestamp() + 1 hours);
            return id;
        }
        challenge(id);
        if (state_ == ClaimState.Proven) prove(id);
        if (state_ == ClaimState.Refuted) {
            vm.warp(vm.getBlockTimestamp() + PROVE_WINDOW + 1);
            optimistic.refute(id);
            deadline = uint64(vm.getBlockTimestamp() + 1 hours);
        }
    }
}
