// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @dev The cheatcodes that these tests use.
interface Vm {
    function getCode(
        string calldata
    ) external view returns (bytes memory);
    function readFile(
        string calldata
    ) external view returns (string memory);
    function readFileBinary(
        string calldata
    ) external view returns (bytes memory);
    function parseJsonString(
        string calldata,
        string calldata
    ) external pure returns (string memory);
    function parseJsonBytes(
        string calldata,
        string calldata
    ) external pure returns (bytes memory);
    function keyExistsJson(
        string calldata,
        string calldata
    ) external view returns (bool);
    function toString(
        uint256
    ) external pure returns (string memory);
    function envOr(
        string calldata,
        uint256
    ) external view returns (uint256);
    function etch(
        address,
        bytes calldata
    ) external;
    function store(
        address,
        bytes32,
        bytes32
    ) external;
    function assertTrue(
        bool,
        string calldata
    ) external pure;
    function assertEq(
        string calldata,
        string calldata
    ) external pure;
    function assertEq(
        string calldata,
        string calldata,
        string calldata
    ) external pure;
    function assertEq(
        uint256,
        uint256,
        string calldata
    ) external pure;
}

/// @dev A verifier to be called: the monolithic one, or the split one with its key's address before the calldata.
struct Target {
    address verifier;
    bytes prefix;
    string fixture;
}

/// @dev Deploys the generated contracts and calls them.
abstract contract Harness {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @dev Several times what a verification takes; a precompile that refuses its input burns what it is given.
    uint256 internal constant ENOUGH = 5_000_000;

    uint256 internal constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    uint256 internal constant Q = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;

    function artifact(
        string memory fixture,
        string memory file,
        string memory name
    ) internal view returns (bytes memory) {
        return vm.getCode(string.concat(fixture, "/", file, ".sol:", name));
    }

    function deploy(
        bytes memory code
    ) internal returns (address place) {
        assembly ("memory-safe") {
            place := create(0, add(code, 0x20), mload(code))
        }
        vm.assertTrue(place != address(0) && place.code.length <= 24_576, "deployment");
    }

    function monolithic(
        string memory fixture
    ) internal returns (Target memory) {
        return Target(deploy(artifact(path(fixture), "Monolithic", "Halo2Verifier")), "", fixture);
    }

    function split(
        string memory fixture
    ) internal returns (Target memory) {
        address verifier = deploy(artifact(path(fixture), "Split", "Halo2Verifier"));
        return Target(verifier, abi.encode(keyOf(fixture)), fixture);
    }

    function keyOf(
        string memory fixture
    ) internal returns (address) {
        return deploy(artifact(path(fixture), "Key", "Halo2VerifyingKey"));
    }

    function path(
        string memory fixture
    ) internal pure returns (string memory) {
        return string.concat("tests/fixtures/", fixture);
    }

    function calldataOf(
        string memory fixture
    ) internal view returns (bytes memory) {
        return vm.readFileBinary(string.concat(path(fixture), "/calldata.bin"));
    }

    function run(
        Target memory target,
        bytes memory data
    ) internal view returns (bool accepted, bytes memory answer) {
        (accepted, answer) = target.verifier.staticcall{gas: ENOUGH}(bytes.concat(target.prefix, data));
        if (accepted && answer.length != 0) accepted = false;
    }

    function accepts(
        Target memory target,
        bytes memory data
    ) internal view returns (bool accepted) {
        (accepted,) = run(target, data);
    }

    /// @dev Whether the call reverts with exactly this.
    function gives(
        Target memory target,
        bytes memory data,
        bytes memory expected
    ) internal view returns (bool) {
        (bool accepted, bytes memory answer) = run(target, data);
        return !accepted && keccak256(answer) == keccak256(expected);
    }

    /// @dev Word number `index` of calldata.
    function get(
        bytes memory data,
        uint256 index
    ) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(add(data, 0x20), shl(5, index)))
        }
    }

    function set(
        bytes memory data,
        uint256 index,
        uint256 value
    ) internal pure {
        assembly ("memory-safe") {
            mstore(add(add(data, 0x20), shl(5, index)), value)
        }
    }

    /// @dev A copy with one word changed.
    function with(
        bytes memory data,
        uint256 index,
        uint256 value
    ) internal pure returns (bytes memory copy) {
        copy = bytes.concat(data);
        set(copy, index, value);
    }
}
