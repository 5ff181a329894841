"""Small models of other families for the import tests: random weights, fixed seeds.

    python fixtures.py [DIR]        (default: models/fixtures)

`bad/` holds files an importer must refuse, each with an error of its own.
"""

import sys
from pathlib import Path

import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import nn
from transformers import (BertConfig, BertModel, GPT2Config, GPT2LMHeadModel, LlamaConfig,
                          LlamaForCausalLM)

from block import Block, liven
from onnxio import export, export_model
from tinygemma import Logits

SEQ, VOCAB, SAMPLES = 16, 64, 8
HF = {"attn_implementation": "eager"}
LM = HF | {"use_cache": False, "bos_token_id": None, "eos_token_id": None}


class Mlp(nn.Sequential):
    """64-32-10 with a ReLU: the smallest thing worth proving."""

    def __init__(self):
        super().__init__(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


class Masked(nn.Module):
    """The two causal masks people write: masked_fill(-inf) by hand, and torch's own."""

    def __init__(self, width: int = 64):
        super().__init__()
        self.first, self.second = nn.Linear(width, 3 * width), nn.Linear(width, 3 * width)
        self.register_buffer("future", torch.ones(SEQ, SEQ, dtype=torch.bool).triu(1))

    def heads(self, projection, x):
        return projection(x).view(1, SEQ, 3, 4, -1).permute(2, 0, 3, 1, 4)

    def forward(self, x):
        q, k, v = self.heads(self.first, x)
        scores = (q @ k.transpose(-1, -2) / 4).masked_fill(self.future, float("-inf"))
        x = x + (scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape)
        y = F.scaled_dot_product_attention(*self.heads(self.second, x), is_causal=True)
        return x + y.transpose(1, 2).reshape(x.shape)


class Embedder(nn.Module):
    """MiniLM's use of BERT: mean over the tokens, then unit length; inputs are never padded."""

    def __init__(self):
        super().__init__()
        self.bert = BertModel(BertConfig(
            vocab_size=VOCAB, hidden_size=64, num_hidden_layers=2, num_attention_heads=4,
            intermediate_size=128, max_position_embeddings=SEQ, type_vocab_size=2, **HF,
        ), add_pooling_layer=False)

    def forward(self, tokens):
        return F.normalize(self.bert(input_ids=tokens).last_hidden_state.mean(1), dim=-1)


class Padded(nn.Module):
    """The same with an attention mask: padding is hidden from the softmax and left out of the mean."""

    def __init__(self):
        super().__init__()
        self.bert = BertModel(BertConfig(
            vocab_size=VOCAB, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=64, max_position_embeddings=SEQ, type_vocab_size=2, **HF,
        ), add_pooling_layer=False)

    def forward(self, tokens, mask):
        real = mask.float()
        hidden = self.bert(input_ids=tokens, attention_mask=(real - 1)[:, None, None, :] * 1e9)
        mean = (hidden.last_hidden_state * real[:, :, None]).sum(1) / real.sum(1, keepdim=True).clamp(min=1e-9)
        return F.normalize(mean, dim=-1)


def gpt2():
    return Logits(GPT2LMHeadModel(GPT2Config(
        vocab_size=VOCAB, n_positions=SEQ, n_embd=64, n_inner=128, n_layer=2, n_head=4, **LM)))


def llama():
    return Logits(LlamaForCausalLM(LlamaConfig(
        vocab_size=VOCAB, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=SEQ, **LM)))


def floats(*shape: int):
    return lambda: {"x": torch.randn(*shape)}


def tokens():
    return {"tokens": torch.randint(VOCAB, (1, SEQ))}


def padded():
    mask = (torch.arange(SEQ) < torch.randint(1, SEQ + 1, (1,)))[None].long()
    return {"tokens": torch.randint(VOCAB, (1, SEQ)) * mask, "mask": mask}


GOOD = {  # name: (model, one random input, output)
    "mlp": (Mlp, floats(1, 64), "y"),
    "gpt2": (gpt2, tokens, "logits"),
    "bert": (Embedder, tokens, "vector"),
    "llama": (llama, tokens, "logits"),
    "block64": (lambda: Block(64), floats(1, SEQ, 64), "y"),
    "block128": (lambda: Block(128), floats(1, SEQ, 128), "y"),
    "masked": (Masked, floats(1, SEQ, 64), "y"),
    "padded": (Padded, padded, "vector"),
}


def write_bad(folder: Path) -> None:
    """Built from the MLP where possible, so that only the fault differs."""
    torch.manual_seed(100)
    mlp, inputs = liven(Mlp()), {"x": torch.randn(1, 64)}
    folder.mkdir(parents=True, exist_ok=True)

    export_model(folder / "truncated.onnx", mlp, inputs, "y")
    whole = (folder / "truncated.onnx").read_bytes()
    (folder / "truncated.onnx").write_bytes(whole[: len(whole) * 2 // 3])

    batch = torch.export.Dim("batch", max=1024)
    length = torch.export.Dim("length", max=1024)
    export_model(folder / "dynamic.onnx", liven(Block(32)), {"x": torch.randn(2, 3, 32)}, "y",
                 dynamic_shapes=({0: batch, 1: length},))

    conv = nn.Sequential(nn.Unflatten(1, (1, 64)), nn.Conv1d(1, 2, 3), nn.Flatten())
    export_model(folder / "unsupported.onnx", liven(conv), inputs, "y")

    export_model(folder / "nan.onnx", mlp, inputs, "y")
    proto = onnx.load(folder / "nan.onnx")
    weight = next(w for w in proto.graph.initializer if w.name == "0.weight")
    values = numpy_helper.to_array(weight).copy()
    values[5, 7] = float("nan")
    weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    onnx.save(proto, folder / "nan.onnx")


def main() -> None:
    default = Path(__file__).parents[2] / "models" / "fixtures"
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    torch.set_num_threads(1)
    for seed, (name, (make, sample, output)) in enumerate(GOOD.items()):
        torch.manual_seed(seed)
        model = liven(make())
        worst = export(root / name, model, output, [sample() for _ in range(SAMPLES)])
        size = (root / name / "model.onnx").stat().st_size
        print(f"{name}: {size} bytes, onnxruntime within {worst:.1e} of PyTorch", flush=True)
    write_bad(root / "bad")


if __name__ == "__main__":
    main()
