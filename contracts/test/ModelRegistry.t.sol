// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IModelRegistry, Model, ModelMetadata, ModelRoute, ModelStatus, ModelTask, TensorSpec} from "../src/IModelRegistry.sol";
import {ModelRegistry} from "../src/ModelRegistry.sol";
import {Fixture} from "./support/Fixture.sol";
import {MockModelVerifier} from "./support/MockModelVerifier.sol";

contract ModelRegistryTest is Fixture {
    bytes32 internal constant OTHER = bytes32(uint256(0x6f74686572));
    address internal stranger = makeAddress("stranger");

    function register(
        bytes32 id,
        MockModelVerifier leaf,
        ModelMetadata memory m
    ) internal {
        vm.prank(registrar);
        registry.register(id, leaf, modelOwner, m, "uri");
    }

    function refuses(
        bytes memory reason,
        MockModelVerifier leaf,
        ModelMetadata memory m
    ) internal {
        vm.prank(registrar);
        vm.expectRevert(reason);
        registry.register(OTHER, leaf, modelOwner, m, "uri");
        vm.assertTrue(registry.statusOf(OTHER) == ModelStatus.Unknown);
    }

    function inferMetadata() internal pure returns (ModelMetadata memory m) {
        m.task = ModelTask.Infer;
        m.valueBits = 8;
        m.valuesPerWord = 31;
        m.inputs = new TensorSpec[](2);
        m.inputs[0] = tensor("x", 40, 5e14);
        m.inputs[1] = tensor("y", 23, 7e15);
        m.outputs = new TensorSpec[](1);
        m.outputs[0] = tensor("z", 10, 3e16);
        m.outputs[0].shape = new uint32[](0); // a scalar
    }

    // ── registration ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function test_entry_of_a_generating_model() public view {
        Model memory m = registry.getModel(MODEL);
        vm.assertEq(address(m.route.verifier), address(verifier));
        vm.assertTrue(m.route.status == ModelStatus.Active);
        vm.assertEq(m.route.inputValues, 34);
        vm.assertEq(m.route.outputValues, 32);
        vm.assertEq(m.route.inputWords, 3);
        vm.assertEq(m.route.outputWords, 3);
        vm.assertEq(m.owner, modelOwner);
        vm.assertEq(m.registeredAt, 100);
        vm.assertEq(m.metadataURI, "ipfs://manifest");
        vm.assertEq(keccak256(abi.encode(m.metadata)), keccak256(abi.encode(generateMetadata(T))));
        vm.assertEq(keccak256(abi.encode(registry.routeOf(MODEL))), keccak256(abi.encode(m.route)));
        vm.assertEq(registry.modelCount(), 1);
        vm.assertEq(registry.modelAt(0), MODEL);
    }

    function test_entry_of_an_inferring_model() public {
        MockModelVerifier leaf = new MockModelVerifier(OTHER, 3, 1);
        vm.expectEmit(address(registry));
        emit IModelRegistry.ModelRegistered(OTHER, address(leaf), modelOwner, leaf.vkDigest(), 3, 1, "uri");
        register(OTHER, leaf, inferMetadata());
        ModelRoute memory route = registry.routeOf(OTHER);
        vm.assertEq(route.inputValues, 63);
        vm.assertEq(route.inputWords, 3);
        vm.assertEq(route.outputValues, 1);
        vm.assertEq(route.outputWords, 1);
        vm.assertEq(keccak256(abi.encode(registry.getModel(OTHER).metadata)), keccak256(abi.encode(inferMetadata())));
        vm.assertEq(registry.modelAt(1), OTHER);
    }

    function test_unknown_model() public {
        bytes memory unknown = abi.encodeWithSelector(IModelRegistry.UnknownModel.selector, OTHER);
        vm.assertTrue(registry.statusOf(OTHER) == ModelStatus.Unknown);
        vm.expectRevert(unknown);
        registry.getModel(OTHER);
        vm.expectRevert(unknown);
        registry.routeOf(OTHER);
        vm.expectRevert(unknown);
        registry.deprecate(OTHER);
        vm.expectRevert(unknown);
        registry.revoke(OTHER);
        vm.expectRevert(unknown);
        registry.setMetadataURI(OTHER, "");
        vm.expectRevert(unknown);
        registry.transferModel(OTHER, stranger);
    }

    function test_an_id_is_registered_once_whatever_its_status() public {
        MockModelVerifier leaf = new MockModelVerifier(MODEL, 3, 3);
        bytes memory reason = abi.encodeWithSelector(IModelRegistry.AlreadyRegistered.selector, MODEL);
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(registrar);
            vm.expectRevert(reason);
            registry.register(MODEL, leaf, modelOwner, generateMetadata(T), "uri");
            vm.prank(guardian);
            if (i == 0) registry.deprecate(MODEL);
            else if (i == 1) registry.revoke(MODEL);
        }
        vm.assertEq(address(registry.routeOf(MODEL).verifier), address(verifier));
    }

    function test_checks_the_verifier() public {
        bytes4 s = IModelRegistry.VerifierModelMismatch.selector;
        refuses(abi.encodeWithSelector(s, MODEL, OTHER), verifier, generateMetadata(T));
        s = IModelRegistry.InputWordsMismatch.selector;
        refuses(abi.encodeWithSelector(s, 2, 3), new MockModelVerifier(OTHER, 2, 3), generateMetadata(T));
        s = IModelRegistry.OutputWordsMismatch.selector;
        refuses(abi.encodeWithSelector(s, 4, 3), new MockModelVerifier(OTHER, 3, 4), generateMetadata(T));
        s = IModelRegistry.VerifierHasNoCode.selector;
        refuses(abi.encodeWithSelector(s, stranger), MockModelVerifier(stranger), generateMetadata(T));
    }

    function test_refuses_insecure_srs_on_public_chains() public {
        MockModelVerifier leaf = new MockModelVerifier(OTHER, 3, 3);
        vm.chainId(1);
        refuses(abi.encodeWithSelector(IModelRegistry.InsecureSrsOnPublicChain.selector, 1), leaf, generateMetadata(T));
        vm.chainId(1337);
        register(OTHER, leaf, generateMetadata(T));
    }

    function test_checks_the_metadata() public {
        MockModelVerifier leaf = new MockModelVerifier(OTHER, 3, 3);
        uint8[2][4] memory packings = [[uint8(0), 15], [uint8(16), 0], [uint8(16), 16], [uint8(255), 255]];
        for (uint256 i = 0; i < packings.length; ++i) {
            ModelMetadata memory m = generateMetadata(T);
            m.valueBits = packings[i][0];
            m.valuesPerWord = packings[i][1];
            refuses(abi.encodeWithSelector(IModelRegistry.InvalidPacking.selector, m.valueBits, m.valuesPerWord), leaf, m);
        }
        ModelMetadata memory bad = generateMetadata(T);
        bad.inputs[1].scaleE18 = 0;
        refuses(abi.encodeWithSelector(IModelRegistry.InvalidScale.selector, "answer_length"), leaf, bad);
        bad = generateMetadata(T);
        bad.inputs[2].shape[0] = 0;
        refuses(abi.encodeWithSelector(IModelRegistry.InvalidShape.selector, "prompt"), leaf, bad);
        bad.inputs[2].shape[0] = type(uint32).max;
        refuses(abi.encodeWithSelector(IModelRegistry.InvalidShape.selector, "prompt"), leaf, bad);
        // The sum overflows, not the product.
        bad = generateMetadata(T);
        bad.inputs[2].shape[1] = type(uint32).max;
        refuses(abi.encodeWithSelector(IModelRegistry.InvalidShape.selector, "prompt"), leaf, bad);
        bad = generateMetadata(T);
        bad.outputs = new TensorSpec[](0);
        refuses(abi.encodeWithSelector(IModelRegistry.InvalidShape.selector, ""), leaf, bad);
    }

    function test_checks_the_sequence_length() public {
        MockModelVerifier leaf = new MockModelVerifier(OTHER, 3, 3);
        ModelMetadata memory bad = generateMetadata(T);
        bad.sequenceLength = 33;
        refuses(abi.encodeWithSelector(IModelRegistry.InvalidSequenceLength.selector, 33), leaf, bad);
        bad = generateMetadata(T);
        bad.inputs[2].shape[1] = 33;
        refuses(abi.encodeWithSelector(IModelRegistry.InvalidSequenceLength.selector, 32), leaf, bad);
        bad = generateMetadata(T);
        bad.outputs[0].shape[1] = 31;
        refuses(abi.encodeWithSelector(IModelRegistry.InvalidSequenceLength.selector, 32), leaf, bad);
        bad = generateMetadata(1);
        refuses(abi.encodeWithSelector(IModelRegistry.InvalidSequenceLength.selector, 1), leaf, bad);
        bad = inferMetadata();
        bad.sequenceLength = 32;
        refuses(abi.encodeWithSelector(IModelRegistry.InvalidSequenceLength.selector, 32), leaf, bad);
    }

    function testFuzz_word_counts(
        uint256 bits,
        uint256 perWord,
        uint256 values
    ) public {
        bits = bound(bits, 1, 64);
        perWord = bound(perWord, 1, 248 / bits);
        values = bound(values, 1, type(uint32).max);
        ModelMetadata memory m = inferMetadata();
        m.valueBits = uint8(bits);
        m.valuesPerWord = uint8(perWord);
        m.inputs = new TensorSpec[](1);
        m.inputs[0] = tensor("x", values, 1);
        uint256 words = values / perWord + (values % perWord == 0 ? 0 : 1);
        register(OTHER, new MockModelVerifier(OTHER, words, 1), m);
        vm.assertEq(registry.routeOf(OTHER).inputWords, words);
    }

    function test_owner_must_not_be_zero() public {
        MockModelVerifier leaf = new MockModelVerifier(OTHER, 3, 3);
        vm.prank(registrar);
        vm.expectRevert(IModelRegistry.InvalidOwner.selector);
        registry.register(OTHER, leaf, address(0), generateMetadata(T), "uri");
        vm.prank(modelOwner);
        vm.expectRevert(IModelRegistry.InvalidOwner.selector);
        registry.transferModel(MODEL, address(0));
        vm.expectRevert(IModelRegistry.InvalidOwner.selector);
        new ModelRegistry(address(0), registrar, guardian);
    }

    // ── status, owner ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    function test_status_only_moves_down() public {
        ModelStatus[3] memory order = [ModelStatus.Active, ModelStatus.Deprecated, ModelStatus.Revoked];
        for (uint256 from = 0; from < 3; ++from) {
            for (uint256 to = 1; to < 3; ++to) {
                setUp();
                vm.startPrank(modelOwner);
                if (from == 1) registry.deprecate(MODEL);
                if (from == 2) registry.revoke(MODEL);
                if (to > from) {
                    vm.expectEmit(address(registry));
                    emit IModelRegistry.ModelStatusChanged(MODEL, order[from], order[to], modelOwner);
                } else {
                    vm.expectRevert(abi.encodeWithSelector(IModelRegistry.InvalidStatusChange.selector, order[from], order[to]));
                }
                if (to == 1) registry.deprecate(MODEL);
                else registry.revoke(MODEL);
                vm.stopPrank();
                vm.assertTrue(registry.statusOf(MODEL) == order[to > from ? to : from]);
            }
        }
    }

    function test_metadata_uri_and_owner() public {
        vm.prank(modelOwner);
        vm.expectEmit(address(registry));
        emit IModelRegistry.MetadataURIChanged(MODEL, "new");
        registry.setMetadataURI(MODEL, "new");
        vm.assertEq(registry.getModel(MODEL).metadataURI, "new");
        vm.prank(modelOwner);
        vm.expectEmit(address(registry));
        emit IModelRegistry.ModelOwnerChanged(MODEL, modelOwner, stranger);
        registry.transferModel(MODEL, stranger);
        vm.prank(modelOwner);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NotModelOwner.selector, modelOwner, stranger));
        registry.deprecate(MODEL);
        vm.prank(stranger);
        registry.deprecate(MODEL);
    }

    function test_O3_fidelity_report() public {
        vm.assertEq(registry.fidelityReportOf(MODEL), bytes32(0));
        bytes32 report = keccak256("report");
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NotModelOwner.selector, address(this), modelOwner));
        registry.setFidelityReport(MODEL, report);
        vm.prank(modelOwner);
        vm.expectEmit(address(registry));
        emit IModelRegistry.FidelityReportChanged(MODEL, report);
        registry.setFidelityReport(MODEL, report);
        vm.assertEq(registry.fidelityReportOf(MODEL), report);
        vm.prank(modelOwner);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.UnknownModel.selector, OTHER));
        registry.setFidelityReport(OTHER, report);
    }

    /// @dev Every function that changes something × every kind of caller.
    function test_access_matrix() public {
        MockModelVerifier leaf = new MockModelVerifier(OTHER, 3, 3);
        bytes[5] memory calls = [
            abi.encodeCall(registry.register, (OTHER, leaf, modelOwner, generateMetadata(T), "uri")),
            abi.encodeCall(registry.deprecate, (MODEL)),
            abi.encodeCall(registry.revoke, (MODEL)),
            abi.encodeCall(registry.setMetadataURI, (MODEL, "x")),
            abi.encodeCall(registry.transferModel, (MODEL, stranger))
        ];
        address[5] memory callers = [admin, registrar, guardian, modelOwner, stranger];
        // register, deprecate, revoke, setMetadataURI, transferModel
        bool[5][5] memory may = [
            [false, false, false, false, false], // admin
            [true, false, false, false, false], // registrar
            [false, true, true, false, false], // guardian
            [false, true, true, true, true], // owner of the entry
            [false, false, false, false, false] // stranger
        ];
        for (uint256 c = 0; c < callers.length; ++c) {
            for (uint256 f = 0; f < calls.length; ++f) {
                ModelRegistry fresh = registry;
                setUp();
                (fresh, registry) = (registry, fresh);
                vm.prank(callers[c]);
                (bool success, bytes memory reason) = address(fresh).call(calls[f]);
                vm.assertTrue(success == may[c][f]);
                if (success) continue;
                vm.assertEq(
                    reason,
                    f == 0
                        ? abi.encodeWithSelector(
                            IAccessControl.AccessControlUnauthorizedAccount.selector, callers[c], fresh.REGISTRAR_ROLE()
                        )
                        : abi.encodeWithSelector(IModelRegistry.NotModelOwner.selector, callers[c], modelOwner)
                );
            }
        }
    }

    function test_interface_ids() public view {
        vm.assertTrue(registry.supportsInterface(type(IModelRegistry).interfaceId));
        vm.assertTrue(registry.supportsInterface(type(IAccessControl).interfaceId));
        vm.assertTrue(registry.supportsInterface(type(IERC165).interfaceId));
        vm.assertFalse(registry.supportsInterface(0xffffffff));
    }
}
