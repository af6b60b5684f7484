"""Rendered scenes as training data: pixels, labels and text. See render-scenes.ts for the files."""

import json
from pathlib import Path

import numpy as np
import torch

IMAGE_SIZE = 112
PATCH_SIZE = 14
GRID = IMAGE_SIZE // PATCH_SIZE
PICTURE = 224  # coordinates in scenes.jsonl are those of the 224 x 224 picture

MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1)
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)


class Scenes:
    """`pixels` uint8 [N, 112, 112, 3] (memory-mapped) and one description per scene."""

    def __init__(self, folders: list[Path]):
        self.pixels = [np.memmap(f / "pixels.bin", dtype=np.uint8, mode="r").reshape(-1, IMAGE_SIZE, IMAGE_SIZE, 3) for f in folders]
        self.lines = [json.loads(line) for f in folders for line in (f / "scenes.jsonl").open()]
        self.starts = np.cumsum([0] + [len(p) for p in self.pixels])
        assert len(self.lines) == self.starts[-1]

    def __len__(self) -> int:
        return len(self.lines)

    def images(self, indices: torch.Tensor) -> torch.Tensor:
        """Normalised pixels [B, 3, 112, 112] as the hub's processor gives them."""
        rows = []
        for i in indices.tolist():
            part = int(np.searchsorted(self.starts, i, side="right")) - 1
            rows.append(self.pixels[part][i - self.starts[part]])
        pixels = torch.from_numpy(np.stack(rows)).permute(0, 3, 1, 2).float() / 255
        return (pixels - MEAN) / STD


class Labels:
    """What each patch shows: kind (0 = background), colour (0 = none) and place (centre and size, as shares of the
    picture) of the object whose middle covers it. A patch of background is its own place, of size zero."""

    def __init__(self, scenes: Scenes, kinds: list[str], colours: list[str]):
        self.kinds, self.colours = kinds, colours
        kind_of = {k: i + 1 for i, k in enumerate(kinds)}
        colour_of = {c: i + 1 for i, c in enumerate(colours)}
        self.patch_kinds = np.zeros((len(scenes), GRID, GRID), dtype=np.int64)
        self.patch_colours = np.zeros_like(self.patch_kinds)
        centres = (np.arange(GRID) + 0.5) * PICTURE / GRID
        own = np.stack([*np.meshgrid(centres, centres), np.zeros((GRID, GRID))], -1) / PICTURE
        self.patch_places = np.repeat(own[None].astype(np.float32), len(scenes), 0)
        for n, line in enumerate(scenes.lines):
            for o in line["objects"]:
                near_y = np.abs(centres - o["y"]) < max(0.38 * o["size"], PICTURE / GRID / 2)
                near_x = np.abs(centres - o["x"]) < max(0.38 * o["size"], PICTURE / GRID / 2)
                where = np.ix_(near_y, near_x)
                self.patch_kinds[n][where] = kind_of[o["kind"]]
                self.patch_colours[n][where] = colour_of.get(o["colour"], 0)
                self.patch_places[n][where] = (o["x"] / PICTURE, o["y"] / PICTURE, o["size"] / PICTURE)


def vocabulary(scenes: Scenes) -> tuple[list[str], list[str]]:
    kinds = sorted({o["kind"] for line in scenes.lines for o in line["objects"]})
    colours = sorted({o["colour"] for line in scenes.lines for o in line["objects"] if o["colour"]})
    return kinds, colours


def notes(line: dict, random: np.random.Generator) -> str:
    """A scene as a list of words in any order: text that stands where the image will stand later."""
    def one(o: dict) -> str:
        third = ["left", "middle", "right"][min(2, int(o["x"] * 3 / PICTURE))]
        height = ["top", "centre", "bottom"][min(2, int(o["y"] * 3 / PICTURE))]
        return " ".join(filter(None, [o["colour"], o["kind"], third, height]))
    parts = [one(o) for o in line["objects"]]
    random.shuffle(parts)
    return ", ".join(parts)


def caption_text(line: dict, random: np.random.Generator) -> tuple[str, str]:
    """(prompt, continuation); now and then with the prompt that captioning models are used to."""
    caption = line["captions"][random.integers(len(line["captions"]))]
    if random.random() < 0.2 and caption.startswith(("a ", "an ")):
        return "a photo of", f" {caption}\n"
    return "", f"{caption}\n"


def question_text(line: dict, random: np.random.Generator) -> tuple[str, str]:
    """(prompt, answer) in BLIP-2's form for OPT; sometimes with one earlier turn."""
    questions = line["questions"]
    first, second = (questions[i] for i in random.choice(len(questions), 2, replace=False))
    earlier = f"Question: {first['question']} Answer: {first['answer']}. " if random.random() < 0.3 else ""
    return f"{earlier}Question: {second['question']} Answer:", f" {second['answer']}\n"
