// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IModelVerifier} from "../src/IModelVerifier.sol";
import {ModelVerifier} from "../src/ModelVerifier.sol";

/// @dev Stands where the raw verifier stands: accepts exactly the words that it was told; everything, if it was told nothing.
contract WordsRaw {
    uint256[] internal expected;

    function expect(
        uint256[] memory words
    ) external {
        expected = words;
    }

    fallback() external {
        if (expected.length == 0) return;
        require(msg.data.length == 32 * expected.length);
        for (uint256 i = 0; i < expected.length; ++i) {
            uint256 word;
            assembly {
                word := calldataload(mul(i, 32))
            }
            require(word == expected[i]);
        }
    }
}

/// @dev The leaf's calldata parser, for halmos (scripts/symbolic.sh). Every word of the calldata is a symbol, the three words of lengths too; a word's
/// place is not, because halmos reads calldata at known places only: the offsets run through all words of the calldata, one offset at a time. Other
/// sizes of calldata, two offsets moved at once and offsets between words: test/CalldataParser.t.sol, by exhaustion.
contract LeafSymbolic {
    uint256 internal constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    uint256 internal constant INPUTS = 2;
    uint256 internal constant OUTPUTS = 1;
    uint256 internal constant LIMBS = 12;
    uint256 internal constant BLOB = LIMBS + 2;
    /// @dev Also the number of inputs, so that the calldata's first word passes for their length.
    uint256 internal constant MODEL = 2;
    uint256 internal constant WORDS = 5 + (1 + INPUTS) + (1 + OUTPUTS) + (1 + BLOB);

    /// @dev Head words with the offsets of inputs, outputs and proof.
    uint256 internal constant AT_INPUTS = 2;
    uint256 internal constant AT_OUTPUTS = 3;
    uint256 internal constant AT_PROOF = 4;

    WordsRaw internal raw;
    ModelVerifier internal single;
    ModelVerifier internal split;

    function setUp() public {
        raw = new WordsRaw();
        single = leafWith(address(0), 0);
        split = leafWith(address(this), address(this).codehash);
    }

    function leafWith(
        address key,
        bytes32 keyHash
    ) internal returns (ModelVerifier) {
        return new ModelVerifier(
            ModelVerifier.Pins({
                rawVerifier: address(raw),
                rawCodeHash: address(raw).codehash,
                keyContract: key,
                keyCodeHash: keyHash,
                modelId: bytes32(MODEL),
                inputWords: INPUTS,
                outputWords: OUTPUTS,
                proofLength: 32 * BLOB,
                vkDigest: 0,
                srsDigest: 0,
                circuitDigest: 0,
                srsIsInsecure: false
            })
        );
    }

    function check_V13_every_word_is_handed_on_in_its_place(
        uint256[25] memory args
    ) public {
        encoded(args);
        judge(single, args);
    }

    function check_V13_every_word_is_handed_on_in_its_place_behind_the_key(
        uint256[25] memory args
    ) public {
        encoded(args);
        judge(split, args);
    }

    function check_V13_inputs_elsewhere_are_refused(
        uint256[25] memory args,
        uint256 offset
    ) public {
        moved(args, AT_INPUTS, offset);
    }

    function check_V13_outputs_elsewhere_are_refused(
        uint256[25] memory args,
        uint256 offset
    ) public {
        moved(args, AT_OUTPUTS, offset);
    }

    function check_V13_proof_elsewhere_is_refused(
        uint256[25] memory args,
        uint256 offset
    ) public {
        moved(args, AT_PROOF, offset);
    }

    /// @dev The offsets that encoders write.
    function encoded(
        uint256[25] memory args
    ) internal pure {
        require(args.length == WORDS);
        args[AT_INPUTS] = 32 * 5;
        args[AT_OUTPUTS] = args[AT_INPUTS] + 32 * (1 + INPUTS);
        args[AT_PROOF] = args[AT_OUTPUTS] + 32 * (1 + OUTPUTS);
    }

    function moved(
        uint256[25] memory args,
        uint256 head,
        uint256 offset
    ) internal {
        encoded(args);
        args[head] = known(offset);
        judge(single, args);
    }

    /// @dev A path for each word of the calldata, and for the first one behind it.
    function known(
        uint256 offset
    ) internal pure returns (uint256) {
        for (uint256 i = 0; i <= WORDS; ++i) {
            if (offset == 32 * i) return 32 * i;
        }
        revert();
    }

    function isEncoded(
        uint256[25] memory args
    ) internal pure returns (bool) {
        uint256 outputs = 32 * (6 + INPUTS);
        return args[AT_INPUTS] == 32 * 5 && args[AT_OUTPUTS] == outputs && args[AT_PROOF] == outputs + 32 * (1 + OUTPUTS);
    }

    /// @dev The leaf hands on a statement exactly if the arguments are the one encoding of one, of the right model and of words of the right size, and
    /// then that one.
    /// Where they do not, it must refuse by itself: the raw verifier would accept.
    function judge(
        ModelVerifier leaf,
        uint256[25] memory args
    ) internal {
        address key = leaf.keyContract();
        (bool decodes, uint256[] memory told) = meaning(args, key);
        if (decodes) raw.expect(told);
        (bool accepted,) = address(leaf).call(abi.encodePacked(IModelVerifier.verify.selector, args));
        assert(accepted == (decodes && inRange(told, key) && isEncoded(args)));
    }

    /// @dev What the ABI says of these words, read by another decoder than Solidity's: [key] | limbs | M | I | O | C | proof.
    function meaning(
        uint256[25] memory args,
        address key
    ) internal pure returns (bool decodes, uint256[] memory told) {
        uint256 first = key == address(0) ? 0 : 1;
        uint256 inputs = first + LIMBS + 1;
        uint256 context = inputs + INPUTS + OUTPUTS;
        told = new uint256[](context + 1 + BLOB - LIMBS);
        uint256[] memory blob = new uint256[](BLOB);
        if (!part(args, AT_INPUTS, INPUTS, INPUTS, told, inputs)) return (false, told);
        if (!part(args, AT_OUTPUTS, OUTPUTS, OUTPUTS, told, inputs + INPUTS)) return (false, told);
        if (!part(args, AT_PROOF, BLOB, 32 * BLOB, blob, 0)) return (false, told);
        if (first == 1) told[0] = uint160(key);
        (told[inputs - 1], told[context]) = (args[0], args[1]);
        for (uint256 i = 0; i < BLOB; ++i) {
            told[i < LIMBS ? first + i : context + 1 + i - LIMBS] = blob[i];
        }
        return (true, told);
    }

    function inRange(
        uint256[] memory told,
        address key
    ) internal pure returns (bool sound) {
        uint256 first = key == address(0) ? 0 : 1;
        sound = told[first + LIMBS] == MODEL;
        for (uint256 i = first; i < first + LIMBS + 1 + INPUTS + OUTPUTS + 1; ++i) {
            sound = both(sound, told[i] < (i < first + LIMBS ? 1 << 88 : R));
        }
    }

    /// @dev Without a branch, so that no path is made of it.
    function both(
        bool a,
        bool b
    ) internal pure returns (bool c) {
        assembly {
            c := and(a, b)
        }
    }

    /// @dev Copies an argument of `words` words whose length is written as `length`; false if it is another one or lies outside.
    function part(
        uint256[25] memory args,
        uint256 head,
        uint256 words,
        uint256 length,
        uint256[] memory to,
        uint256 place
    ) internal pure returns (bool) {
        uint256 offset = args[head];
        if (offset + 32 + 32 * words > 32 * WORDS) return false;
        if (read(args, offset) != length) return false;
        for (uint256 i = 0; i < words; ++i) {
            to[place + i] = read(args, offset + 32 + 32 * i);
        }
        return true;
    }

    function read(
        uint256[25] memory args,
        uint256 offset
    ) internal pure returns (uint256 word) {
        assembly {
            word := mload(add(args, offset))
        }
    }
}
