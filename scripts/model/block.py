"""The transformer block of fixtures and benchmarks."""

import math

import torch
import torch.nn.functional as F
from torch import nn

# Added to the scores of what lies ahead: far below every score, and still an ordinary number in every reader of ONNX.
MASKED = -1e4


class Block(nn.Module):
    """A pre-norm transformer block: LayerNorm, attention, GELU ("none": erf, "tanh": GPT-2's).

    With `causal`, a number of tokens, no token sees those after it; without it all see all.
    """

    def __init__(self, width: int, heads: int = 4, causal: int | None = None, gelu: str = "none"):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.heads, self.gelu = heads, gelu
        future = None if causal is None else torch.full((causal, causal), MASKED).triu(1)
        self.register_buffer("future", future)

    def attention(self, x):
        batch, length, width = x.shape
        size = width // self.heads
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, size).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-1, -2) / math.sqrt(size)
        if self.future is not None:
            scores = scores + self.future
        return self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate=self.gelu))


def liven(model: nn.Module) -> nn.Module:
    """Matrices at 1/sqrt(fan-in) and gains and biases off their defaults, so that
    every weight matters; libraries start far smaller, which hides import errors."""
    for parameter in model.parameters():
        with torch.no_grad():
            if parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
            else:
                # Conv1D (GPT-2) is [in, out]; the larger side is close enough for a fixture.
                parameter.normal_(0, max(parameter.shape) ** -0.5)
    return model.float().eval()
