"""The image encoder, trained on its own from labels; frozen from then on."""

from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from data import Labels, Scenes, vocabulary
from models import GRID, LabelledEncoder
from optimise import fast_arithmetic, train

BATCH, PEAK = 128, 2e-3


def pretrain_vision(scenes: Scenes, held: Scenes, work: Path, steps: int) -> LabelledEncoder:
    kinds, colours = vocabulary(scenes.lines)
    model = LabelledEncoder(len(kinds), len(colours))

    @cache
    def labels() -> tuple[Labels, Labels]:
        """Of the training scenes and of those held out; they take minutes, and a trained encoder needs none."""
        return Labels(scenes.lines, kinds, colours, GRID), Labels(held.lines, kinds, colours, GRID)

    def loss(indices: torch.Tensor, report: dict, random: np.random.Generator) -> torch.Tensor:
        parts, numbers = losses(model(disturbed(scenes.images(indices))), labels()[0], indices.numpy())
        report.update(numbers)
        return sum(parts)

    def watch(step: int) -> dict:
        indices = torch.arange(len(held))
        rows: list[dict] = []
        for i in range(0, len(held), BATCH):
            part = indices[i : i + BATCH]
            rows.append(losses(model(held.images(part)), labels()[1], part.numpy())[1])
        return {key: round(float(np.mean([row[key] for row in rows])), 4) for key in rows[0]}

    train(
        "vision", model, loss, len(scenes), steps, BATCH, PEAK, work, seed=1, watch=watch,
        adam_only=("embeddings", "heads"),
    )
    return model.eval()


def disturbed(images: torch.Tensor) -> torch.Tensor:
    """Other light, other contrast and sensor noise at every look."""
    shape = (len(images), 1, 1, 1)
    light, contrast, noise = torch.randn(shape) * 0.1, 1 + torch.randn(shape) * 0.08, 0.1 * torch.rand(shape)
    return images * contrast + light + torch.randn_like(images) * noise


def losses(out: dict[str, torch.Tensor], labels: Labels, indices: np.ndarray) -> tuple[list[torch.Tensor], dict]:
    want = {
        name: torch.from_numpy(table[indices]).long().flatten()
        for name, table in (("kind", labels.kinds), ("colour", labels.colours), ("depth", labels.depths))
    }
    shown = want["kind"] > 0
    weight = torch.where(shown, 1.0, 0.25)
    weight = weight / weight.sum()
    got = {name: out[name].float().flatten(0, 1) for name in ("kind", "colour", "depth", "place")}
    parts = [
        factor * (F.cross_entropy(got[name], want[name], reduction="none") * weight).sum()
        for name, factor in (("kind", 1.0), ("colour", 0.5), ("depth", 0.3))
    ]
    places = torch.from_numpy(labels.places[indices].astype(np.float32)).flatten(0, 2)[shown]
    # A twentieth of the picture is a miss: below that the error counts squared.
    place = F.smooth_l1_loss(got["place"][shown], places, beta=0.05)
    setting = torch.from_numpy(labels.settings[indices]).long()
    parts += [10 * place, 0.1 * F.cross_entropy(out["setting"].float(), setting)]
    right = {name: (got[name].argmax(-1) == want[name])[shown].float().mean().item() for name in want}
    off = (got["place"][shown] - places).abs().mean(0)
    return parts, right | {"across": off[0].item(), "down": off[1].item(), "size": off[2].item()}


@torch.no_grad()
def encode_all(model: LabelledEncoder, scenes: Scenes, path: Path) -> torch.Tensor:
    """Features [N, patches + 1, width] (bf16) of the second-to-last block: the encoder is frozen, so once is enough."""
    if path.exists():
        return torch.load(path, weights_only=False, mmap=True)
    out = []
    for start in range(0, len(scenes), 256):
        with fast_arithmetic():
            hidden = model.features(scenes.images(torch.arange(start, min(start + 256, len(scenes)))))
        out.append(hidden.bfloat16())
    features = torch.cat(out)
    torch.save(features, path)
    return features
