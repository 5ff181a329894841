// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @dev The cheatcodes that these tests use (forge's VM answers at a fixed address). The npm package of forge-std is not usable.
interface Vm {
    function prank(
        address
    ) external;
    function startPrank(
        address
    ) external;
    function stopPrank() external;
    function deal(
        address,
        uint256
    ) external;
    function warp(
        uint256
    ) external;
    function roll(
        uint256
    ) external;
    function chainId(
        uint256
    ) external;
    function assume(
        bool
    ) external pure;
    function etch(
        address,
        bytes calldata
    ) external;
    function label(
        address,
        string calldata
    ) external;
    function expectRevert() external;
    function expectRevert(
        bytes calldata
    ) external;
    function expectRevert(
        bytes4
    ) external;
    function expectPartialRevert(
        bytes4
    ) external;
    function expectEmit(
        address
    ) external;
    function expectCall(
        address,
        bytes calldata,
        uint64 count
    ) external;
    function snapshotGasLastCall(
        string calldata name
    ) external returns (uint256);
    /// `block.timestamp` itself is one value a call to the optimizer, also across a `warp`.
    function getBlockTimestamp() external view returns (uint256);
    function stopBroadcast() external;
    function setEnv(
        string calldata,
        string calldata
    ) external;
    function snapshotState() external returns (uint256);
    function revertToState(
        uint256
    ) external returns (bool);
    function readFile(
        string calldata
    ) external view returns (string memory);
    function parseJsonKeys(
        string calldata,
        string calldata
    ) external pure returns (string[] memory);
    function parseJsonBytes(
        string calldata,
        string calldata
    ) external pure returns (bytes memory);
    function parseJsonUintArray(
        string calldata,
        string calldata
    ) external pure returns (uint256[] memory);
    function parseJsonBytes32(
        string calldata,
        string calldata
    ) external pure returns (bytes32);
    function parseJsonUint(
        string calldata,
        string calldata
    ) external pure returns (uint256);
    function toString(
        address
    ) external pure returns (string memory);
    function toString(
        bytes32
    ) external pure returns (string memory);
    function snapshotValue(
        string calldata name,
        uint256
    ) external;
    function assertEq(
        uint256,
        uint256
    ) external pure;
    function assertEq(
        uint256,
        uint256,
        string calldata
    ) external pure;
    function assertEq(
        address,
        address
    ) external pure;
    function assertEq(
        bytes32,
        bytes32
    ) external pure;
    function assertEq(
        bytes calldata,
        bytes calldata
    ) external pure;
    function assertEq(
        string calldata,
        string calldata
    ) external pure;
    function assertEq(
        uint256[] calldata,
        uint256[] calldata
    ) external pure;
    function assertTrue(
        bool
    ) external pure;
    function assertTrue(
        bool,
        string calldata
    ) external pure;
    function assertFalse(
        bool
    ) external pure;
    function assertLe(
        uint256,
        uint256
    ) external pure;
    function assertGe(
        uint256,
        uint256
    ) external pure;
    function assertGe(
        uint256,
        uint256,
        string calldata
    ) external pure;
}

/// @dev All that a test contract needs.
abstract contract Test {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @dev Maps any value into [low, high].
    function bound(
        uint256 value,
        uint256 low,
        uint256 high
    ) internal pure returns (uint256) {
        if (value >= low && value <= high) return value;
        uint256 size = high - low;
        return size == type(uint256).max ? value : low + value % (size + 1);
    }

    /// @dev An address with a name.
    function makeAddress(
        string memory name
    ) internal returns (address who) {
        who = address(uint160(uint256(keccak256(bytes(name)))));
        vm.label(who, name);
    }
}
