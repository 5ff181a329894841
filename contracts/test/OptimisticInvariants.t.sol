// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IInferenceOracle, Provenance} from "../src/IInferenceOracle.sol";
import {IModelVerifier} from "../src/IModelVerifier.sol";
import {ClaimState, IOptimisticOracle, OptimisticTerms, Question} from "../src/IOptimisticOracle.sol";
import {OptimisticOracle} from "../src/OptimisticOracle.sol";
import {MockModelVerifier} from "./support/MockModelVerifier.sol";
import {OptimisticFixture} from "./support/OptimisticFixture.sol";
import {OptimisticReceiver} from "./support/OptimisticReceivers.sol";
import {GasBurner} from "./support/Receivers.sol";
import {Test} from "./support/Test.sol";

/// @dev A model of the contract in a few fields a question. It does anything anybody may do, says beforehand how the call must end, and
/// keeps books of its own.
contract OptimisticHandler is Test {
    struct Shadow {
        ClaimState state;
        bool out;
        uint256 asker;
        uint256 proposer;
        uint256 challenger;
        bool isChallenged;
        uint256 claimBy;
        uint256 since;
        uint256 fee;
    }

    OptimisticOracle internal optimistic;
    MockModelVerifier internal verifier;
    OptimisticTerms internal terms;
    bytes32 internal modelId;
    address internal admin;
    address internal guardian;
    uint256[] internal inputs;
    uint256[] internal outputs;
    address[4] public accounts;
    address[3] internal callbacks;

    Shadow[] internal shadows; // shadow i is question i + 1
    uint256 public received;
    uint256 public paidOut;
    uint256 public burned;
    /// Deposits of questions that have not ended, and credits that were not withdrawn.
    uint256 public held;
    mapping(address => uint256) public owed;
    mapping(uint256 => bytes32) public finalHash;
    /// The question touched last.
    uint256 public touched;

    constructor(
        OptimisticOracle optimistic_,
        MockModelVerifier verifier_,
        address admin_,
        address guardian_,
        uint256[] memory inputs_,
        uint256[] memory outputs_
    ) {
        (optimistic, verifier, admin, guardian) = (optimistic_, verifier_, admin_, guardian_);
        (inputs, outputs) = (inputs_, outputs_);
        terms = optimistic_.terms();
        modelId = verifier_.modelId();
        accounts = [makeAddress("a"), makeAddress("b"), makeAddress("c"), makeAddress("d")];
        callbacks = [address(0), address(new OptimisticReceiver()), address(new GasBurner())];
    }

    function count() public view returns (uint256) {
        return shadows.length;
    }

    function call(
        address who,
        uint256 value,
        bytes memory data,
        bytes4 expected
    ) internal returns (bool success) {
        vm.deal(who, who.balance + value);
        vm.prank(who);
        bytes memory reason;
        (success, reason) = address(optimistic).call{value: value, gas: 2_000_000}(data);
        vm.assertTrue(success == (expected == 0), "ended other than foretold");
        if (!success) {
            vm.assertEq(bytes32(bytes4(reason)), bytes32(expected));
        } else {
            received += value;
            held += value;
        }
    }

    function pick(
        uint256 dice
    ) internal returns (uint256 id, Shadow storage s) {
        // The latest ones are the interesting ones.
        uint256 window = shadows.length < 4 ? shadows.length : 4;
        id = shadows.length - dice % window;
        s = shadows[id - 1];
        touched = id;
    }

    function move(
        Shadow storage s,
        ClaimState to
    ) internal {
        vm.assertTrue(allowed(s.state, to), "forbidden edge");
        s.state = to;
    }

    /// @dev The edges there are.
    function allowed(
        ClaimState from,
        ClaimState to
    ) internal pure returns (bool) {
        if (from == ClaimState.Unknown) return to == ClaimState.Unclaimed;
        if (from >= ClaimState.Resolved) return false;
        if (to == ClaimState.Refunded) return true;
        if (from == ClaimState.Unclaimed) return to == ClaimState.Claimed || to == ClaimState.Cancelled;
        if (from == ClaimState.Claimed) {
            return to == ClaimState.Challenged || to == ClaimState.Proven || to == ClaimState.Resolved;
        }
        if (from == ClaimState.Challenged) return to == ClaimState.Proven || to == ClaimState.Refuted;
        return to == ClaimState.Resolved; // from Proven, Refuted
    }

    /// @dev What a call that needs a question that is not taken out meets first; 0 if nothing stands in its way.
    function barred(
        Shadow storage s
    ) internal view returns (bytes4) {
        return
            s.state < ClaimState.Resolved && (s.out || optimistic.retired()) ? IOptimisticOracle.OnlyRefund.selector : bytes4(0);
    }

    /// @dev What new questions and claims meet first.
    function notTaking() internal view returns (bytes4) {
        if (optimistic.retired()) return IOptimisticOracle.AlreadyRetired.selector;
        return optimistic.claimsStopped() ? IOptimisticOracle.ClaimsStopped.selector : bytes4(0);
    }

    function ask(
        uint256 who,
        uint256 fee,
        uint256 wait,
        uint256 callback
    ) external {
        who %= 4;
        fee = bound(fee, 0, 5 ether);
        wait = bound(wait, 0, 3 hours);
        bytes4 expected = notTaking();
        if (expected == 0 && wait == 0) expected = IInferenceOracle.DeadlineInPast.selector;
        bytes memory data = abi.encodeCall(
            optimistic.ask, (modelId, inputs, uint64(vm.getBlockTimestamp() + wait), 100_000, callbacks[callback % 3])
        );
        if (!call(accounts[who], fee, data, expected)) return;
        Shadow storage s = shadows.push();
        s.asker = who;
        s.claimBy = vm.getBlockTimestamp() + wait;
        s.fee = fee;
        touched = shadows.length;
        move(s, ClaimState.Unclaimed);
    }

    function claim(
        uint256 dice,
        uint256 who,
        bool wrongBond
    ) external {
        if (shadows.length == 0) return;
        (uint256 id, Shadow storage s) = pick(dice);
        bytes4 expected = notTaking();
        if (expected == 0) expected = barred(s);
        if (expected != 0) {} else if (s.state != ClaimState.Unclaimed) {
            expected = IOptimisticOracle.WrongState.selector;
        } else if (wrongBond) {
            expected = IOptimisticOracle.WrongBond.selector;
        } else if (vm.getBlockTimestamp() > s.claimBy) {
            expected = IOptimisticOracle.ClaimDeadlinePassed.selector;
        }
        uint256 bond = wrongBond ? terms.proposerBond - 1 : terms.proposerBond;
        if (!call(accounts[who % 4], bond, abi.encodeCall(optimistic.claim, (id, outputs)), expected)) return;
        s.proposer = who % 4;
        s.since = vm.getBlockTimestamp();
        move(s, ClaimState.Claimed);
    }

    function challenge(
        uint256 dice,
        uint256 who
    ) external {
        if (shadows.length == 0) return;
        (uint256 id, Shadow storage s) = pick(dice);
        bytes4 expected = barred(s);
        if (expected != 0) {} else if (s.state != ClaimState.Claimed) {
            expected = IOptimisticOracle.WrongState.selector;
        } else if (vm.getBlockTimestamp() > s.since + terms.challengeWindow) {
            expected = IOptimisticOracle.ChallengeWindowClosed.selector;
        }
        bytes memory data = abi.encodeCall(optimistic.challenge, (id));
        if (!call(accounts[who % 4], terms.challengerBond, data, expected)) return;
        s.challenger = who % 4;
        s.isChallenged = true;
        s.since = vm.getBlockTimestamp();
        move(s, ClaimState.Challenged);
    }

    function prove(
        uint256 dice,
        uint256 who,
        bool honest
    ) external {
        if (shadows.length == 0) return;
        (uint256 id, Shadow storage s) = pick(dice);
        bytes4 expected = barred(s);
        if (expected != 0) {} else if (s.state != ClaimState.Claimed && s.state != ClaimState.Challenged) {
            expected = IOptimisticOracle.WrongState.selector;
        } else if (s.state == ClaimState.Challenged && vm.getBlockTimestamp() > s.since + terms.proveWindow) {
            expected = IOptimisticOracle.ProveWindowClosed.selector;
        } else if (!honest) {
            expected = IModelVerifier.ProofRejected.selector;
        }
        uint256 context = optimistic.contextOf(id, accounts[s.proposer]);
        bytes memory proof = verifier.proofOf(honest ? context : context + 1, inputs, outputs);
        if (call(accounts[who % 4], 0, abi.encodeCall(optimistic.prove, (id, proof)), expected)) move(s, ClaimState.Proven);
    }

    function refute(
        uint256 dice
    ) external {
        if (shadows.length == 0) return;
        (uint256 id, Shadow storage s) = pick(dice);
        bytes4 expected = barred(s);
        if (expected != 0) {} else if (s.state != ClaimState.Challenged) {
            expected = IOptimisticOracle.WrongState.selector;
        } else if (vm.getBlockTimestamp() <= s.since + terms.proveWindow) {
            expected = IOptimisticOracle.ProveWindowOpen.selector;
        }
        if (call(accounts[dice % 4], 0, abi.encodeCall(optimistic.refute, (id)), expected)) move(s, ClaimState.Refuted);
    }

    function resolve(
        uint256 dice
    ) external {
        if (shadows.length == 0) return;
        (uint256 id, Shadow storage s) = pick(dice);
        ClaimState from = s.state;
        bytes4 expected = barred(s);
        if (expected != 0) {} else if (from == ClaimState.Claimed) {
            if (vm.getBlockTimestamp() <= s.since + terms.challengeWindow) {
                expected = IOptimisticOracle.ChallengeWindowOpen.selector;
            }
        } else if (from != ClaimState.Proven && from != ClaimState.Refuted) {
            expected = IOptimisticOracle.WrongState.selector;
        }
        if (!call(accounts[dice % 4], 0, abi.encodeCall(optimistic.resolve, (id)), expected)) return;
        move(s, ClaimState.Resolved);
        pay(s, from);
        Provenance want = from == ClaimState.Claimed
            ? Provenance.OptimisticFinal
            : from == ClaimState.Proven ? Provenance.Proven : Provenance.Refuted;
        vm.assertTrue(optimistic.getQuestion(id).provenance == want);
        finalHash[id] = hashFinal(id);
    }

    /// @dev The rule in words: the winner gets both bonds less the burned part of the loser's; the fee follows the answer.
    function pay(
        Shadow storage s,
        ClaimState from
    ) internal {
        bool lost = from == ClaimState.Refuted;
        uint256 losers = lost ? terms.proposerBond : s.isChallenged ? terms.challengerBond : 0;
        uint256 winners = lost ? terms.challengerBond : terms.proposerBond;
        uint256 fire = losers * terms.burnBps / 10_000;
        burned += fire;
        held -= fire;
        owed[accounts[lost ? s.challenger : s.proposer]] += winners + losers - fire;
        owed[accounts[lost ? s.asker : s.proposer]] += s.fee;
    }

    function cancel(
        uint256 dice,
        bool byAsker
    ) external {
        if (shadows.length == 0) return;
        (uint256 id, Shadow storage s) = pick(dice);
        address caller = byAsker ? accounts[s.asker] : admin;
        bytes4 expected = barred(s);
        if (expected != 0) {} else if (s.state != ClaimState.Unclaimed) {
            expected = IOptimisticOracle.WrongState.selector;
        } else if (!byAsker) {
            expected = IInferenceOracle.NotRequester.selector;
        } else if (vm.getBlockTimestamp() <= s.claimBy) {
            expected = IOptimisticOracle.ClaimDeadlineNotPassed.selector;
        }
        if (!call(caller, 0, abi.encodeCall(optimistic.cancel, (id)), expected)) return;
        move(s, ClaimState.Cancelled);
        owed[accounts[s.asker]] += s.fee;
    }

    function blacklist(
        uint256 dice
    ) external {
        if (shadows.length == 0 || dice % 8 != 0) return;
        (uint256 id, Shadow storage s) = pick(dice / 8);
        bytes4 expected = barred(s);
        if (expected == 0 && s.state >= ClaimState.Resolved) expected = IOptimisticOracle.WrongState.selector;
        if (call(guardian, 0, abi.encodeCall(optimistic.blacklist, (id)), expected)) s.out = true;
    }

    function returnBonds(
        uint256 dice
    ) external {
        if (shadows.length == 0) return;
        (uint256 id, Shadow storage s) = pick(dice);
        bytes4 expected;
        if (s.state >= ClaimState.Resolved) expected = IOptimisticOracle.WrongState.selector;
        else if (barred(s) == 0) expected = IOptimisticOracle.NotRefundable.selector;
        if (!call(accounts[dice % 4], 0, abi.encodeCall(optimistic.returnBonds, (id)), expected)) return;
        bool claimed = s.state >= ClaimState.Claimed;
        owed[accounts[s.asker]] += s.fee;
        if (claimed) owed[accounts[s.proposer]] += terms.proposerBond;
        if (s.isChallenged) owed[accounts[s.challenger]] += terms.challengerBond;
        move(s, ClaimState.Refunded);
    }

    function withdraw(
        uint256 who,
        uint256 to
    ) external {
        address account = accounts[who % 4];
        bytes4 expected = owed[account] == 0 ? IInferenceOracle.NothingToWithdraw.selector : bytes4(0);
        bytes memory data = abi.encodeCall(optimistic.withdraw, (payable(accounts[to % 4])));
        if (!call(account, 0, data, expected)) return;
        paidOut += owed[account];
        held -= owed[account];
        owed[account] = 0;
    }

    function toggle(
        uint256 dice
    ) external {
        if (optimistic.claimsStopped()) {
            vm.prank(admin);
            optimistic.resumeClaims();
        } else if (dice % 4 == 0) {
            vm.prank(guardian);
            optimistic.stopClaims();
        }
    }

    /// @dev Late, because it ends all that is open.
    function retire(
        uint256 dice
    ) external {
        if (dice % 16 != 0 || shadows.length < 12 || optimistic.retired()) return;
        vm.prank(guardian);
        optimistic.retire();
    }

    function passTime(
        uint256 seconds_
    ) external {
        vm.warp(vm.getBlockTimestamp() + bound(seconds_, 1, 8 hours));
    }

    function stateOf(
        uint256 id
    ) external view returns (ClaimState) {
        return shadows[id - 1].state;
    }

    /// @dev Deposits of question `id` that are neither credited nor burned.
    function heldFor(
        uint256 id
    ) public view returns (uint256 held) {
        Shadow storage s = shadows[id - 1];
        if (s.state >= ClaimState.Resolved) return 0;
        held = s.fee;
        if (s.state >= ClaimState.Claimed) held += terms.proposerBond;
        if (s.isChallenged) held += terms.challengerBond;
    }

    /// @dev What must never change once an answer is final.
    function hashFinal(
        uint256 id
    ) public view returns (bytes32) {
        return keccak256(abi.encode(optimistic.getQuestion(id)));
    }
}

contract OptimisticInvariantsTest is OptimisticFixture {
    OptimisticHandler internal handler;

    function setUp() public override {
        super.setUp();
        handler = new OptimisticHandler(optimistic, verifier, admin, guardian, prompt(), answer());
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev P1: the question that was touched is where the model says (which walks no forbidden edge). P2: paid + burned + held == received, to
    /// the wei, and what is held is there. After every call.
    function invariant_P1_P2_states_and_money() public view {
        uint256 id = handler.touched();
        if (id != 0) vm.assertTrue(optimistic.getQuestion(id).state == handler.stateOf(id));
        vm.assertEq(optimistic.questionCount(), handler.count());
        for (uint256 i = 0; i < 4; ++i) {
            address account = handler.accounts(i);
            vm.assertEq(optimistic.credit(account), handler.owed(account));
        }
        vm.assertEq(handler.paidOut() + handler.burned() + handler.held(), handler.received(), "bonds are not conserved");
        vm.assertEq(address(optimistic).balance, handler.held(), "held");
        vm.assertEq(BURNED.balance, handler.burned(), "burned");
    }

    /// @dev At the end of a run, all questions: states, deposits, and that no final answer changed.
    function afterInvariant() public view {
        uint256 held = 0;
        for (uint256 id = 1; id <= handler.count(); ++id) {
            vm.assertTrue(optimistic.getQuestion(id).state == handler.stateOf(id));
            held += handler.heldFor(id);
            if (handler.finalHash(id) != 0) vm.assertEq(handler.finalHash(id), handler.hashFinal(id));
        }
        for (uint256 i = 0; i < 4; ++i) {
            held += handler.owed(handler.accounts(i));
        }
        vm.assertEq(held, handler.held(), "the books do not add up");
    }
}
