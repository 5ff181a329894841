"""The ONNX files that both sides read: random weights from fixed seeds, static shapes.

    python export.py OUT NAME…

OUT/NAME/ gets model.onnx, what Halocast reads (calibration.json, input.json), what EZKL reads (calibration.ezkl.json,
input.ezkl.json), PyTorch's outputs (reference.json) and onnxruntime's for the input (expected.json, flat).
"""

import json
import os
import shutil
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "model"))

import numpy as np
import onnxruntime
import torch
from torch import nn

from block import Block, liven
from onnxio import export as write_onnx, write_json

TOKENS, VOCABULARY, SAMPLES = 16, 256, 8
# The last without a GELU node, which EZKL does not know: it gets the formula instead.
OPSET = 18


class Mlp(nn.Sequential):
    """The size of everybody's first digit classifier."""

    def __init__(self):
        super().__init__(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


class Gpt(nn.Module):
    """Token and position embeddings, causal blocks, norm, head; all logits of all positions."""

    def __init__(self, width: int, layers: int):
        super().__init__()
        self.token, self.position = nn.Embedding(VOCABULARY, width), nn.Embedding(TOKENS, width)
        self.blocks = nn.Sequential(*(Block(width, causal=TOKENS, gelu="tanh") for _ in range(layers)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, VOCABULARY, bias=False)

    def forward(self, tokens):
        return self.head(self.norm(self.blocks(self.token(tokens) + self.position.weight)))


def floats(*shape: int):
    return lambda: {"x": torch.randn(*shape)}


def tokens():
    return {"tokens": torch.randint(VOCABULARY, (1, TOKENS))}


MODELS = {  # name: (model, one random input, output)
    "mlp": (Mlp, floats(1, 784), "y"),
    "block16": (lambda: Block(16), floats(1, TOKENS, 16), "y"),
    "block64": (lambda: Block(64), floats(1, TOKENS, 64), "y"),
    "block128": (lambda: Block(128), floats(1, TOKENS, 128), "y"),
    "gpt64": (lambda: Gpt(64, 4), tokens, "logits"),
    "gpt2block": (lambda: Block(768, heads=12, causal=TOKENS, gelu="tanh"), floats(1, TOKENS, 768), "y"),
}


def flat(samples: list[dict]) -> dict:
    """EZKL's form: for each input of the model its values, of several samples one after another."""
    names = samples[0]
    return {"input_data": [torch.stack([s[n] for s in samples]).flatten().tolist() for n in names]}


def export(out: Path, name: str) -> None:
    make, sample, output = MODELS[name]
    torch.manual_seed(list(MODELS).index(name))
    model = liven(make())
    # Rounded as the JSON files are, so that every reader gets the same numbers.
    samples = [{n: t if not t.is_floating_point() else torch.round(t, decimals=5) for n, t in sample().items()}
               for _ in range(SAMPLES)]
    folder, work = out / name, out / f"{name}.new"
    shutil.rmtree(work, ignore_errors=True)
    worst = write_onnx(work, model, output, samples, opset=OPSET)
    write_json(work / "input.json", json.loads((work / "calibration.json").read_text())[0])
    write_json(work / "input.ezkl.json", flat(samples[:1]))
    write_json(work / "calibration.ezkl.json", flat(samples))
    session = onnxruntime.InferenceSession(str(work / "model.onnx"))
    (expected,) = session.run(None, {n: t.numpy() for n, t in samples[0].items()})
    parameters = sum(p.numel() for p in model.parameters())
    write_json(work / "expected.json", {"output": output, "parameters": parameters, "values": np.ravel(expected).tolist()})
    shutil.rmtree(folder, ignore_errors=True)
    work.rename(folder)
    print(f"{name}: {parameters} parameters, onnxruntime within {worst:.1e} of PyTorch", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) < 3 or not set(sys.argv[2:]) <= set(MODELS):
        raise SystemExit(f"{__doc__}\nNAME: {', '.join(MODELS)}")
    torch.set_num_threads(1)
    for name in sys.argv[2:]:
        export(Path(sys.argv[1]), name)
