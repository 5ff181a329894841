// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BatchVerifier} from "../src/BatchVerifier.sol";
import {Fulfillment} from "../src/IInferenceOracle.sol";
import {SetFulfillment} from "../src/IInferenceSets.sol";
import {OptimisticTerms} from "../src/IOptimisticOracle.sol";
import {InferenceSet} from "../src/InferenceSet.sol";
import {ModelVerifier} from "../src/ModelVerifier.sol";
import {OptimisticOracle} from "../src/OptimisticOracle.sol";
import {RoutedVerifier} from "../src/RoutedVerifier.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {AskTinyGemma} from "../src/examples/AskTinyGemma.sol";
import {Batches, Results} from "./support/Batches.sol";
import {Fixture} from "./support/Fixture.sol";
import {Leaves} from "./support/Leaves.sol";
import {MockBatchVerifier} from "./support/MockBatchVerifier.sol";
import {MockModelVerifier} from "./support/MockModelVerifier.sol";
import {RawVerifierStub} from "./support/RawVerifierStub.sol";

/// @dev Gas of whole transactions (profile `gas`: each call is its own transaction, cold, intrinsic gas included), compared with
/// snapshots/GasTest.json. The verifier is the mock: a real proof's gas comes on top.
contract GasTest is Fixture {
    bytes32 internal constant BATCHED = bytes32(uint256(0x62617463686564));

    function test_request() public {
        ask(1 ether, address(0), 0);
        ask(1 ether, address(0), 0);
        vm.snapshotGasLastCall("request, 3 input words, no callback");
    }

    function test_fulfill() public {
        uint256 id = ask(1 ether, address(0), 0);
        bytes memory proof = proofFor(id, payee, answer());
        oracle.fulfill(id, payee, answer(), proof);
        vm.snapshotGasLastCall("fulfill, 3 output words, mock verifier, no callback");
        id = ask(1 ether, address(0), 0);
        proof = proofFor(id, payee, answer());
        oracle.fulfill(id, payee, answer(), proof);
        vm.snapshotGasLastCall("fulfill, same payee again");
    }

    function test_consumer() public {
        AskTinyGemma app = new AskTinyGemma(oracle, MODEL, T);
        app.ask("The sea is", 12, deadline);
        vm.snapshotGasLastCall("AskTinyGemma.ask");
        bytes memory proof = proofFor(1, payee, answer());
        oracle.fulfill(1, payee, answer(), proof);
        vm.snapshotGasLastCall("fulfill, mock verifier, callback to AskTinyGemma");
    }

    function test_refund_and_withdraw() public {
        uint256 id = ask(1 ether, address(0), 0);
        vm.warp(deadline + 1);
        vm.prank(alice);
        oracle.refund(id);
        vm.snapshotGasLastCall("refund");
        vm.prank(alice);
        oracle.withdraw();
        vm.snapshotGasLastCall("withdraw");
    }

    function test_leaf() public {
        RawVerifierStub raw = new RawVerifierStub();
        ModelVerifier.Pins memory pins = Leaves.pins(address(raw), MODEL, 3, 3, 384 + 1632);
        pins.srsIsInsecure = true;
        ModelVerifier leaf = new ModelVerifier(pins);
        bytes memory body = new bytes(1600);
        bytes memory limbs = new bytes(384);
        bytes32 seal = keccak256(abi.encodePacked(limbs, MODEL, prompt(), answer(), uint256(5), body));
        bytes memory proof = abi.encodePacked(limbs, body, seal);
        leaf.verify(MODEL, 5, prompt(), answer(), proof);
        vm.snapshotGasLastCall("ModelVerifier.verify, stub behind it, 1632-byte proof");
    }

    function test_batch_of_four() public {
        Fulfillment[] memory items = new Fulfillment[](4);
        for (uint256 i = 0; i < 4; ++i) {
            uint256 id = ask(1 ether, address(0), 0);
            items[i] = Fulfillment(id, payee, answer(), proofFor(id, payee, answer()));
        }
        oracle.fulfillBatch(items);
        vm.snapshotGasLastCall("fulfillBatch of 4, mock verifier");
    }

    /// @dev The deepest way of a set of 1,024; the batch proof itself is not in it.
    function test_from_a_set() public {
        MockBatchVerifier batch = new MockBatchVerifier(MODEL);
        vm.prank(registrar);
        registry.setBatchVerifier(MODEL, batch);
        uint256 id = ask(1 ether, address(0), 0);
        bytes32[] memory path = new bytes32[](10);
        bytes32 root = this.leafFor(id, answer());
        for (uint256 level = 0; level < 10; ++level) {
            root = InferenceSet.nodeHash(root, path[level]);
        }
        oracle.submitSet(MODEL, root, 10, batch.proofOf(root, 10));
        oracle.fulfillFromSet(id, payee, answer(), root, 0, path);
        vm.snapshotGasLastCall("fulfillFromSet, 10 levels");
    }

    /// @dev Four results under one proof of a model for four a proof; the router and the real proof come on top.
    function test_batch_from_a_set() public {
        BatchVerifier batch = new BatchVerifier(new MockModelVerifier(BATCHED, 12, 12), 4);
        vm.startPrank(registrar);
        registry.register(BATCHED, batch, modelOwner, generateMetadata(T), "");
        registry.setBatchVerifier(BATCHED, batch);
        vm.stopPrank();
        Results memory r = Results(new uint256[](4), new uint256[](12), new uint256[](12));
        for (uint256 i = 0; i < 12; ++i) {
            if (i % 3 == 0) {
                uint256 id = oracle.request{value: 1 ether}(BATCHED, prompt(), deadline, 0, address(0));
                r.contexts[i / 3] = oracle.contextOf(id, payee);
            }
            (r.inputs[i], r.outputs[i]) = (prompt()[i % 3], answer()[i % 3]);
        }
        bytes32[][] memory tree = Batches.tree(BATCHED, r, 2);
        SetFulfillment[] memory items = new SetFulfillment[](4);
        for (uint256 i = 0; i < 4; ++i) {
            items[i] = SetFulfillment(i + 1, payee, answer(), i, Batches.path(tree, i));
        }
        MockModelVerifier flat = MockModelVerifier(address(batch.flat()));
        bytes memory blob = flat.proofOf(Batches.context(r.contexts, 4), r.inputs, r.outputs);
        oracle.fulfillBatchFromSet(BATCHED, tree[2][0], 2, Batches.encode(r, blob), items);
        vm.snapshotGasLastCall("fulfillBatchFromSet of 4, mock verifier");
        size("BatchVerifier", address(batch));
    }

    function leafFor(
        uint256 id,
        uint256[] calldata outputs
    ) external view returns (bytes32) {
        return InferenceSet.leafHash(MODEL, oracle.contextOf(id, payee), oracle.getRequest(id).inputs, outputs);
    }

    /// @dev What the way through the router costs: the difference of the two figures.
    function test_router_hop() public {
        VerifierRouter router = new VerifierRouter(admin, guardian, admin);
        vm.prank(admin);
        RoutedVerifier routed = new RoutedVerifier(router, router.addVerifier(verifier));
        bytes memory proof = verifier.proofOf(7, prompt(), answer());
        verifier.verify(MODEL, 7, prompt(), answer(), proof);
        vm.snapshotGasLastCall("verify, mock verifier");
        routed.verify(MODEL, 7, prompt(), answer(), proof);
        vm.snapshotGasLastCall("verify, mock verifier behind router");
    }

    function test_pull() public {
        bytes memory proof = verifier.proofOf(oracle.pullContextOf(address(this), MODEL, prompt(), 1), prompt(), answer());
        oracle.consumeProof(MODEL, prompt(), answer(), 1, proof);
        vm.snapshotGasLastCall("consumeProof, mock verifier");
    }

    function test_code_sizes() public {
        VerifierRouter router = new VerifierRouter(admin, guardian, admin);
        OptimisticTerms memory terms = OptimisticTerms(1 ether, 1 ether, 0.1 ether, 5000, 1 days, 1 days);
        OptimisticOracle optimistic = new OptimisticOracle(registry, terms, admin, guardian, admin);
        size("InferenceOracle", address(oracle));
        size("ModelRegistry", address(registry));
        size("VerifierRouter", address(router));
        size("OptimisticOracle", address(optimistic));
    }

    /// @dev EIP-170.
    function size(
        string memory name,
        address deployed
    ) internal {
        vm.snapshotValue(string.concat("code bytes: ", name), deployed.code.length);
        vm.assertLe(deployed.code.length, 24_576);
    }
}
