"""Rendered scenes as training data: pixels, labels and text. See render-scenes.ts for the files."""

import gc
import json
from pathlib import Path

import numpy as np
import torch

PICTURE = 224  # coordinates in scenes.jsonl are those of the 224 x 224 picture
SETTINGS = (
    "in a field", "on a beach", "on a striped background", "on a checked background", "on a dotted background",
    "on a plain background",
)
NO_DEPTH, INSIDE, HOLDS, BEHIND, BEFORE = range(5)

MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1)
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)


class Scenes:
    """`pixels` uint8 [N, size, size, 3] (memory-mapped) and one description per scene."""

    def __init__(self, folders: list[Path], size: int, lines: list[dict] | None = None):
        self.size = size
        self.pixels = [np.memmap(f / "pixels.bin", dtype=np.uint8, mode="r").reshape(-1, size, size, 3) for f in folders]
        self.lines = descriptions(folders) if lines is None else lines
        self.starts = np.cumsum([0] + [len(p) for p in self.pixels])
        assert len(self.lines) == self.starts[-1]

    def __len__(self) -> int:
        return len(self.lines)

    def rows(self, indices: torch.Tensor) -> torch.Tensor:
        """uint8 [B, 3, size, size]."""
        rows = []
        for i in indices.tolist():
            part = int(np.searchsorted(self.starts, i, side="right")) - 1
            rows.append(self.pixels[part][i - self.starts[part]])
        return torch.from_numpy(np.stack(rows)).permute(0, 3, 1, 2)

    def images(self, indices: torch.Tensor) -> torch.Tensor:
        """Normalised pixels [B, 3, size, size] as the hub's processor gives them."""
        return (self.rows(indices).float() / 255 - MEAN) / STD


def descriptions(folders: list[Path]) -> list[dict]:
    """A description per scene. They stay for good, and looking through tens of millions of objects for garbage takes longer
    than reading them."""
    gc.disable()
    lines = [json.loads(line) for f in folders for line in (f / "scenes.jsonl").open()]
    gc.freeze()
    gc.enable()
    return lines


def told_as(lines: list[dict], *sorts: str) -> list[dict]:
    """The same scenes, talked about in conversations of all these `sorts`: "conversations" of every kind, "comparisons"
    that mostly compare, "reworded" ones of both in other words."""
    return [{**line, "conversations": [told for sort in sorts for told in line[sort]]} for line in lines]


class Labels:
    """What each patch shows: kind (0 = background), colour (0 = none), place (centre and size, as shares of the
    picture) and depth (is it inside or behind something, or is something inside or behind it) of the object that is
    seen there, and the setting of each picture."""

    def __init__(self, lines: list[dict], kinds: list[str], colours: list[str], grid: int):
        kind_of = {k: i + 1 for i, k in enumerate(kinds)}
        colour_of = {c: i + 1 for i, c in enumerate(colours)}
        self.kinds = np.zeros((len(lines), grid, grid), dtype=np.uint8)
        self.colours, self.depths = np.zeros_like(self.kinds), np.zeros_like(self.kinds)
        self.places = np.zeros((len(lines), grid, grid, 3), dtype=np.float16)
        self.settings = np.array([SETTINGS.index(line["setting"]) for line in lines], dtype=np.uint8)
        centres = (np.arange(grid) + 0.5) * PICTURE / grid
        for n, line in enumerate(lines):
            objects = line["objects"]
            for i in painted(objects):
                o = objects[i]
                near = [np.abs(centres - o[axis]) < max(0.38 * o["size"], PICTURE / grid / 2) for axis in ("y", "x")]
                where = np.ix_(*near)
                self.kinds[n][where] = kind_of[o["kind"]]
                self.colours[n][where] = colour_of.get(o["colour"], 0)
                self.places[n][where] = (o["x"] / PICTURE, o["y"] / PICTURE, o["size"] / PICTURE)
                self.depths[n][where] = depth(objects, i)


def painted(objects: list[dict]) -> list[int]:
    """Indices in the order in which they are drawn, last in front."""
    rank = lambda o: 0 if o["behind"] is not None else 2 if o["inside"] is not None else 1
    return sorted(range(len(objects)), key=lambda i: rank(objects[i]))


def depth(objects: list[dict], i: int) -> int:
    if objects[i]["inside"] is not None:
        return INSIDE
    if objects[i]["behind"] is not None:
        return BEHIND
    if any(o["inside"] == i for o in objects):
        return HOLDS
    return BEFORE if any(o["behind"] == i for o in objects) else NO_DEPTH


def vocabulary(lines: list[dict]) -> tuple[list[str], list[str]]:
    kinds = sorted({o["kind"] for line in lines for o in line["objects"]})
    colours = sorted({o["colour"] for line in lines for o in line["objects"] if o["colour"]})
    return kinds, colours
