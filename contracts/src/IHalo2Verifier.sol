// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Errors of a generated verifier
/// @notice What `verifier-gen/templates/Halo2Verifier.sol` reverts with, for whoever has to name it. A generated verifier has no functions: its
/// calldata is `[key contract] ‖ public words ‖ proof`, without a selector.
interface IHalo2Verifier {
    /// @notice Calldata is not key address, public words and proof exactly.
    error CalldataLength(uint256 got, uint256 expected);

    /// @notice The key contract has the wrong number of bytes (or there is none).
    error KeyLength(uint256 got, uint256 expected);

    /// @notice The key contract is for another verifier.
    error KeyShapeMismatch(bytes32 got, bytes32 expected);

    /// @notice Public word number `index` is not below the scalar modulus r.
    error InstanceNotInField(uint256 index);

    /// @notice Evaluation number `index` of the proof is not below the scalar modulus r.
    error ScalarNotCanonical(uint256 index);

    /// @notice Public word number `index` is a limb with more bits than its place in a coordinate has.
    error LimbOutOfRange(uint256 index);

    /// @notice Point number `index` is not on the curve or has a coordinate not below q.
    error PointNotOnCurve(uint256 index);

    /// @notice Point number `index`, one of the two exposed ones, is the point at infinity.
    error PointAtInfinity(uint256 index);

    /// @notice A challenge met a pole: happens with probability 2^-240.
    error DegenerateChallenge();

    /// @notice A precompiled contract failed on valid input: too little gas, or a chain without it. 7 stands for both curve operations.
    error PrecompileFailed(uint256 precompile);

    /// @notice The proof is well formed and false.
    error PairingFailed();
}
