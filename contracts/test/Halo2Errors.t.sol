// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IHalo2Verifier} from "../src/IHalo2Verifier.sol";
import {IModelVerifier} from "../src/IModelVerifier.sol";
import {Test} from "./support/Test.sol";

contract Halo2ErrorsTest is Test {
    function test_V7_each_failure_has_its_own_selector() public pure {
        bytes4[11] memory all;
        all[0] = IHalo2Verifier.CalldataLength.selector;
        all[1] = IHalo2Verifier.KeyLength.selector;
        all[2] = IHalo2Verifier.KeyShapeMismatch.selector;
        all[3] = IHalo2Verifier.InstanceNotInField.selector;
        all[4] = IHalo2Verifier.ScalarNotCanonical.selector;
        all[5] = IHalo2Verifier.LimbOutOfRange.selector;
        all[6] = IHalo2Verifier.PointNotOnCurve.selector;
        all[7] = IHalo2Verifier.PointAtInfinity.selector;
        all[8] = IHalo2Verifier.DegenerateChallenge.selector;
        all[9] = IHalo2Verifier.PrecompileFailed.selector;
        all[10] = IHalo2Verifier.PairingFailed.selector;
        for (uint256 i = 0; i < all.length; ++i) {
            for (uint256 j = 0; j < i; ++j) {
                vm.assertTrue(all[i] != all[j]);
            }
        }
        // What leaf and raw verifier call by the same name is the same.
        vm.assertTrue(IHalo2Verifier.InstanceNotInField.selector == IModelVerifier.InstanceNotInField.selector);
        vm.assertTrue(IHalo2Verifier.LimbOutOfRange.selector == IModelVerifier.LimbOutOfRange.selector);
    }
}
