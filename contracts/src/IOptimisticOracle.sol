// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CallbackStatus, Provenance} from "./IInferenceOracle.sol";
import {IModelRegistry} from "./IModelRegistry.sol";

/// @notice Where a question is in its life.
/// Unclaimed → Claimed → Challenged → Proven or Refuted → Resolved; Claimed → Proven (proof without challenge) and Claimed → Resolved
/// (nobody challenged); Unclaimed → Cancelled; Unclaimed, Claimed, Challenged, Proven, Refuted → Refunded. Nothing leaves Resolved,
/// Cancelled and Refunded.
enum ClaimState {
    Unknown,
    Unclaimed,
    Claimed,
    Challenged,
    Proven,
    Refuted,
    Resolved,
    Cancelled,
    Refunded
}

/// @notice What a deployment fixes for good. All amounts in wei, all times in seconds.
struct OptimisticTerms {
    /// What a claim deposits.
    uint96 proposerBond;
    /// What a challenge deposits.
    uint96 challengerBond;
    /// What making a proof costs at most, the gas to submit it included.
    uint96 provingCost;
    /// Share of the loser's bond that is burned, in 1/10,000.
    uint16 burnBps;
    /// How long a claim can be challenged.
    uint32 challengeWindow;
    /// How long a challenged claim can be proven, from the challenge on.
    uint32 proveWindow;
}

/// @notice A question and what became of it.
struct Question {
    bytes32 modelId;
    ClaimState state;
    /// What its output is worth; Pending until Resolved.
    Provenance provenance;
    CallbackStatus callbackStatus;
    /// The guardian took it out: only its bonds go back.
    bool blacklisted;
    address requester;
    address callback;
    uint32 callbackGas;
    /// Last second (inclusive) in which it can be claimed.
    uint64 claimBy;
    address proposer;
    uint64 claimedAt;
    address challenger;
    uint64 challengedAt;
    uint256 fee;
    uint256[] inputs;
    /// What the proposer claims.
    uint256[] outputs;
}

/// @title Answers that are proven only when somebody doubts them
/// @notice A proposer answers under a bond; who recomputes and finds another answer challenges under a bond; then the proposer has the prove
/// window to show a proof. The loser's bond goes to the winner, less the share that is burned, so that nobody disputes with himself for
/// nothing. What nobody challenges becomes final after the window, as OptimisticFinal: never as Proven.
/// @dev A contract of its own, with questions, results and callbacks apart from InferenceOracle's: nothing that is stored here is read there.
/// The context word of a proof is
///
///     C = uint256(keccak256(abi.encode(DOMAIN_TAG, chain id, this, questionId, proposer))) >> 8
///
/// Bond policy: challengerBond · (10,000 − burnBps) / 10,000 ≥ provingCost, or the contract cannot be deployed. So who is challenged
/// without reason is paid for the proof he is forced to make.
interface IOptimisticOracle {
    // ── construction ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// @notice What a winner gets of the challenger's bond does not pay for a proof.
    error BondBelowProvingCost(uint256 winnersShare, uint256 provingCost);

    /// @notice A bond, a window or the burned share is 0, or more than all would be burned.
    error InvalidTerms();

    /// @notice The zero address cannot be the admin.
    error InvalidOptimisticAdmin();

    /// @notice There is no code at the registry's address.
    error RegistryWithoutCode(address registry);

    // ── life ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// @notice There is no such question.
    error UnknownQuestion(uint256 questionId);

    /// @notice The question's state does not allow this.
    error WrongState(uint256 questionId, ClaimState state);

    /// @notice The value sent is not the bond.
    error WrongBond(uint256 got, uint256 expected);

    /// @notice The zero address proposes and challenges nothing.
    error InvalidParty();

    /// @notice Too late to claim.
    error ClaimDeadlinePassed(uint64 claimBy, uint256 timestamp);

    /// @notice The question can still be claimed.
    error ClaimDeadlineNotPassed(uint64 claimBy, uint256 timestamp);

    /// @notice Too late to challenge.
    error ChallengeWindowClosed(uint256 end, uint256 timestamp);

    /// @notice The claim can still be challenged.
    error ChallengeWindowOpen(uint256 end, uint256 timestamp);

    /// @notice Too late to prove.
    error ProveWindowClosed(uint256 end, uint256 timestamp);

    /// @notice The claim can still be proven.
    error ProveWindowOpen(uint256 end, uint256 timestamp);

    /// @notice Output word number `index` has bits set above its packed values.
    error OutputWordOutOfRange(uint256 index);

    /// @notice The question was taken out, the model revoked or the contract retired: its bonds go back, nothing else happens.
    error OnlyRefund(uint256 questionId);

    /// @notice The question is neither taken out, nor is its model revoked, nor is the contract retired.
    error NotRefundable(uint256 questionId);

    /// @notice Claims are stopped.
    error ClaimsStopped();

    /// @notice The contract is retired already.
    error AlreadyRetired();

    /// @notice The claim is not final yet.
    error NotFinal(uint256 questionId);

    /// @notice The output is worth less than the reader demands.
    error ProvenanceTooWeak(Provenance got, Provenance wanted);

    /// @notice A model was asked. Carries all that a proposer needs.
    event QuestionAsked(
        uint256 indexed questionId,
        bytes32 indexed modelId,
        address indexed requester,
        uint64 claimBy,
        uint256 fee,
        uint256[] inputs
    );
    /// @notice An answer was claimed; it can be challenged until `challengeBy` (inclusive).
    event Claimed(uint256 indexed questionId, address indexed proposer, uint256 challengeBy, uint256[] outputs);
    /// @notice A claim was challenged; it can be proven until `proveBy` (inclusive).
    event Challenged(uint256 indexed questionId, address indexed challenger, uint256 proveBy);
    /// @notice A claim was proven.
    event ClaimProven(uint256 indexed questionId, address indexed by, address verifier);
    /// @notice A challenged claim was not proven in time.
    event ClaimRefuted(uint256 indexed questionId, address indexed by);
    /// @notice An outcome is final. `paid` was credited to the winner, bond and fee included.
    event Resolved(uint256 indexed questionId, Provenance provenance, address indexed winner, uint256 paid, uint256 burned);
    /// @notice A question nobody claimed was taken back.
    event Cancelled(uint256 indexed questionId);
    /// @notice A question was taken out.
    event Blacklisted(uint256 indexed questionId, address indexed by);
    /// @notice The contract was retired.
    event Retired(address indexed by);
    /// @notice Every deposit of a question was credited back.
    event BondsReturned(uint256 indexed questionId);
    /// @notice A callback was tried.
    event OptimisticCallback(uint256 indexed questionId, address indexed callback, bool success);
    /// @notice An account took money out.
    event Withdrawal(address indexed account, address indexed to, uint256 amount);

    /// @notice Asks. The value sent is the fee of whoever answers and wins.
    /// @param claimBy Last second (inclusive) in which it can be claimed.
    /// @param callbackGas Gas for the callback, at most 5,000,000.
    /// @param callback Contract to call when the answer is final (IOptimisticConsumer), zero for none.
    function ask(
        bytes32 modelId,
        uint256[] calldata inputs,
        uint64 claimBy,
        uint32 callbackGas,
        address callback
    ) external payable returns (uint256 questionId);

    /// @notice Answers under the proposer's bond, which is the value sent.
    function claim(
        uint256 questionId,
        uint256[] calldata outputs
    ) external payable;

    /// @notice Doubts a claim under the challenger's bond, which is the value sent.
    function challenge(
        uint256 questionId
    ) external payable;

    /// @notice Proves a claim, challenged or not. Anybody may; the proposer wins. Everything the proof is checked against comes out of this
    /// contract's storage.
    /// @param proof 12 accumulator limbs followed by the SNARK proof.
    function prove(
        uint256 questionId,
        bytes calldata proof
    ) external;

    /// @notice Records that a challenged claim was not proven in time. Anybody.
    function refute(
        uint256 questionId
    ) external;

    /// @notice Makes the outcome final: credits bonds and fee, burns the loser's share, calls back. Anybody.
    function resolve(
        uint256 questionId
    ) external;

    /// @notice Gives the fee of a question that nobody claimed back. Requester.
    function cancel(
        uint256 questionId
    ) external;

    /// @notice Takes a question out: every deposit can only go back to whom it came from. Guardian.
    function blacklist(
        uint256 questionId
    ) external;

    /// @notice Takes all questions that are not final out, for good; nothing new is taken. Guardian.
    function retire() external;

    /// @notice Credits every deposit of a question that is taken out back, to the wei. Anybody.
    function returnBonds(
        uint256 questionId
    ) external;

    /// @notice Takes no new questions and claims; everything under way goes on. Guardian.
    function stopClaims() external;

    /// @notice Takes new questions and claims again. Resumer.
    function resumeClaims() external;

    /// @notice Sends the caller's credit to `to`.
    function withdraw(
        address payable to
    ) external;

    /// @notice The output of a final answer that is worth at least `weakest` (Proven or OptimisticFinal).
    function getOutput(
        uint256 questionId,
        Provenance weakest
    ) external view returns (uint256[] memory);

    /// @notice A question; reverts UnknownQuestion.
    function getQuestion(
        uint256 questionId
    ) external view returns (Question memory);

    /// @notice The context word a proof of a claim by this proposer must be made for.
    function contextOf(
        uint256 questionId,
        address proposer
    ) external view returns (uint256);

    /// @notice What the deployment fixed.
    function terms() external view returns (OptimisticTerms memory);

    /// @notice What an account can withdraw.
    function credit(
        address account
    ) external view returns (uint256);

    /// @notice Number of questions so far; the last one has this id.
    function questionCount() external view returns (uint256);

    /// @notice The registry that says which leaf speaks for which model.
    function registry() external view returns (IModelRegistry);
}

/// @title What the optimistic oracle calls back
/// @notice Another function than the verified oracle's, so that a contract that takes only proven results cannot get another by mistake.
interface IOptimisticConsumer {
    /// @notice A question of yours is final. `provenance` is Proven or OptimisticFinal.
    function onOptimisticResult(
        uint256 questionId,
        bytes32 modelId,
        Provenance provenance,
        uint256[] calldata outputs
    ) external;
}
