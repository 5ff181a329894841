// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IInferenceOracle, CallbackStatus, Provenance} from "../src/IInferenceOracle.sol";
import {IModelRegistry} from "../src/IModelRegistry.sol";
import {IModelVerifier} from "../src/IModelVerifier.sol";
import {ClaimState, IOptimisticConsumer, IOptimisticOracle, OptimisticTerms, Question} from "../src/IOptimisticOracle.sol";
import {OptimisticOracle} from "../src/OptimisticOracle.sol";
import {OptimisticFixture} from "./support/OptimisticFixture.sol";
import {ExactOptimisticReceiver, OptimisticReceiver} from "./support/OptimisticReceivers.sol";
import {Exploder, GasBurner, ReturnBomb} from "./support/Receivers.sol";

contract OptimisticOracleTest is OptimisticFixture {
    function state(
        uint256 id
    ) internal view returns (ClaimState) {
        return optimistic.getQuestion(id).state;
    }

    function wrongState(
        uint256 id
    ) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IOptimisticOracle.WrongState.selector, id, state(id));
    }

    // ── P1: the whole walk ───────────────────────────────────────────────────────────────────────────────────────────────────────

    function test_P1_unchallenged_claim_is_final_after_the_window() public {
        uint256 id = askOptimistic(1 ether, address(0), 0);
        vm.assertTrue(state(id) == ClaimState.Unclaimed);
        claim(id, answer());
        vm.assertTrue(state(id) == ClaimState.Claimed);
        vm.warp(vm.getBlockTimestamp() + CHALLENGE_WINDOW + 1);
        vm.expectEmit(address(optimistic));
        emit IOptimisticOracle.Resolved(id, Provenance.OptimisticFinal, proposer, PROPOSER_BOND + 1 ether, 0);
        optimistic.resolve(id);
        vm.assertTrue(state(id) == ClaimState.Resolved);
        vm.assertEq(optimistic.getOutput(id, Provenance.OptimisticFinal), answer());
        vm.assertEq(optimistic.credit(proposer), PROPOSER_BOND + 1 ether);
        vm.prank(proposer);
        optimistic.withdraw(payable(relayer));
        vm.assertEq(relayer.balance, PROPOSER_BOND + 1 ether);
        vm.assertEq(address(optimistic).balance, 0);
    }

    function test_P1_challenged_and_proven() public {
        uint256 id = challenged(answer());
        vm.expectEmit(address(optimistic));
        emit IOptimisticOracle.ClaimProven(id, relayer, address(verifier));
        prove(id);
        vm.assertTrue(state(id) == ClaimState.Proven);
        optimistic.resolve(id);
        uint256 share = CHALLENGER_BOND - CHALLENGER_BOND * BURN_BPS / 10_000;
        vm.assertEq(optimistic.credit(proposer), PROPOSER_BOND + 1 ether + share);
        vm.assertEq(optimistic.credit(challenger), 0);
        vm.assertEq(BURNED.balance, CHALLENGER_BOND - share);
        vm.assertTrue(optimistic.getQuestion(id).provenance == Provenance.Proven);
        vm.assertEq(optimistic.getOutput(id, Provenance.Proven), answer());
    }

    function test_P1_challenged_and_refuted() public {
        uint256 id = challenged(lie());
        vm.warp(vm.getBlockTimestamp() + PROVE_WINDOW + 1);
        vm.expectEmit(address(optimistic));
        emit IOptimisticOracle.ClaimRefuted(id, relayer);
        vm.prank(relayer);
        optimistic.refute(id);
        vm.assertTrue(state(id) == ClaimState.Refuted);
        optimistic.resolve(id);
        uint256 share = PROPOSER_BOND - PROPOSER_BOND * BURN_BPS / 10_000;
        vm.assertEq(optimistic.credit(challenger), CHALLENGER_BOND + share);
        vm.assertEq(optimistic.credit(alice), 1 ether);
        vm.assertEq(optimistic.credit(proposer), 0);
        vm.assertEq(BURNED.balance, PROPOSER_BOND - share);
        bytes4 weak = IOptimisticOracle.ProvenanceTooWeak.selector;
        vm.expectRevert(abi.encodeWithSelector(weak, Provenance.Refuted, Provenance.OptimisticFinal));
        optimistic.getOutput(id, Provenance.OptimisticFinal);
    }

    /// @dev Every function in every state in which it has no business.
    function test_P1_forbidden_edges() public {
        for (uint256 s = uint256(ClaimState.Unclaimed); s <= uint256(ClaimState.Refunded); ++s) {
            ClaimState at = ClaimState(s);
            setUp();
            uint256 id = reach(at);
            vm.assertTrue(state(id) == at);
            bytes memory wrong = wrongState(id);
            if (at != ClaimState.Unclaimed) {
                vm.prank(proposer);
                vm.expectRevert(wrong);
                optimistic.claim{value: PROPOSER_BOND}(id, answer());
                vm.prank(alice);
                vm.expectRevert(wrong);
                optimistic.cancel(id);
            }
            if (at != ClaimState.Claimed) {
                vm.prank(challenger);
                vm.expectRevert(wrong);
                optimistic.challenge{value: CHALLENGER_BOND}(id);
            }
            if (at != ClaimState.Claimed && at != ClaimState.Challenged) {
                vm.expectRevert(wrong);
                optimistic.prove(id, "");
            }
            if (at != ClaimState.Challenged) {
                vm.expectRevert(wrong);
                optimistic.refute(id);
            }
            if (at != ClaimState.Claimed && at != ClaimState.Proven && at != ClaimState.Refuted) {
                vm.expectRevert(wrong);
                optimistic.resolve(id);
            }
            vm.expectRevert(
                at < ClaimState.Resolved ? abi.encodeWithSelector(IOptimisticOracle.NotRefundable.selector, id) : wrong
            );
            optimistic.returnBonds(id);
            if (at >= ClaimState.Resolved) {
                vm.prank(guardian);
                vm.expectRevert(wrong);
                optimistic.blacklist(id);
            }
            vm.assertTrue(state(id) == at);
        }
    }

    function test_unknown_question() public {
        bytes memory unknown = abi.encodeWithSelector(IOptimisticOracle.UnknownQuestion.selector, 1);
        vm.expectRevert(unknown);
        optimistic.getQuestion(1);
        vm.expectRevert(unknown);
        optimistic.prove(1, "");
        vm.expectRevert(unknown);
        optimistic.resolve(1);
        vm.expectRevert(unknown);
        optimistic.returnBonds(1);
        vm.expectRevert(unknown);
        optimistic.getOutput(1, Provenance.Proven);
        vm.deal(proposer, PROPOSER_BOND);
        vm.prank(proposer);
        vm.expectRevert(unknown);
        optimistic.claim{value: PROPOSER_BOND}(1, answer());
    }

    // ── P3, P6: the economics ────────────────────────────────────────────────────────────────────────────────────────────────────

    /// @dev One purse plays both sides; whatever the outcome, it loses the burned share.
    function test_P3_disputing_with_oneself_costs_the_burned_share() public {
        challenger = proposer;
        vm.deal(proposer, PROPOSER_BOND + CHALLENGER_BOND);
        uint256 id = askOptimistic(0, address(0), 0);
        claim(id, answer());
        challenge(id);
        prove(id);
        optimistic.resolve(id);
        vm.prank(proposer);
        optimistic.withdraw(payable(proposer));
        vm.assertEq(proposer.balance, PROPOSER_BOND + CHALLENGER_BOND - CHALLENGER_BOND * BURN_BPS / 10_000);

        vm.deal(proposer, PROPOSER_BOND + CHALLENGER_BOND);
        id = askOptimistic(0, address(0), 0);
        claim(id, lie());
        challenge(id);
        vm.warp(vm.getBlockTimestamp() + PROVE_WINDOW + 1);
        optimistic.refute(id);
        optimistic.resolve(id);
        vm.prank(proposer);
        optimistic.withdraw(payable(proposer));
        vm.assertEq(proposer.balance, PROPOSER_BOND + CHALLENGER_BOND - PROPOSER_BOND * BURN_BPS / 10_000);
    }

    function deployWith(
        OptimisticTerms memory terms,
        bytes memory reason
    ) internal {
        if (reason.length != 0) vm.expectRevert(reason);
        new OptimisticOracle(registry, terms, admin, guardian, admin);
    }

    /// @dev challengerBond · (10,000 − burnBps) / 10,000 ≥ provingCost, to the wei.
    function test_P6_bonds_below_the_proving_cost_cannot_be_deployed() public {
        OptimisticTerms memory terms = standardTerms();
        uint256 share = CHALLENGER_BOND - CHALLENGER_BOND * BURN_BPS / 10_000;
        terms.provingCost = uint96(share);
        deployWith(terms, "");
        terms.provingCost = uint96(share + 1);
        deployWith(terms, abi.encodeWithSelector(IOptimisticOracle.BondBelowProvingCost.selector, share, share + 1));
    }

    function test_construction_refuses() public {
        bytes memory invalid = abi.encodeWithSelector(IOptimisticOracle.InvalidTerms.selector);
        for (uint256 i = 0; i < 6; ++i) {
            OptimisticTerms memory terms = standardTerms();
            if (i == 0) terms.proposerBond = 0;
            if (i == 1) terms.challengerBond = 0;
            if (i == 2) terms.burnBps = 0;
            if (i == 3) terms.burnBps = 10_001;
            if (i == 4) terms.challengeWindow = 0;
            if (i == 5) terms.proveWindow = 0;
            deployWith(terms, invalid);
        }
        vm.expectRevert(IOptimisticOracle.InvalidOptimisticAdmin.selector);
        new OptimisticOracle(registry, standardTerms(), address(0), guardian, admin);
        vm.expectRevert(abi.encodeWithSelector(IOptimisticOracle.RegistryWithoutCode.selector, alice));
        new OptimisticOracle(IModelRegistry(alice), standardTerms(), admin, guardian, admin);
        vm.assertEq(optimistic.terms().provingCost, standardTerms().provingCost);
        vm.assertTrue(optimistic.supportsInterface(type(IOptimisticOracle).interfaceId));
    }

    // ── P4: public values are built on chain ─────────────────────────────────────────────────────────────────────────────────────

    function test_P4_context_is_the_documented_one() public {
        uint256 id = askOptimistic(0, address(0), 0);
        bytes32 tag = keccak256("halocast.optimistic.context.v1");
        vm.assertEq(
            optimistic.contextOf(id, proposer),
            uint256(keccak256(abi.encode(tag, block.chainid, address(optimistic), id, proposer))) >> 8
        );
    }

    /// @dev `prove` takes an id and proof bytes; a proof of anything but exactly the stored claim is refused.
    function test_P4_only_a_proof_of_the_stored_claim_counts() public {
        vm.assertEq(bytes32(optimistic.prove.selector), bytes32(bytes4(keccak256("prove(uint256,bytes)"))));
        uint256 id = challenged(lie());
        uint256 context = optimistic.contextOf(id, proposer);
        bytes[4] memory proofs = [
            verifier.proofOf(context, prompt(), answer()), // of the true output
            verifier.proofOf(optimistic.contextOf(id, challenger), prompt(), lie()), // for another proposer
            verifier.proofOf(optimistic.contextOf(id + 1, proposer), prompt(), lie()), // for another question
            verifier.proofOf(oracle.contextOf(id, proposer), prompt(), lie()) // for the verified oracle
        ];
        for (uint256 i = 0; i < proofs.length; ++i) {
            vm.expectRevert(IModelVerifier.ProofRejected.selector);
            optimistic.prove(id, proofs[i]);
        }
        vm.chainId(1337);
        bytes memory good = verifier.proofOf(context, prompt(), lie());
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        optimistic.prove(id, good);
        vm.assertTrue(state(id) == ClaimState.Challenged);
    }

    // ── P5: windows ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function test_P5_challenge_window_edges() public {
        for (uint256 i = 0; i < 3; ++i) {
            setUp();
            uint256 id = askOptimistic(0, address(0), 0);
            claim(id, answer());
            uint256 end = vm.getBlockTimestamp() + CHALLENGE_WINDOW;
            vm.warp(end - 1 + i); // −1, 0, +1
            if (i < 2) {
                vm.expectRevert(abi.encodeWithSelector(IOptimisticOracle.ChallengeWindowOpen.selector, end, end - 1 + i));
                optimistic.resolve(id);
                challenge(id);
            } else {
                vm.prank(challenger);
                vm.expectRevert(abi.encodeWithSelector(IOptimisticOracle.ChallengeWindowClosed.selector, end, end + 1));
                optimistic.challenge{value: CHALLENGER_BOND}(id);
                optimistic.resolve(id);
            }
        }
    }

    /// @dev The prove window starts at the challenge, however late in the challenge window that came.
    function test_P5_prove_window_edges() public {
        for (uint256 i = 0; i < 3; ++i) {
            setUp();
            uint256 id = askOptimistic(0, address(0), 0);
            claim(id, answer());
            vm.warp(vm.getBlockTimestamp() + CHALLENGE_WINDOW);
            challenge(id);
            uint256 end = vm.getBlockTimestamp() + PROVE_WINDOW;
            vm.warp(end - 1 + i);
            if (i < 2) {
                vm.expectRevert(abi.encodeWithSelector(IOptimisticOracle.ProveWindowOpen.selector, end, end - 1 + i));
                optimistic.refute(id);
                prove(id);
                vm.assertTrue(state(id) == ClaimState.Proven);
            } else {
                bytes memory proof = proofOf(id);
                vm.expectRevert(abi.encodeWithSelector(IOptimisticOracle.ProveWindowClosed.selector, end, end + 1));
                optimistic.prove(id, proof);
                optimistic.refute(id);
            }
        }
    }

    function test_P5_a_proof_settles_early() public {
        uint256 id = challenged(answer());
        prove(id);
        optimistic.resolve(id); // the same second
        vm.assertTrue(optimistic.getQuestion(id).provenance == Provenance.Proven);
        // Nor need anybody wait for a challenge.
        id = askOptimistic(1 ether, address(0), 0);
        claim(id, answer());
        prove(id);
        vm.prank(challenger);
        vm.expectRevert(wrongState(id));
        optimistic.challenge{value: CHALLENGER_BOND}(id);
        uint256 before = optimistic.credit(proposer);
        optimistic.resolve(id);
        vm.assertEq(optimistic.credit(proposer), before + PROPOSER_BOND + 1 ether);
        vm.assertTrue(optimistic.getQuestion(id).provenance == Provenance.Proven);
    }

    // ── P7: the guardian ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    function test_P7_blacklisted_and_retired_questions_give_every_deposit_back() public {
        for (uint256 mode = 0; mode < 3; ++mode) {
            for (uint256 s = uint256(ClaimState.Unclaimed); s <= uint256(ClaimState.Refuted); ++s) {
                setUp();
                uint256 id = reach(ClaimState(s));
                uint256 bystander = askOptimistic(2 ether, address(0), 0);
                takeOut(mode, id);
                if (mode == 0) vm.assertTrue(state(id) == ClaimState(s));
                isTakenOut(id);
                vm.expectEmit(address(optimistic));
                emit IOptimisticOracle.BondsReturned(id);
                optimistic.returnBonds(id);
                vm.assertEq(optimistic.credit(alice), 1 ether);
                vm.assertEq(optimistic.credit(proposer), s >= uint256(ClaimState.Claimed) ? PROPOSER_BOND : 0);
                bool wasChallenged =
                    s == uint256(ClaimState.Challenged) || s == uint256(ClaimState.Refuted) || (s == uint256(ClaimState.Proven));
                vm.assertEq(optimistic.credit(challenger), wasChallenged ? CHALLENGER_BOND : 0);
                vm.assertEq(BURNED.balance, 0);
                vm.expectRevert(wrongState(id));
                optimistic.returnBonds(id);
                vm.expectRevert(abi.encodeWithSelector(IOptimisticOracle.NotFinal.selector, id));
                optimistic.getOutput(id, Provenance.OptimisticFinal);
                if (mode == 0) {
                    vm.expectRevert(abi.encodeWithSelector(IOptimisticOracle.NotRefundable.selector, bystander));
                    optimistic.returnBonds(bystander);
                }
            }
        }
    }

    function takeOut(
        uint256 mode,
        uint256 id
    ) internal {
        vm.prank(guardian);
        if (mode == 0) optimistic.blacklist(id);
        else if (mode == 1) optimistic.retire();
        else registry.revoke(MODEL);
    }

    function isTakenOut(
        uint256 id
    ) internal {
        bytes memory only = abi.encodeWithSelector(IOptimisticOracle.OnlyRefund.selector, id);
        vm.expectRevert(only);
        optimistic.prove(id, "");
        vm.expectRevert(only);
        optimistic.refute(id);
        vm.expectRevert(only);
        optimistic.resolve(id);
        vm.prank(alice);
        vm.expectRevert(only);
        optimistic.cancel(id);
        vm.deal(challenger, CHALLENGER_BOND);
        vm.prank(challenger);
        vm.expectRevert(only);
        optimistic.challenge{value: CHALLENGER_BOND}(id);
    }

    function test_P7_retiring_is_for_good_and_takes_nothing_new() public {
        uint256 open = askOptimistic(0, address(0), 0);
        vm.prank(guardian);
        optimistic.retire();
        vm.prank(guardian);
        vm.expectRevert(IOptimisticOracle.AlreadyRetired.selector);
        optimistic.retire();
        vm.expectRevert(IOptimisticOracle.AlreadyRetired.selector);
        optimistic.ask(MODEL, prompt(), deadline, 0, address(0));
        vm.prank(proposer);
        vm.expectRevert(IOptimisticOracle.AlreadyRetired.selector);
        optimistic.claim{value: PROPOSER_BOND}(open, answer());
    }

    function test_P7_final_answers_stay_when_the_contract_is_retired() public {
        uint256 id = reach(ClaimState.Resolved);
        vm.prank(guardian);
        optimistic.retire();
        vm.assertEq(optimistic.getOutput(id, Provenance.OptimisticFinal), answer());
        vm.expectRevert(wrongState(id));
        optimistic.returnBonds(id);
    }

    // ── P8: callback ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function test_P8_called_once_after_finality_and_only_if_asked_for() public {
        OptimisticReceiver receiver = new OptimisticReceiver();
        uint256 id = askOptimistic(1 ether, address(receiver), 200_000);
        bytes memory notFinal = abi.encodeWithSelector(IOptimisticOracle.NotFinal.selector, id);
        vm.expectRevert(notFinal);
        optimistic.getOutput(id, Provenance.OptimisticFinal);
        claim(id, answer());
        vm.expectRevert(notFinal);
        optimistic.getOutput(id, Provenance.OptimisticFinal);
        challenge(id);
        prove(id);
        vm.expectRevert(notFinal);
        optimistic.getOutput(id, Provenance.OptimisticFinal);
        vm.assertEq(receiver.calls(), 0);
        vm.expectEmit(address(optimistic));
        emit IOptimisticOracle.OptimisticCallback(id, address(receiver), true);
        optimistic.resolve(id);
        vm.assertEq(receiver.calls(), 1);
        vm.assertTrue(receiver.last() == Provenance.Proven);
        vm.assertTrue(optimistic.getQuestion(id).callbackStatus == CallbackStatus.Delivered);
        vm.expectRevert(wrongState(id));
        optimistic.resolve(id);
        vm.assertEq(receiver.calls(), 1);
        // Not asked for: nobody is called. Refuted: there is nothing to tell.
        id = reach(ClaimState.Resolved);
        vm.assertTrue(optimistic.getQuestion(id).callbackStatus == CallbackStatus.None);
        id = askOptimistic(0, address(receiver), 200_000);
        claim(id, lie());
        challenge(id);
        vm.warp(vm.getBlockTimestamp() + PROVE_WINDOW + 1);
        optimistic.refute(id);
        optimistic.resolve(id);
        vm.assertEq(receiver.calls(), 1);
    }

    function test_P8_hostile_receivers_never_block_a_resolution() public {
        address[5] memory receivers = [
            address(new GasBurner()),
            address(new ReturnBomb(true)),
            address(new ReturnBomb(false)),
            address(new Exploder()),
            address(optimistic)
        ];
        for (uint256 i = 0; i < receivers.length; ++i) {
            uint256 id = askOptimistic(0, receivers[i], 200_000);
            claim(id, answer());
            vm.warp(vm.getBlockTimestamp() + CHALLENGE_WINDOW + 1);
            optimistic.resolve{gas: 500_000}(id);
            vm.assertTrue(state(id) == ClaimState.Resolved);
            vm.assertTrue(optimistic.getQuestion(id).callbackStatus == CallbackStatus.Failed);
            deadline = uint64(vm.getBlockTimestamp() + 1 hours);
        }
    }

    /// @dev From far too little gas upwards, at more than 20 levels: nothing happens, or all of it.
    function test_P8_a_resolution_cannot_starve_the_callback() public {
        ExactOptimisticReceiver receiver = new ExactOptimisticReceiver();
        uint256 id = askOptimistic(0, address(receiver), uint32(receiver.WANTED()));
        claim(id, answer());
        vm.warp(vm.getBlockTimestamp() + CHALLENGE_WINDOW + 1);
        uint256 levels = 0;
        bytes4 last;
        for (uint256 gas_ = 40_000;; gas_ += 1999) {
            (bool success, bytes memory reason) = address(optimistic).call{gas: gas_}(abi.encodeCall(optimistic.resolve, (id)));
            if (success) break;
            ++levels;
            last = bytes4(reason);
            vm.assertTrue(state(id) == ClaimState.Claimed);
            vm.assertEq(optimistic.credit(proposer), 0);
        }
        vm.assertGe(levels, 20);
        vm.assertEq(bytes32(last), bytes32(IInferenceOracle.InsufficientGasForCallback.selector));
        vm.assertTrue(receiver.got());
    }

    function test_P5_a_starved_proof_proves_nothing() public {
        uint256 id = challenged(answer());
        bytes memory call = abi.encodeCall(optimistic.prove, (id, proofOf(id)));
        uint256 levels = 0;
        for (uint256 gas_ = 5000;; gas_ += 199) {
            (bool success,) = address(optimistic).call{gas: gas_}(call);
            vm.assertTrue((state(id) == ClaimState.Proven) == success);
            if (success) break;
            ++levels;
        }
        vm.assertGe(levels, 20);
    }

    // ── P9: the verified path ────────────────────────────────────────────────────────────────────────────────────────────────────

    /// @dev In no state, whatever is stopped or started, does a claim without a proof read as proven, here or in the verified oracle.
    function test_P9_a_claim_is_never_read_as_proven() public {
        for (uint256 s = uint256(ClaimState.Unclaimed); s <= uint256(ClaimState.Refunded); ++s) {
            setUp();
            uint256 twin = ask(1 ether, address(0), 0);
            uint256 id = reach(ClaimState(s));
            vm.assertEq(id, twin); // the same number in both contracts
            for (uint256 toggle = 0; toggle < 3; ++toggle) {
                if (toggle == 1) {
                    vm.prank(guardian);
                    optimistic.stopClaims();
                } else if (toggle == 2) {
                    vm.prank(admin);
                    optimistic.resumeClaims();
                }
                if (s != uint256(ClaimState.Resolved)) {
                    vm.assertTrue(optimistic.getQuestion(id).provenance == Provenance.Pending);
                    vm.expectRevert(abi.encodeWithSelector(IOptimisticOracle.NotFinal.selector, id));
                } else {
                    vm.expectRevert(
                        abi.encodeWithSelector(
                            IOptimisticOracle.ProvenanceTooWeak.selector, Provenance.OptimisticFinal, Provenance.Proven
                        )
                    );
                }
                optimistic.getOutput(id, Provenance.Proven);
                vm.assertTrue(oracle.getResult(twin).provenance == Provenance.Pending);
                vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.NotFulfilled.selector, twin));
                oracle.provenOutputs(twin);
            }
        }
    }

    /// @dev Pending and Refuted as what a reader takes at least mean nothing weaker than Proven.
    function test_P9_no_argument_lowers_the_demand() public {
        uint256 id = reach(ClaimState.Resolved);
        Provenance[3] memory demands = [Provenance.Pending, Provenance.Proven, Provenance.Refuted];
        for (uint256 i = 0; i < demands.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IOptimisticOracle.ProvenanceTooWeak.selector, Provenance.OptimisticFinal, demands[i])
            );
            optimistic.getOutput(id, demands[i]);
        }
        vm.assertEq(optimistic.getOutput(id, Provenance.OptimisticFinal), answer());
    }

    /// @dev A question nobody claimed has the zero address as proposer: a proof for it, or a bond from it, must do nothing.
    function test_P9_zero_address_proposer() public {
        uint256 id = askOptimistic(1 ether, address(0), 0);
        bytes memory proof = verifier.proofOf(optimistic.contextOf(id, address(0)), prompt(), new uint256[](0));
        vm.expectRevert(wrongState(id));
        optimistic.prove(id, proof);
        vm.expectRevert(wrongState(id));
        optimistic.resolve(id);
        vm.deal(address(0), PROPOSER_BOND + CHALLENGER_BOND);
        vm.prank(address(0));
        vm.expectRevert(IOptimisticOracle.InvalidParty.selector);
        optimistic.claim{value: PROPOSER_BOND}(id, answer());
        claim(id, answer());
        vm.prank(address(0));
        vm.expectRevert(IOptimisticOracle.InvalidParty.selector);
        optimistic.challenge{value: CHALLENGER_BOND}(id);
        vm.assertEq(optimistic.credit(address(0)), 0);
    }

    // ── terms of calls ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    function test_ask_refuses() public {
        bytes32 unknown = bytes32(uint256(1));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.UnknownModel.selector, unknown));
        optimistic.ask(unknown, prompt(), deadline, 0, address(0));
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.InputWordCount.selector, 2, 3));
        optimistic.ask(MODEL, new uint256[](2), deadline, 0, address(0));
        uint256[] memory bad = prompt();
        bad[2] |= 1 << 64;
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.InputWordOutOfRange.selector, 2));
        optimistic.ask(MODEL, bad, deadline, 0, address(0));
        uint64 now_ = uint64(vm.getBlockTimestamp());
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.DeadlineInPast.selector, now_, now_));
        optimistic.ask(MODEL, prompt(), now_, 0, address(0));
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.CallbackGasTooHigh.selector, 5_000_001, 5_000_000));
        optimistic.ask(MODEL, prompt(), deadline, 5_000_001, address(0));
        vm.prank(guardian);
        optimistic.stopClaims();
        vm.expectRevert(IOptimisticOracle.ClaimsStopped.selector);
        optimistic.ask(MODEL, prompt(), deadline, 0, address(0));
        vm.prank(admin);
        optimistic.resumeClaims();
        vm.prank(modelOwner);
        registry.deprecate(MODEL);
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.ModelNotActive.selector, MODEL));
        optimistic.ask(MODEL, prompt(), deadline, 0, address(0));
    }

    function refusesClaim(
        bytes memory reason,
        uint256 id,
        uint256 bond,
        uint256[] memory outputs
    ) internal {
        vm.deal(proposer, 10 * PROPOSER_BOND);
        vm.prank(proposer);
        vm.expectRevert(reason);
        optimistic.claim{value: bond}(id, outputs);
    }

    function test_claim_and_challenge_refuse() public {
        uint256 id = askOptimistic(0, address(0), 0);
        bytes4 s = IOptimisticOracle.WrongBond.selector;
        refusesClaim(abi.encodeWithSelector(s, PROPOSER_BOND - 1, PROPOSER_BOND), id, PROPOSER_BOND - 1, answer());
        refusesClaim(abi.encodeWithSelector(s, PROPOSER_BOND + 1, PROPOSER_BOND), id, PROPOSER_BOND + 1, answer());
        bytes memory reason = abi.encodeWithSelector(IInferenceOracle.OutputWordCount.selector, 2, 3);
        refusesClaim(reason, id, PROPOSER_BOND, new uint256[](2));
        uint256[] memory bad = answer();
        bad[2] |= 1 << 32; // 32 values: two in the last word
        reason = abi.encodeWithSelector(IOptimisticOracle.OutputWordOutOfRange.selector, 2);
        refusesClaim(reason, id, PROPOSER_BOND, bad);
        vm.prank(guardian);
        optimistic.stopClaims();
        refusesClaim(abi.encodeWithSelector(IOptimisticOracle.ClaimsStopped.selector), id, PROPOSER_BOND, answer());
        vm.prank(admin);
        optimistic.resumeClaims();
        uint256 late = askOptimistic(0, address(0), 0);
        claim(id, answer());
        vm.prank(challenger);
        vm.expectRevert(abi.encodeWithSelector(s, CHALLENGER_BOND - 1, CHALLENGER_BOND));
        optimistic.challenge{value: CHALLENGER_BOND - 1}(id);
        vm.warp(deadline);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IOptimisticOracle.ClaimDeadlineNotPassed.selector, deadline, deadline));
        optimistic.cancel(late);
        vm.warp(deadline + 1);
        reason = abi.encodeWithSelector(IOptimisticOracle.ClaimDeadlinePassed.selector, deadline, deadline + 1);
        refusesClaim(reason, late, PROPOSER_BOND, answer());
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.NotRequester.selector, address(this), alice));
        optimistic.cancel(late);
        vm.prank(alice);
        optimistic.cancel(late);
        vm.assertTrue(state(late) == ClaimState.Cancelled);
    }

    function test_withdraw_refuses() public {
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.NothingToWithdraw.selector, address(this)));
        optimistic.withdraw(payable(alice));
        reach(ClaimState.Resolved);
        vm.startPrank(proposer);
        vm.expectRevert(IOptimisticOracle.InvalidParty.selector);
        optimistic.withdraw(payable(address(0)));
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.TransferFailed.selector, address(registry)));
        optimistic.withdraw(payable(address(registry)));
        optimistic.withdraw(payable(proposer));
        vm.expectRevert(abi.encodeWithSelector(IInferenceOracle.NothingToWithdraw.selector, proposer));
        optimistic.withdraw(payable(proposer));
    }
}
