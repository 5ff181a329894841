// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IModelRegistry} from "../src/IModelRegistry.sol";
import {IModelVerifier} from "../src/IModelVerifier.sol";
import {ERC7992Adapter} from "../src/adapters/ERC7992Adapter.sol";
import {ERC8274Adapter, IProofVerifier} from "../src/adapters/ERC8274Adapter.sol";
import {IERC7992RegistryView, IERC7992Verifier} from "../src/adapters/IERC7992.sol";
import {Fixture} from "./support/Fixture.sol";

/// @dev O3: the registry in the words of two drafts.
contract AdaptersTest is Fixture {
    ERC7992Adapter internal adapter;
    ERC8274Adapter internal prover;
    uint256 internal constant ID = uint256(MODEL);

    function setUp() public override {
        super.setUp();
        adapter = new ERC7992Adapter(registry);
        prover = new ERC8274Adapter(verifier);
    }

    function test_O3_interface_ids() public view {
        vm.assertTrue(adapter.supportsInterface(type(IERC7992RegistryView).interfaceId));
        vm.assertTrue(adapter.supportsInterface(type(IERC7992Verifier).interfaceId));
        vm.assertTrue(adapter.supportsInterface(type(IERC165).interfaceId));
        vm.assertFalse(adapter.supportsInterface(0xffffffff));
        vm.assertTrue(prover.supportsInterface(type(IProofVerifier).interfaceId));
        vm.assertFalse(prover.supportsInterface(0xffffffff));
        // The drafts' own selectors.
        vm.assertEq(
            bytes32(IERC7992Verifier.verifyInference.selector),
            bytes32(bytes4(keccak256("verifyInference(uint256,bytes32,bytes,bytes)")))
        );
        vm.assertEq(bytes32(IProofVerifier.verify.selector), bytes32(bytes4(keccak256("verify(bytes32,bytes32,bytes,bytes)"))));
    }

    function test_O3_commitment_owner_and_status() public {
        (IERC7992RegistryView.ModelCommitment memory c, bool deprecated, address owner) = adapter.getModel(ID);
        vm.assertEq(c.modelHash, MODEL);
        vm.assertEq(c.vkHash, verifier.vkDigest());
        vm.assertEq(c.circuitHash, verifier.circuitDigest());
        vm.assertEq(bytes32(c.proofSystemId), bytes32(bytes4(keccak256("halo2-kzg-bn254-v1"))));
        vm.assertEq(bytes32(adapter.proofSystemOf(ID)), bytes32(c.proofSystemId));
        vm.assertEq(c.uri, "ipfs://manifest");
        vm.assertFalse(deprecated);
        vm.assertEq(owner, modelOwner);
        vm.assertEq(adapter.registry(), address(adapter));
        vm.prank(modelOwner);
        registry.deprecate(MODEL);
        (, deprecated,) = adapter.getModel(ID);
        vm.assertTrue(deprecated);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.UnknownModel.selector, bytes32(uint256(1))));
        adapter.getModel(1);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.UnknownModel.selector, bytes32(uint256(1))));
        adapter.proofSystemOf(1);
    }

    function evidence(
        uint256 nonce
    ) internal view returns (bytes32 commitment, bytes memory proof) {
        commitment = adapter.commitmentOf(ID, nonce, prompt());
        bytes memory blob = verifier.proofOf(uint256(commitment) >> 8, prompt(), answer());
        proof = abi.encode(nonce, prompt(), blob);
    }

    function test_O3_O4_verify_inference() public {
        (bytes32 commitment, bytes memory proof) = evidence(4);
        bytes memory output = abi.encode(answer());
        vm.expectEmit(address(adapter));
        emit IERC7992Verifier.InferenceVerified(ID, commitment, output, relayer);
        vm.prank(relayer);
        adapter.verifyInference(ID, commitment, output, proof);

        vm.expectRevert(IERC7992Verifier.InputCommitmentMismatch.selector);
        adapter.verifyInference(ID, commitment ^ bytes32(uint256(1)), output, proof);
        (bytes32 other,) = evidence(5);
        vm.expectRevert(IERC7992Verifier.InputCommitmentMismatch.selector);
        adapter.verifyInference(ID, other, output, proof);
        uint256[] memory lie = answer();
        lie[0] ^= 1;
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        adapter.verifyInference(ID, commitment, abi.encode(lie), proof);
        ERC7992Adapter second = new ERC7992Adapter(registry);
        vm.expectRevert(IERC7992Verifier.InputCommitmentMismatch.selector);
        second.verifyInference(ID, commitment, output, proof);
        vm.chainId(1337);
        vm.expectRevert(IERC7992Verifier.InputCommitmentMismatch.selector);
        adapter.verifyInference(ID, commitment, output, proof);
        vm.chainId(31_337);
        vm.prank(modelOwner);
        registry.deprecate(MODEL);
        vm.expectRevert(abi.encodeWithSelector(IERC7992Verifier.VerificationRefused_ModelDeprecated.selector, ID));
        adapter.verifyInference(ID, commitment, output, proof);
    }

    function test_O3_proof_verifier_says_yes_or_no() public view {
        bytes32 inputHash = keccak256(abi.encodePacked(prompt()));
        bytes32 outputHash = keccak256(abi.encodePacked(answer()));
        bytes memory metadata = abi.encode(MODEL);
        bytes memory proof = abi.encode(uint256(7), prompt(), answer(), verifier.proofOf(7, prompt(), answer()));
        vm.assertTrue(prover.verify(inputHash, outputHash, metadata, proof));
        vm.assertFalse(prover.verify(~inputHash, outputHash, metadata, proof));
        vm.assertFalse(prover.verify(inputHash, ~outputHash, metadata, proof));
        vm.assertFalse(prover.verify(inputHash, outputHash, abi.encode(~MODEL), proof));
        proof = abi.encode(uint256(8), prompt(), answer(), verifier.proofOf(7, prompt(), answer()));
        vm.assertFalse(prover.verify(inputHash, outputHash, metadata, proof));
        vm.assertEq(prover.proofSystem(), "zk/halocast");
        vm.assertTrue(prover.proofProfile() != 0);
    }
}
