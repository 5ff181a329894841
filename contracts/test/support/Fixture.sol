// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ModelMetadata, ModelTask, TensorSpec} from "../../src/IModelRegistry.sol";
import {InferenceOracle} from "../../src/InferenceOracle.sol";
import {ModelRegistry} from "../../src/ModelRegistry.sol";
import {WordPacking} from "../../src/WordPacking.sol";
import {MockModelVerifier} from "./MockModelVerifier.sol";
import {Test} from "./Test.sol";

/// @dev Registry, oracle and one generating model (T = 32) behind the mock verifier.
abstract contract Fixture is Test {
    uint256 internal constant T = 32;
    bytes32 internal constant MODEL = bytes32(uint256(0x6d6f64656c));

    address internal admin = makeAddress("admin");
    address internal registrar = makeAddress("registrar");
    address internal guardian = makeAddress("guardian");
    address internal modelOwner = makeAddress("model owner");
    address internal alice = makeAddress("alice");
    address internal payee = makeAddress("payee");
    address internal relayer = makeAddress("relayer");

    ModelRegistry internal registry;
    InferenceOracle internal oracle;
    MockModelVerifier internal verifier;
    uint64 internal deadline;

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        vm.roll(100);
        deadline = uint64(block.timestamp + 1 hours);
        registry = new ModelRegistry(admin, registrar, guardian);
        oracle = new InferenceOracle(registry, admin, guardian);
        verifier = new MockModelVerifier(MODEL, 3, 3);
        vm.prank(registrar);
        registry.register(MODEL, verifier, modelOwner, generateMetadata(T), "ipfs://manifest");
        vm.deal(alice, 100 ether);
    }

    function generateMetadata(
        uint256 length
    ) internal pure returns (ModelMetadata memory m) {
        m.task = ModelTask.Generate;
        m.valueBits = 16;
        m.valuesPerWord = 15;
        m.sequenceLength = uint32(length);
        m.inputs = new TensorSpec[](3);
        m.inputs[0] = tensor("prompt_length", 1, 1e18);
        m.inputs[1] = tensor("answer_length", 1, 1e18);
        m.inputs[2] = tensor("prompt", length, 1e18);
        m.outputs = new TensorSpec[](1);
        m.outputs[0] = tensor("answer", length, 1e18);
    }

    function tensor(
        string memory name,
        uint256 values,
        uint256 scaleE18
    ) internal pure returns (TensorSpec memory t) {
        t.name = name;
        t.scaleE18 = scaleE18;
        t.shape = new uint32[](2);
        t.shape[0] = 1;
        t.shape[1] = uint32(values);
    }

    function prompt() internal pure returns (uint256[] memory) {
        return WordPacking.packPrompt("The sea is", 12, T);
    }

    /// @dev Output words with `text` from position `from` on.
    function answerWords(
        uint256 from,
        bytes memory text,
        uint256 length
    ) internal pure returns (uint256[] memory) {
        int16[] memory values = new int16[](length);
        for (uint256 i = 0; i < text.length; ++i) {
            values[from + i] = int16(uint16(uint8(text[i])));
        }
        return WordPacking.pack(values);
    }

    function answer() internal pure returns (uint256[] memory) {
        return answerWords(10, " calm today.", T);
    }

    function ask(
        uint256 fee,
        address callback,
        uint32 callbackGas
    ) internal returns (uint256 id) {
        vm.prank(alice);
        id = oracle.request{value: fee}(MODEL, prompt(), deadline, callbackGas, callback);
    }

    function proofFor(
        uint256 id,
        address to,
        uint256[] memory outputs
    ) internal view returns (bytes memory) {
        return verifier.proofOf(oracle.contextOf(id, to), oracle.getRequest(id).inputs, outputs);
    }

    function fulfill(
        uint256 id
    ) internal {
        bytes memory proof = proofFor(id, payee, answer());
        vm.prank(relayer);
        oracle.fulfill(id, payee, answer(), proof);
    }
}
