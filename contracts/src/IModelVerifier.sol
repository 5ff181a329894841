// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title One model's verifier: a leaf
/// @notice Says whether a proof shows that the model `modelId()` maps `inputs` to `outputs`, made for `context`.
/// @dev A leaf is immutable and stateless. The public inputs of the outer proof are, in this order and fixed:
///
///     12 accumulator limbs | M | I words… | O words… | C          (each one BN254 scalar, i.e. < r)
///
/// where M = `modelId`, I = `inputs`, O = `outputs`, C = `context`. The leaf builds M, I, O, C itself from its arguments; only the
/// limbs come from the proof blob:
///
///     proof = 12 limbs (32 bytes each, big endian) ‖ bytes of the SNARK proof
///
/// "Instance index" below counts over that whole vector: limbs are 0…11, M is 12, the first input word is 13.
interface IModelVerifier {
    /// @notice The proof was asked about another model than the one this leaf is for.
    error ModelMismatch(bytes32 got, bytes32 expected);

    /// @notice `verify` was called with more or fewer bytes than its arguments take.
    error CalldataLength(uint256 got, uint256 expected);

    /// @notice The arrays are not where encoders write them: inputs, outputs, proof, one behind the other. `argument` counts from 0: inputs are 2.
    error CalldataOffset(uint256 argument);

    /// @notice Wrong number of input words.
    error InputLength(uint256 got, uint256 expected);

    /// @notice Wrong number of output words.
    error OutputLength(uint256 got, uint256 expected);

    /// @notice The proof blob (limbs and SNARK proof) has the wrong number of bytes.
    error ProofLength(uint256 got, uint256 expected);

    /// @notice Public input number `index` is not below the BN254 scalar modulus r.
    /// @dev x and x + r would be the same to the proof system; nobody reduces, so only x is accepted.
    error InstanceNotInField(uint256 index);

    /// @notice Accumulator limb number `index` has more bits than a limb may have.
    error LimbOutOfRange(uint256 index);

    /// @notice The proof system refused the proof for these public inputs.
    error ProofRejected();

    /// @notice The structured reference string is a development one and the chain is not a local one.
    error InsecureSrsOnPublicChain(uint256 chainId);

    /// @notice The code of the raw verifier is not the code this leaf was made for (or there is none).
    error RawVerifierCodeMismatch(bytes32 got, bytes32 expected);

    /// @notice The key contract's code is not the one this leaf was made for (or there is none, or one where none belongs).
    error KeyContractCodeMismatch(bytes32 got, bytes32 expected);

    /// @notice Returns if the proof is valid, reverts by one of the errors above if not.
    /// @param modelId The model's commitment M; must be this leaf's.
    /// @param context The context word C the proof was made for.
    /// @param inputs The packed input words I (see WordPacking).
    /// @param outputs The packed output words O.
    /// @param proof 12 accumulator limbs followed by the SNARK proof.
    function verify(
        bytes32 modelId,
        uint256 context,
        uint256[] calldata inputs,
        uint256[] calldata outputs,
        bytes calldata proof
    ) external view;

    /// @notice The model's commitment M (a field element).
    function modelId() external view returns (bytes32);

    /// @notice Number of packed input words.
    function inputWords() external view returns (uint256);

    /// @notice Number of packed output words.
    function outputWords() external view returns (uint256);

    /// @notice Bytes of a proof blob: 12 × 32 for the limbs and the SNARK proof's length.
    function proofLength() external view returns (uint256);

    /// @notice Whether the structured reference string is a development one, whose trapdoor somebody may know.
    function srsIsInsecure() external view returns (bool);

    /// @notice Digest of the outer circuit's verifying key.
    function vkDigest() external view returns (bytes32);

    /// @notice Names the secret of the structured reference string: equal digests, equal trust.
    function srsDigest() external view returns (bytes32);

    /// @notice Digest of the outer circuit without its key: equal for models of the same shape.
    function circuitDigest() external view returns (bytes32);

    /// @notice The contract that holds the verifying key, if the raw verifier serves many; the zero address if the key is in the raw verifier.
    /// @dev Its code was compared with a pinned hash at construction and begins with STOP: it cannot change, nor be called to any effect.
    function keyContract() external view returns (address);

    /// @notice The generated Halo2 verifier behind this leaf. It knows neither model nor context: ask the leaf.
    function rawVerifier() external view returns (address);
}
