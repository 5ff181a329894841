// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IInferenceOracle} from "../src/IInferenceOracle.sol";
import {ModelMetadata, ModelTask, TensorSpec} from "../src/IModelRegistry.sol";
import {IModelVerifier} from "../src/IModelVerifier.sol";
import {InferenceOracle} from "../src/InferenceOracle.sol";
import {ModelRegistry} from "../src/ModelRegistry.sol";
import {ModelVerifier} from "../src/ModelVerifier.sol";
import {MockModelVerifier} from "../test/support/MockModelVerifier.sol";

/// @dev The cheatcodes that the kit uses.
interface KitVm {
    function etch(
        address,
        bytes calldata
    ) external;
    function prank(
        address
    ) external;
    function readFile(
        string calldata
    ) external view returns (string memory);
    function parseJsonBytes(
        string calldata,
        string calldata
    ) external pure returns (bytes memory);
    function parseJsonBytes32(
        string calldata,
        string calldata
    ) external pure returns (bytes32);
    function parseJsonUintArray(
        string calldata,
        string calldata
    ) external pure returns (uint256[] memory);
    function keyExistsJson(
        string calldata,
        string calldata
    ) external view returns (bool);
}

/// @title Test kit: an oracle whose answers a dApp's test can bring
/// @notice A test contract inherits its own tests and one of the harnesses: `MockHarness` (a proof is a hash) or `RealHarness` (the generated
/// verifier and a stored proof). The tests are the same for both.
/// @dev The oracle lies at a fixed address whatever its code, so that the contexts of stored proofs stay right: `request` and `second` are
/// requests 1 and 2 of ORACLE on chain 31337 for PAYEE; `pull` is for CONSUMER with PULL_NONCE, `optimistic` for question 1 of OPTIMISTIC and
/// PROPOSER. A test that wants another real proof prints its context (`oracle.contextOf(1, PAYEE)`), proves for it (`halocast prove
/// --context`) and makes a fixture of it (`make-fixture.mjs`). Model: TinyGemma, sequence length 32; the stored question is
/// "Q:capital of France?A:", six tokens, answer "Paris\n".
abstract contract HalocastTest {
    KitVm private constant kit = KitVm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @notice Where the oracle lies.
    address internal constant ORACLE = address(uint160(uint256(keccak256("halocast.test.oracle"))));

    /// @notice For whom the stored proofs were made.
    address internal constant PAYEE = address(uint160(uint256(keccak256("payee"))));

    /// @notice Who pulls with the stored proof `pull`, and under which nonce.
    address internal constant CONSUMER = address(uint160(uint256(keccak256("consumer"))));
    uint256 internal constant PULL_NONCE = 9;

    /// @notice Where an optimistic oracle must lie for the stored proof `optimistic`, and whose claim it proves.
    address internal constant OPTIMISTIC = address(uint160(uint256(keccak256("halocast.test.optimistic"))));
    address internal constant PROPOSER = address(uint160(uint256(keccak256("proposer"))));

    /// @notice The stored proof is not of this request.
    error NoStoredProof(uint256 requestId);

    InferenceOracle internal halocast;
    ModelRegistry internal models;
    IModelVerifier internal modelVerifier;
    bytes32 internal modelId;
    string internal fixture;

    /// @notice Deploys registry, leaf and oracle; the test contract has every role.
    /// @param path The fixture, seen from the project's root.
    function setUpHalocast(
        string memory path
    ) internal {
        fixture = kit.readFile(path);
        modelId = kit.parseJsonBytes32(fixture, ".modelId");
        models = new ModelRegistry(address(this), address(this), address(this));
        modelVerifier = _leaf();
        models.register(modelId, modelVerifier, address(this), _metadata(32), "fixture");
        halocast = InferenceOracle(
            _at(ORACLE, abi.encodePacked(type(InferenceOracle).creationCode, abi.encode(models, address(this), address(this))))
        );
    }

    /// @notice The output words of the stored question.
    function storedOutputs() internal view returns (uint256[] memory) {
        return kit.parseJsonUintArray(fixture, ".outputs");
    }

    /// @notice The input words of the stored question.
    function storedInputs() internal view returns (uint256[] memory) {
        return kit.parseJsonUintArray(fixture, ".inputs");
    }

    /// @notice Answers a request as a relayer would.
    function deliver(
        uint256 requestId
    ) internal {
        deliver(requestId, storedOutputs());
    }

    /// @notice Brings these outputs with the proof of the true ones: refused, if they differ.
    function deliver(
        uint256 requestId,
        uint256[] memory outputs
    ) internal {
        bytes memory proof = proofFor(requestId);
        halocast.fulfill(requestId, PAYEE, outputs, proof);
    }

    /// @notice A proof of the stored outputs for a request.
    function proofFor(
        uint256 requestId
    ) internal view virtual returns (bytes memory);

    function _leaf() internal virtual returns (IModelVerifier);

    /// @dev Runs a constructor at a chosen address.
    function _at(
        address where,
        bytes memory initCode
    ) internal returns (address) {
        kit.etch(where, initCode);
        (bool success, bytes memory code) = where.call("");
        require(success, "constructor reverted");
        kit.etch(where, code);
        return where;
    }

    function _metadata(
        uint32 length
    ) private pure returns (ModelMetadata memory m) {
        (m.task, m.valueBits, m.valuesPerWord, m.sequenceLength) = (ModelTask.Generate, 16, 15, length);
        m.inputs = new TensorSpec[](3);
        m.inputs[0] = _tensor("p", 1);
        m.inputs[1] = _tensor("n", 1);
        m.inputs[2] = _tensor("prompt", length);
        m.outputs = new TensorSpec[](1);
        m.outputs[0] = _tensor("answer", length);
    }

    function _tensor(
        string memory name,
        uint32 values
    ) private pure returns (TensorSpec memory t) {
        (t.name, t.scaleE18, t.shape) = (name, 1e18, new uint32[](1));
        t.shape[0] = values;
    }

    function _stored(
        string memory key
    ) internal view returns (bytes memory) {
        return kit.parseJsonBytes(fixture, key);
    }

    function _holds(
        string memory key
    ) internal view returns (bool) {
        return kit.keyExistsJson(fixture, key);
    }

    function _storedWord(
        string memory key
    ) internal view returns (bytes32) {
        return kit.parseJsonBytes32(fixture, key);
    }
}

/// @title Answers behind a mock proof
abstract contract MockHarness is HalocastTest {
    function _leaf() internal override returns (IModelVerifier) {
        return new MockModelVerifier(modelId, 3, 3);
    }

    /// @inheritdoc HalocastTest
    function proofFor(
        uint256 requestId
    ) internal view override returns (bytes memory) {
        MockModelVerifier mock = MockModelVerifier(address(modelVerifier));
        return mock.proofOf(halocast.contextOf(requestId, PAYEE), halocast.getRequest(requestId).inputs, storedOutputs());
    }
}

/// @title Answers behind the generated verifier and a stored proof of it
abstract contract RealHarness is HalocastTest {
    function _leaf() internal override returns (IModelVerifier) {
        bytes memory code = _stored(".rawVerifier");
        address raw;
        assembly ("memory-safe") {
            raw := create(0, add(code, 32), mload(code))
        }
        bytes32 digest = _storedWord(".vkDigest");
        uint256 length = _stored(".proofs.request.blob").length;
        // The fixture's verifier holds its own key; string and circuit are named in a deployment's record.
        ModelVerifier.Pins memory pins = ModelVerifier.Pins({
            rawVerifier: raw,
            rawCodeHash: raw.codehash,
            keyContract: address(0),
            keyCodeHash: 0,
            modelId: modelId,
            inputWords: 3,
            outputWords: 3,
            proofLength: length,
            vkDigest: digest,
            srsDigest: 0,
            circuitDigest: 0,
            srsIsInsecure: true
        });
        return new ModelVerifier(pins);
    }

    /// @inheritdoc HalocastTest
    function proofFor(
        uint256 requestId
    ) internal view override returns (bytes memory) {
        uint256 context = halocast.contextOf(requestId, PAYEE);
        bool same = keccak256(abi.encode(halocast.getRequest(requestId).inputs)) == keccak256(abi.encode(storedInputs()));
        if (same && _isFor("request", context)) return storedProof("request");
        if (same && _isFor("second", context)) return storedProof("second");
        revert NoStoredProof(requestId);
    }

    /// @notice A stored proof by its name in the fixture.
    function storedProof(
        string memory name
    ) internal view returns (bytes memory) {
        return _stored(string.concat(".proofs.", name, ".blob"));
    }

    function _isFor(
        string memory name,
        uint256 context
    ) private view returns (bool) {
        string memory key = string.concat(".proofs.", name, ".context");
        return _holds(key) && uint256(_storedWord(key)) == context;
    }
}
