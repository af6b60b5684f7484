"""Which parts of T5 leave float16's range where its stream has outliers, and what float16 elsewhere costs.

    python t5_ranges.py [--peak 2.7e5]

Made-up encoder layers of Flan-T5-xl's proportions. As in trained T5, a few channels of the stream are far larger than the
rest: feed-forward layers write them (`--peak` is the largest value that one writes; 2.7e5 was seen in published models),
and norm gains keep them small again in what layers read. Weights have 4 bits in blocks of 32. The same layers run in
float64, in float32, and with the tensors of one group after another rounded to float16.
"""

import argparse

import torch

WIDTH, HEADS, SIZE, INNER, LAYERS, TOKENS = 1024, 16, 64, 2560, 6, 64
OUTLIERS = [7, 516]
HALF = 65504.0

GROUPS = {
    "read": "what layers read: normed stream, queries, keys, values",
    "scores": "attention scores and weights",
    "attended": "what attention writes",
    "gated": "the gated product before wo",
    "wo": "what wo writes",
    "stream": "the stream itself",
}


def four_bits(matrix: torch.Tensor) -> torch.Tensor:
    blocks = matrix.reshape(matrix.shape[0], -1, 32)
    largest = blocks.gather(-1, blocks.abs().argmax(-1, keepdim=True))
    scale = largest / -8
    return ((blocks / scale).round().clamp(-8, 7) * scale).reshape(matrix.shape)


def make_layer(generator: torch.Generator) -> dict[str, torch.Tensor]:
    def normal(rows: int, columns: int, gain: float = 1.0) -> torch.Tensor:
        values = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
        return four_bits(values * gain / columns**0.5)

    gain = torch.ones(WIDTH, dtype=torch.float64)
    gain[OUTLIERS] = 0.02
    return {
        "q": normal(WIDTH, WIDTH, 0.125), "k": normal(WIDTH, WIDTH), "v": normal(WIDTH, WIDTH), "o": normal(WIDTH, WIDTH),
        "open": normal(INNER, WIDTH, 2.0), "linear": normal(INNER, WIDTH, 2.0), "wo": normal(WIDTH, INNER),
        "gain1": gain, "gain2": gain.clone(),
    }


class Run:
    """One pass. `half`: groups of tensors that are rounded to float16; the largest value of each group is kept."""

    def __init__(self, dtype: torch.dtype, half: set[str]):
        self.dtype, self.half, self.largest = dtype, half, {}

    def keep(self, group: str, x: torch.Tensor) -> torch.Tensor:
        self.largest[group] = max(self.largest.get(group, 0.0), x.abs().max().item())
        return x.half().to(self.dtype) if group in self.half else x

    def norm(self, x: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
        return self.keep("read", x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt() * gain)

    def layer(self, x: torch.Tensor, w: dict[str, torch.Tensor]) -> torch.Tensor:
        normed = self.norm(x, w["gain1"])
        q, k, v = (self.keep("read", normed @ w[name].T).unflatten(-1, (HEADS, SIZE)).transpose(0, 1) for name in "qkv")
        scores = self.keep("scores", self.keep("scores", q @ k.transpose(1, 2)).softmax(-1))
        attended = self.keep("read", (scores @ v).transpose(0, 1).flatten(1))
        x = self.keep("stream", x + self.keep("attended", attended @ w["o"].T))
        normed = self.norm(x, w["gain2"])
        opened = self.keep("gated", torch.nn.functional.gelu(normed @ w["open"].T))
        gated = self.keep("gated", opened * self.keep("gated", normed @ w["linear"].T))
        return self.keep("stream", x + self.keep("wo", gated @ w["wo"].T))

    @torch.no_grad()
    def __call__(self, x: torch.Tensor, layers: list[dict[str, torch.Tensor]]) -> torch.Tensor:
        x = x.to(self.dtype)
        for layer in layers:
            x = self.layer(x, {name: tensor.to(self.dtype) for name, tensor in layer.items()})
        final = torch.ones(WIDTH, dtype=self.dtype)
        final[OUTLIERS] = 0.02
        return self.norm(x, final)


def with_peak(x: torch.Tensor, layers: list[dict[str, torch.Tensor]], peak: float) -> None:
    """The second layer writes the outliers; what it writes into them is scaled to `peak`."""
    stream = Run(torch.float64, set()).layer(x, layers[0])
    written = Run(torch.float64, set()).layer(stream, layers[1]) - stream
    layers[1]["wo"][OUTLIERS] *= (peak / written[:, OUTLIERS].abs().amax(0))[:, None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peak", type=float, default=2.7e5)
    peak = parser.parse_args().peak
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(1)
    layers = [make_layer(generator) for _ in range(LAYERS)]
    x = torch.randn(TOKENS, WIDTH, generator=generator, dtype=torch.float64)
    with_peak(x, layers, peak)
    exact = Run(torch.float64, set())
    expected = exact(x, layers)

    def error(half: set[str]) -> str:
        result = Run(torch.float32, half)(x, layers).double()
        if not result.isfinite().all():
            return "no numbers"
        return f"{((result - expected).norm() / expected.norm()).item():.1e}"

    print(f"float32 everywhere: {error(set())}")
    for group, words in GROUPS.items():
        over = " (beyond float16)" if exact.largest[group] > HALF else ""
        print(f"{words}: largest {exact.largest[group]:.3g}{over}; in float16 alone: {error({group})}")
    print(f"everything in float16: {error(set(GROUPS))}")
    print(f"all but stream and wo: {error(set(GROUPS) - {'stream', 'wo'})}")
    print(f"all but stream, wo and the gated product: {error(set(GROUPS) - {'stream', 'wo', 'gated'})}")


if __name__ == "__main__":
    main()
