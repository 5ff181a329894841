"""What metrics.json says about the float model: bits per byte, right answers, value ranges."""

import math
from collections import Counter

import torch
import torch.nn.functional as F

import corpus
from tinygemma import LENGTH, complete


def windows(text: bytes, count: int | None = None) -> torch.Tensor:
    """Disjoint windows in order, or `count` of them spread evenly over the text."""
    whole = len(text) // LENGTH
    starts = range(whole) if count is None else [i * whole // count for i in range(count)]
    return torch.tensor([list(text[s * LENGTH:(s + 1) * LENGTH]) for s in starts])


@torch.no_grad()
def bits_per_byte(model, tokens: torch.Tensor) -> float:
    """Mean over bytes 2 to 32 of each window; the first has nothing before it."""
    total = 0.0
    for part in tokens.split(512):
        logits = model(input_ids=part, use_cache=False).logits[:, :-1]
        total += F.cross_entropy(logits.flatten(0, 1), part[:, 1:].flatten(), reduction="sum").item()
    return total / math.log(2) / tokens[:, 1:].numel()


def baselines(train: bytes, tokens: torch.Tensor) -> dict:
    """Byte frequencies and byte-pair frequencies of the training prose, add-one smoothed."""
    single, pair = Counter(train), Counter(zip(train, train[1:]))
    unigram = bigram = 0.0
    for window in tokens.tolist():
        for before, byte in zip(window, window[1:]):
            unigram -= math.log2((single[byte] + 1) / (len(train) + 256))
            bigram -= math.log2((pair[before, byte] + 1) / (single[before] + 256))
    count = tokens[:, 1:].numel()
    return {"uniform": 8.0, "unigram": round(unigram / count, 4), "bigram": round(bigram / count, 4)}


def right(model, pairs: list) -> dict:
    answers = complete(model, [corpus.line(q) for q, _ in pairs])
    good = sum(a == f"{w}\n".encode() for a, (_, w) in zip(answers, pairs))
    return {"right": good, "of": len(pairs), "share": round(good / len(pairs), 4)}


@torch.no_grad()
def largest_values(model, tokens: torch.Tensor) -> dict:
    """Largest absolute output of every module, by its name; a decoder layer's own output is
    the residual stream. Fixed-point scales follow these, so outliers would cost precision."""
    largest = {}

    def watch(name):
        def hook(_, __, output):
            output = output[0] if isinstance(output, tuple) else output
            if torch.is_tensor(output):
                largest[name] = max(largest.get(name, 0.0), output.abs().max().item())
        return hook

    hooks = [m.register_forward_hook(watch(n)) for n, m in model.model.named_modules() if n]
    logits = model(input_ids=tokens, use_cache=False).logits
    for hook in hooks:
        hook.remove()
    return {n: round(v, 3) for n, v in largest.items()} | {"logits": round(logits.abs().max().item(), 3)}
