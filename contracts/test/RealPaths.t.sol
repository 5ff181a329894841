// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Fulfillment, IInferenceOracle, Provenance, RequestStatus} from "../src/IInferenceOracle.sol";
import {IModelVerifier} from "../src/IModelVerifier.sol";
import {RealHarness} from "../testing/HalocastTest.sol";
import {Test} from "./support/Test.sol";

/// @dev A proof that the prover made, by another way in than a single fulfilment.
contract RealPathsTest is Test, RealHarness {
    function setUp() public {
        setUpHalocast("test/fixtures/tinygemma.json");
    }

    function ask() internal returns (uint256) {
        return halocast.request{value: 1 ether}(modelId, storedInputs(), uint64(vm.getBlockTimestamp() + 1), 0, address(0));
    }

    /// @dev A good one with bad ones before and behind: on another request, with one changed byte, for another payee, the same again.
    function test_O9_real_proof_in_a_batch_of_bad_ones() public {
        bytes memory proof = storedProof("request");
        uint256[] memory outputs = storedOutputs();
        for (uint256 id = 1; id <= 4; ++id) {
            vm.assertEq(ask(), id);
        }
        Fulfillment[] memory items = new Fulfillment[](5);
        items[0] = Fulfillment(3, PAYEE, outputs, proof);
        items[1] = Fulfillment(1, PAYEE, outputs, bytes.concat(proof));
        items[1].proof[proof.length - 1] ^= 0x01;
        items[2] = Fulfillment(1, PAYEE, outputs, proof);
        items[3] = Fulfillment(2, address(this), outputs, proof);
        items[4] = items[2];
        failed(0, 3, IModelVerifier.ProofRejected.selector);
        failed(1, 1, IModelVerifier.ProofRejected.selector);
        failed(3, 2, IModelVerifier.ProofRejected.selector);
        failed(4, 1, IInferenceOracle.AlreadyFulfilled.selector);
        vm.assertEq(halocast.fulfillBatch(items), 1);
        for (uint256 id = 1; id <= 4; ++id) {
            vm.assertTrue(halocast.getRequest(id).status == (id == 1 ? RequestStatus.Fulfilled : RequestStatus.Open));
            vm.assertTrue(halocast.getResult(id).provenance == (id == 1 ? Provenance.Proven : Provenance.Pending));
        }
        vm.assertEq(halocast.provenOutputs(1), outputs);
        vm.assertEq(halocast.withdrawable(PAYEE), 1 ether);
    }

    function failed(
        uint256 index,
        uint256 id,
        bytes4 selector
    ) internal {
        vm.expectEmit(address(halocast));
        emit IInferenceOracle.FulfilFailed(index, id, selector);
    }
}
