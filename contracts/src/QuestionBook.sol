// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Provenance} from "./IInferenceOracle.sol";
import {IModelRegistry, ModelStatus} from "./IModelRegistry.sol";
import {ClaimState, IOptimisticOracle, Question} from "./IOptimisticOracle.sol";

/// @title Questions under dispute and who is owed what
/// @notice The storage of OptimisticOracle, the reading of it, and what a question's state allows at all. The money moves elsewhere.
abstract contract QuestionBook is IOptimisticOracle {
    /// @inheritdoc IOptimisticOracle
    uint256 public override questionCount;

    /// @notice Whether new questions and claims are stopped.
    bool public claimsStopped;

    /// @notice Whether the contract is retired.
    bool public retired;

    /// @inheritdoc IOptimisticOracle
    mapping(address account => uint256) public override credit;

    mapping(uint256 questionId => Question) internal _questions;

    /// @inheritdoc IOptimisticOracle
    function getOutput(
        uint256 questionId,
        Provenance weakest
    ) external view override returns (uint256[] memory) {
        Question storage q = _known(questionId);
        if (q.state != ClaimState.Resolved) revert NotFinal(questionId);
        bool enough = q.provenance == Provenance.Proven
            || (q.provenance == Provenance.OptimisticFinal && weakest == Provenance.OptimisticFinal);
        if (!enough) revert ProvenanceTooWeak(q.provenance, weakest);
        return q.outputs;
    }

    /// @inheritdoc IOptimisticOracle
    function getQuestion(
        uint256 questionId
    ) external view override returns (Question memory) {
        return _known(questionId);
    }

    function _known(
        uint256 questionId
    ) internal view returns (Question storage q) {
        q = _questions[questionId];
        if (q.state == ClaimState.Unknown) revert UnknownQuestion(questionId);
    }

    /// @dev A question that is not taken out.
    function _live(
        uint256 questionId
    ) internal view returns (Question storage q) {
        q = _known(questionId);
        if (q.state < ClaimState.Resolved && _onlyRefund(q)) revert OnlyRefund(questionId);
    }

    function _inState(
        uint256 questionId,
        ClaimState state
    ) internal view returns (Question storage q) {
        q = _live(questionId);
        if (q.state != state) revert WrongState(questionId, q.state);
    }

    /// @dev A revoked model's proofs are not to be trusted and nobody can be asked for one.
    function _onlyRefund(
        Question storage q
    ) internal view returns (bool) {
        return q.blacklisted || retired || _models().statusOf(q.modelId) == ModelStatus.Revoked;
    }

    function _requireTaking() internal view {
        if (retired) revert AlreadyRetired();
        if (claimsStopped) revert ClaimsStopped();
    }

    /// @dev The registry that says which models are revoked.
    function _models() internal view virtual returns (IModelRegistry);
}
