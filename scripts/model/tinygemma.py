"""TinyGemma: the published Gemma-3 architecture, small enough to prove on a laptop.

The shape, the byte tokenizer and greedy decoding live here; data is in corpus.py.
"""

import torch
from transformers import Gemma3ForCausalLM, Gemma3TextConfig

LENGTH = 32  # static sequence length of the export, in bytes
PAD = 0  # fills the window after the text; causal attention never looks at it
END = ord("\n")  # an answer ends here


def build(seed: int = 0) -> Gemma3ForCausalLM:
    """A freshly initialised model; the same seed gives the same weights."""
    torch.manual_seed(seed)
    config = Gemma3TextConfig(
        vocab_size=256,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=16,
        query_pre_attn_scalar=16,
        sliding_window=16,
        layer_types=["sliding_attention"] * 3 + ["full_attention"],
        max_position_embeddings=LENGTH,
        # 1/sqrt(hidden): the scaled embedding then starts at unit size
        initializer_range=0.125,
        pad_token_id=PAD,
        bos_token_id=None,
        eos_token_id=END,
        # sdpa exports masks that ONNX importers get wrong (shared onnx-notes, section 2)
        attn_implementation="eager",
        use_cache=False,
    )
    return Gemma3ForCausalLM(config).float()


class Logits(torch.nn.Module):
    """The exported signature: `tokens` in, `logits` out, nothing else."""

    def __init__(self, model: torch.nn.Module):
        super().__init__()
        self.model = model

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.model(input_ids=tokens, use_cache=False).logits


def encode(text: bytes) -> list[int]:
    """Bytes, zero-padded to the window."""
    if len(text) > LENGTH or 0 in text:
        raise ValueError(f"not a text of at most {LENGTH} non-zero bytes: {text!r}")
    return list(text) + [PAD] * (LENGTH - len(text))


@torch.no_grad()
def complete(model: torch.nn.Module, prompts: list[bytes]) -> list[bytes]:
    """Greedy continuations: up to and with the first newline, or to the window's end.

    `argmax` returns the lowest id among equals, as the proof does.
    """
    tokens = torch.tensor([encode(p) for p in prompts])
    lengths = torch.tensor([len(p) for p in prompts])
    done = torch.zeros(len(prompts), dtype=torch.bool)
    for at in range(1, LENGTH):
        guess = model(input_ids=tokens, use_cache=False).logits[:, at - 1].argmax(-1)
        write = (lengths <= at) & ~done
        tokens[:, at] = torch.where(write, guess, tokens[:, at])
        done |= write & (guess == END)
    return [bytes(t).rstrip(b"\0")[n:] for t, n in zip(tokens.tolist(), lengths.tolist())]
