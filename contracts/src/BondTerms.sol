// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IOptimisticOracle, OptimisticTerms} from "./IOptimisticOracle.sol";

/// @title Bonds, windows and the burned share
/// @notice The terms of OptimisticOracle, fixed at construction, and the policy that they must meet. No storage.
abstract contract BondTerms is IOptimisticOracle {
    uint256 private constant BPS = 10_000;

    uint96 internal immutable _proposerBond;
    uint96 internal immutable _challengerBond;
    uint96 private immutable _provingCost;
    uint16 private immutable _burnBps;
    uint32 internal immutable _challengeWindow;
    uint32 internal immutable _proveWindow;

    /// @param terms_ None of them zero but the proving cost, which the winner's part of a challenger's bond must cover.
    constructor(
        OptimisticTerms memory terms_
    ) {
        bool complete = terms_.proposerBond != 0 && terms_.challengerBond != 0 && terms_.burnBps != 0;
        if (!complete || terms_.burnBps > BPS || terms_.challengeWindow == 0 || terms_.proveWindow == 0) revert InvalidTerms();
        uint256 share = terms_.challengerBond - uint256(terms_.challengerBond) * terms_.burnBps / BPS;
        if (share < terms_.provingCost) revert BondBelowProvingCost(share, terms_.provingCost);
        _proposerBond = terms_.proposerBond;
        _challengerBond = terms_.challengerBond;
        _provingCost = terms_.provingCost;
        _burnBps = terms_.burnBps;
        _challengeWindow = terms_.challengeWindow;
        _proveWindow = terms_.proveWindow;
    }

    /// @inheritdoc IOptimisticOracle
    function terms() external view override returns (OptimisticTerms memory) {
        return OptimisticTerms({
            proposerBond: _proposerBond,
            challengerBond: _challengerBond,
            provingCost: _provingCost,
            burnBps: _burnBps,
            challengeWindow: _challengeWindow,
            proveWindow: _proveWindow
        });
    }

    /// @dev What of a loser's bond nobody gets.
    function _burnedShare(
        uint256 bond
    ) internal view returns (uint256) {
        return bond * _burnBps / BPS;
    }
}
