"""Makes the small exports beside this file: one pattern each, by both exporters of PyTorch, with PyTorch's outputs.

python make.py      needs torch 2.15, onnx, onnxscript
"""

import json
import logging
import math
import warnings
from pathlib import Path

import onnx
import torch
import torch.nn.functional as F
from torch import nn

HERE = Path(__file__).parent
torch.manual_seed(0)
X = torch.randn(1, 8, 16)
SCORES = torch.randn(1, 4, 8, 8)
GAIN = torch.randn(16)
CAUSAL = torch.tril(torch.ones(8, 8)).bool()
LOWEST = torch.finfo(torch.float32).min
BIAS = torch.randn(4, 8, 8)
ATTENTION = nn.MultiheadAttention(16, 4, batch_first=True)


def mean(x, axis=-1):
    return x.mean(axis, keepdim=True)


def added(value):
    return torch.zeros(8, 8).masked_fill(~CAUSAL, value)


def hand_softmax(x):
    e = torch.exp(x - x.max(-1, keepdim=True)[0])
    return e / e.sum(-1, keepdim=True)


def used_twice(x):
    t = torch.tanh(x)
    return t * 2 + torch.exp(t) * GAIN


CASES = {
    "rms_rsqrt": lambda x: GAIN * (x * torch.rsqrt(mean(x.pow(2)) + 1e-5)),
    "rms_divide": lambda x: x / torch.sqrt(mean(x * x) + 1e-5) * GAIN,
    "rms_of_norm": lambda x: x / (x.norm(dim=-1, keepdim=True) * 16**-0.5) * GAIN,
    "rms_power": lambda x: (x * GAIN) * torch.pow(x.pow(2).sum(-1, keepdim=True) / 16 + 1e-6, -0.5),
    "rms_squeezed": lambda x: x * (1 / torch.sqrt(x.square().mean(-1) + 1e-6)).unsqueeze(-1),
    "rms_axis_1": lambda x: x * torch.rsqrt(mean(x.pow(2), 1) + 1e-5),
    "ln_var": lambda x: (x - mean(x)) / torch.sqrt(x.var(-1, keepdim=True, unbiased=False) + 1e-5) * GAIN,
    "ln_unbiased": lambda x: (x - mean(x)) / (x.var(-1, keepdim=True) + 1e-5).sqrt(),
    "ln_two_axes": lambda x: F.layer_norm(x, (8, 16)),
    "l2": lambda x: F.normalize(x, dim=-1),
    "gelu": F.gelu,
    "gelu_new": lambda x: 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0)))),
    "gelu_between": lambda x: 2 * F.gelu(0.5 * x + 1),
    "gelu_quick": lambda x: x * torch.sigmoid(1.702 * x),
    "softcap": lambda x: torch.tanh(x / 30) * 30,
    "used_twice": used_twice,
    "softmax_by_hand": hand_softmax,
    "einsum_three_axes": lambda x: torch.einsum("bij,jkl->bkil", x, torch.arange(320.0).reshape(16, 4, 5) / 99),
    "every_second": lambda x: x[..., ::2] - x[..., 1::2],
    "repeated": lambda x: x.repeat_interleave(2, 1).repeat(1, 1, 2),
    "picked": lambda x: x[:, [3, 1, 2]],
    "argmax_axis_1": lambda x: x.argmax(1),
    "attention": lambda x: ATTENTION(x, x, x, attn_mask=added(float("-inf")), need_weights=False)[0],
    "mask_filled": lambda s: torch.softmax(s.masked_fill(~CAUSAL, float("-inf")), -1),
    "mask_added": lambda s: torch.softmax(s * 0.3 + added(LOWEST), -1),
    "mask_and_bias": lambda s: torch.softmax(s + BIAS + added(-1e9), -1),
    "mask_boolean": lambda s: F.scaled_dot_product_attention(s, s, s, attn_mask=CAUSAL),
    "mask_causal": lambda s: F.scaled_dot_product_attention(s, s, s, is_causal=True),
    "where": lambda s: torch.where(CAUSAL, s, torch.tensor(3.0)) * 2,
}


class Wrapped(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function
        self.attention = ATTENTION

    def forward(self, x):
        return self.function(x)


def strip(path):
    """Drops what only debuggers read: stack traces, documentation, intermediate shapes."""
    model = onnx.load(path)
    for part in [model, *model.graph.node, *model.graph.input, *model.graph.output]:
        del part.metadata_props[:]
        part.doc_string = ""
    del model.graph.value_info[:]
    onnx.save(model, path)


def digits(tensor, count):
    return [float(f"{value:.{count}g}") for value in tensor.flatten().tolist()]


def main():
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    references = {"inputs": {"x": digits(X, 9), "scores": digits(SCORES, 9)}}
    for name, function in CASES.items():
        kind = "scores" if name.startswith(("mask", "where")) else "x"
        x = SCORES if kind == "scores" else X
        model = Wrapped(function).eval()
        with torch.no_grad():
            y = model(x)
            names = {"input_names": ["x"], "output_names": ["y"]}
            for opset, dynamo in ((17, False), (20, True)):
                path = HERE / f"{name}.{opset}.onnx"
                extra = {"external_data": False, "verbose": False} if dynamo else {}
                torch.onnx.export(model, (x,), path, opset_version=opset, dynamo=dynamo, **names, **extra)
                strip(path)
        references[name] = {"input": kind, "y": digits(y, 7)}
    (HERE / "reference.json").write_text(json.dumps(references))


main()
