// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {BondTerms} from "./BondTerms.sol";
import {GuardedCall} from "./GuardedCall.sol";
import {CallbackStatus, IInferenceOracle, Provenance} from "./IInferenceOracle.sol";
import {IModelRegistry, ModelRoute, ModelStatus} from "./IModelRegistry.sol";
import {ClaimState, IOptimisticConsumer, IOptimisticOracle, OptimisticTerms, Question} from "./IOptimisticOracle.sol";
import {QuestionBook} from "./QuestionBook.sol";
import {WordRange} from "./WordRange.sol";

/// @title Optimistic oracle
/// @notice See IOptimisticOracle.
contract OptimisticOracle is AccessControl, ReentrancyGuardTransient, QuestionBook, BondTerms {
    /// @notice May take questions out and stop claims.
    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");

    /// @notice May take claims again.
    bytes32 public constant RESUMER_ROLE = keccak256("RESUMER_ROLE");

    /// @notice First word of a context's preimage.
    bytes32 public constant DOMAIN_TAG = keccak256("halocast.optimistic.context.v1");

    /// @notice Where burned shares go: nobody has the key, no code can refuse.
    address public constant BURN_ADDRESS = address(0xdEaD);

    /// @notice Most callback gas a question may ask for.
    uint32 public constant MAX_CALLBACK_GAS = 5_000_000;

    /// @inheritdoc IOptimisticOracle
    IModelRegistry public immutable override registry;

    /// @param registry_ The registry that says which leaf speaks for which model; for good.
    /// @param terms_ Bonds, windows, burned share; for good.
    /// @param admin Grants and takes roles: a timelock.
    /// @param guardian First holder of GUARDIAN_ROLE.
    /// @param resumer First holder of RESUMER_ROLE.
    constructor(
        IModelRegistry registry_,
        OptimisticTerms memory terms_,
        address admin,
        address guardian,
        address resumer
    ) BondTerms(terms_) {
        if (admin == address(0)) revert InvalidOptimisticAdmin();
        if (address(registry_).code.length == 0) revert RegistryWithoutCode(address(registry_));
        registry = registry_;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(GUARDIAN_ROLE, guardian);
        _grantRole(RESUMER_ROLE, resumer);
    }

    /// @inheritdoc IOptimisticOracle
    function ask(
        bytes32 modelId,
        uint256[] calldata inputs,
        uint64 claimBy,
        uint32 callbackGas,
        address callback
    ) external payable override returns (uint256 questionId) {
        _requireTaking();
        ModelRoute memory route = registry.routeOf(modelId);
        if (route.status != ModelStatus.Active) revert IInferenceOracle.ModelNotActive(modelId);
        if (inputs.length != route.inputWords) revert IInferenceOracle.InputWordCount(inputs.length, route.inputWords);
        uint256 bad = WordRange.firstBad(inputs, route.inputValues, route.valuesPerWord, route.valueBits);
        if (bad != inputs.length) revert IInferenceOracle.InputWordOutOfRange(bad);
        if (claimBy <= block.timestamp) revert IInferenceOracle.DeadlineInPast(claimBy, block.timestamp);
        if (callbackGas > MAX_CALLBACK_GAS) revert IInferenceOracle.CallbackGasTooHigh(callbackGas, MAX_CALLBACK_GAS);

        questionId = ++questionCount;
        Question storage q = _questions[questionId];
        q.modelId = modelId;
        q.state = ClaimState.Unclaimed;
        q.requester = msg.sender;
        q.callback = callback;
        q.callbackGas = callbackGas;
        q.claimBy = claimBy;
        q.fee = msg.value;
        q.inputs = inputs;
        emit QuestionAsked(questionId, modelId, msg.sender, claimBy, msg.value, inputs);
    }

    /// @inheritdoc IOptimisticOracle
    function claim(
        uint256 questionId,
        uint256[] calldata outputs
    ) external payable override {
        _requireTaking();
        Question storage q = _inState(questionId, ClaimState.Unclaimed);
        if (msg.sender == address(0)) revert InvalidParty();
        if (msg.value != _proposerBond) revert WrongBond(msg.value, _proposerBond);
        if (block.timestamp > q.claimBy) revert ClaimDeadlinePassed(q.claimBy, block.timestamp);
        ModelRoute memory route = registry.routeOf(q.modelId);
        if (outputs.length != route.outputWords) revert IInferenceOracle.OutputWordCount(outputs.length, route.outputWords);
        uint256 bad = WordRange.firstBad(outputs, route.outputValues, route.valuesPerWord, route.valueBits);
        if (bad != outputs.length) revert OutputWordOutOfRange(bad);

        q.state = ClaimState.Claimed;
        q.proposer = msg.sender;
        q.claimedAt = uint64(block.timestamp);
        q.outputs = outputs;
        emit Claimed(questionId, msg.sender, block.timestamp + _challengeWindow, outputs);
    }

    /// @inheritdoc IOptimisticOracle
    function challenge(
        uint256 questionId
    ) external payable override {
        Question storage q = _inState(questionId, ClaimState.Claimed);
        if (msg.sender == address(0)) revert InvalidParty();
        if (msg.value != _challengerBond) revert WrongBond(msg.value, _challengerBond);
        uint256 end = uint256(q.claimedAt) + _challengeWindow;
        if (block.timestamp > end) revert ChallengeWindowClosed(end, block.timestamp);
        q.state = ClaimState.Challenged;
        q.challenger = msg.sender;
        q.challengedAt = uint64(block.timestamp);
        emit Challenged(questionId, msg.sender, block.timestamp + _proveWindow);
    }

    /// @inheritdoc IOptimisticOracle
    function prove(
        uint256 questionId,
        bytes calldata proof
    ) external override {
        Question storage q = _live(questionId);
        if (q.state == ClaimState.Challenged) {
            uint256 end = uint256(q.challengedAt) + _proveWindow;
            if (block.timestamp > end) revert ProveWindowClosed(end, block.timestamp);
        } else if (q.state != ClaimState.Claimed) {
            revert WrongState(questionId, q.state);
        }
        ModelRoute memory route = registry.routeOf(q.modelId);
        route.verifier.verify(q.modelId, contextOf(questionId, q.proposer), q.inputs, q.outputs, proof);
        q.state = ClaimState.Proven;
        emit ClaimProven(questionId, msg.sender, address(route.verifier));
    }

    /// @inheritdoc IOptimisticOracle
    function refute(
        uint256 questionId
    ) external override {
        Question storage q = _inState(questionId, ClaimState.Challenged);
        uint256 end = uint256(q.challengedAt) + _proveWindow;
        if (block.timestamp <= end) revert ProveWindowOpen(end, block.timestamp);
        q.state = ClaimState.Refuted;
        emit ClaimRefuted(questionId, msg.sender);
    }

    /// @inheritdoc IOptimisticOracle
    function resolve(
        uint256 questionId
    ) external override nonReentrant {
        Question storage q = _live(questionId);
        ClaimState state = q.state;
        if (state == ClaimState.Claimed) {
            uint256 end = uint256(q.claimedAt) + _challengeWindow;
            if (block.timestamp <= end) revert ChallengeWindowOpen(end, block.timestamp);
            _settle(questionId, q, Provenance.OptimisticFinal, q.proposer, _proposerBond, 0);
        } else if (state == ClaimState.Proven) {
            uint256 loser = q.challenger == address(0) ? 0 : _challengerBond;
            _settle(questionId, q, Provenance.Proven, q.proposer, _proposerBond, loser);
        } else if (state == ClaimState.Refuted) {
            _settle(questionId, q, Provenance.Refuted, q.challenger, _challengerBond, _proposerBond);
        } else {
            revert WrongState(questionId, state);
        }
    }

    /// @inheritdoc IOptimisticOracle
    function cancel(
        uint256 questionId
    ) external override {
        Question storage q = _inState(questionId, ClaimState.Unclaimed);
        if (msg.sender != q.requester) revert IInferenceOracle.NotRequester(msg.sender, q.requester);
        if (block.timestamp <= q.claimBy) revert ClaimDeadlineNotPassed(q.claimBy, block.timestamp);
        q.state = ClaimState.Cancelled;
        credit[q.requester] += q.fee;
        emit Cancelled(questionId);
    }

    /// @inheritdoc IOptimisticOracle
    function blacklist(
        uint256 questionId
    ) external override onlyRole(GUARDIAN_ROLE) {
        Question storage q = _live(questionId);
        if (q.state >= ClaimState.Resolved) revert WrongState(questionId, q.state);
        q.blacklisted = true;
        emit Blacklisted(questionId, msg.sender);
    }

    /// @inheritdoc IOptimisticOracle
    function retire() external override onlyRole(GUARDIAN_ROLE) {
        if (retired) revert AlreadyRetired();
        retired = true;
        emit Retired(msg.sender);
    }

    /// @inheritdoc IOptimisticOracle
    function returnBonds(
        uint256 questionId
    ) external override {
        Question storage q = _known(questionId);
        if (q.state >= ClaimState.Resolved) revert WrongState(questionId, q.state);
        if (!_onlyRefund(q)) revert NotRefundable(questionId);
        q.state = ClaimState.Refunded;
        credit[q.requester] += q.fee;
        if (q.proposer != address(0)) credit[q.proposer] += _proposerBond;
        if (q.challenger != address(0)) credit[q.challenger] += _challengerBond;
        emit BondsReturned(questionId);
    }

    /// @inheritdoc IOptimisticOracle
    function stopClaims() external override onlyRole(GUARDIAN_ROLE) {
        claimsStopped = true;
    }

    /// @inheritdoc IOptimisticOracle
    function resumeClaims() external override onlyRole(RESUMER_ROLE) {
        claimsStopped = false;
    }

    /// @inheritdoc IOptimisticOracle
    function withdraw(
        address payable to
    ) external override nonReentrant {
        uint256 amount = credit[msg.sender];
        if (to == address(0)) revert InvalidParty();
        if (amount == 0) revert IInferenceOracle.NothingToWithdraw(msg.sender);
        credit[msg.sender] = 0;
        emit Withdrawal(msg.sender, to, amount);
        (bool success,) = to.call{value: amount}("");
        if (!success) revert IInferenceOracle.TransferFailed(to);
    }

    /// @inheritdoc IOptimisticOracle
    function contextOf(
        uint256 questionId,
        address proposer
    ) public view override returns (uint256) {
        return uint256(keccak256(abi.encode(DOMAIN_TAG, block.chainid, address(this), questionId, proposer))) >> 8;
    }

    /// @inheritdoc AccessControl
    function supportsInterface(
        bytes4 interfaceId
    ) public view override returns (bool) {
        return interfaceId == type(IOptimisticOracle).interfaceId || super.supportsInterface(interfaceId);
    }

    function _models() internal view override returns (IModelRegistry) {
        return registry;
    }

    /// @dev The winner gets his bond, the loser's without the burned share, and, being the proposer, the fee; else the fee goes back.
    function _settle(
        uint256 questionId,
        Question storage q,
        Provenance provenance,
        address winner,
        uint256 winnersBond,
        uint256 losersBond
    ) private {
        q.state = ClaimState.Resolved;
        q.provenance = provenance;
        uint256 burned = _burnedShare(losersBond);
        uint256 paid = winnersBond + losersBond - burned;
        if (provenance == Provenance.Refuted) credit[q.requester] += q.fee;
        else paid += q.fee;
        credit[winner] += paid;
        emit Resolved(questionId, provenance, winner, paid, burned);
        if (burned != 0) {
            (bool success,) = BURN_ADDRESS.call{value: burned}("");
            if (!success) revert IInferenceOracle.TransferFailed(BURN_ADDRESS);
        }
        if (provenance != Provenance.Refuted && q.callback != address(0)) _callBack(questionId, q);
    }

    function _callBack(
        uint256 questionId,
        Question storage q
    ) private {
        bytes memory data =
            abi.encodeCall(IOptimisticConsumer.onOptimisticResult, (questionId, q.modelId, q.provenance, q.outputs));
        bool success = GuardedCall.tryCall(q.callback, data, q.callbackGas, false);
        q.callbackStatus = success ? CallbackStatus.Delivered : CallbackStatus.Failed;
        emit OptimisticCallback(questionId, q.callback, success);
    }
}
