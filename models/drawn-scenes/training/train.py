"""Trains the built-in model from seeds, in the paper's two stages. One command, resumable:

    python models/drawn-scenes/training/train.py --work work

draws the scenes (with Node, as `render-scenes.ts`), then trains encoder, language model, stage 1 and stage 2. Each part
keeps `<part>.pt` in the work folder and goes on from there when started again; what is finished is not done again.
`--only` runs one part, so that two can run side by side on two cores.
"""

import argparse
import json
import subprocess
from pathlib import Path

import torch
from transformers import OPTForCausalLM

from data import Scenes, descriptions, with_comparisons
from hub_layout import save_generator, save_retriever
from language import pretrain_language
from models import IMAGE_SIZE, LabelledEncoder, StageOne
from stage_one import train_stage_one
from stage_two import train_stage_two
from text import Speech, language_tokenizer, retrieval_tokenizer
from vision import encode_all, pretrain_vision
from watch import Watch

PARTS = ("scenes", "vision", "features", "language", "comparing", "stage1", "stage2", "without-stage1")
HERE = Path(__file__).resolve().parent.parent
STEPS = {"vision": 2400, "language": 3600, "comparing": 2400, "stage1": 1900, "stage2": 1900}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS)
    parser.add_argument("--scenes", type=int, default=96_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=json.loads, default={}, help=f"others than {json.dumps(STEPS)}")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    Training(args.work, args.scenes, STEPS | args.steps).run(args.only)


class Training:
    def __init__(self, work: Path, count: int, steps: dict[str, int]):
        self.work, self.count, self.steps = work, count, steps
        self.drawn = [work / "scenes"]
        self.held = work / "held-out"

    def run(self, parts: tuple[str, ...]) -> None:
        for part in parts:
            {
                "scenes": self.draw, "vision": self.vision, "features": self.features, "language": self.language,
                "comparing": self.comparing, "stage1": self.stage_one, "stage2": self.stage_two,
                "without-stage1": self.without_stage_one,
            }[part]()

    def draw(self) -> None:
        for folder, first, count in ((self.drawn[0], 0, self.count), (self.held, 1_100_000, 1000)):
            done = folder / "scenes.jsonl"
            if not done.exists():
                script = "models/drawn-scenes/training/render-scenes.ts"
                command = ["npx", "tsx", script, "--from", str(first), "--count", str(count), "--out", str(folder)]
                subprocess.run(command, check=True)

    def vision(self) -> LabelledEncoder:
        scenes, held = Scenes(self.drawn, IMAGE_SIZE), Scenes([self.held], IMAGE_SIZE)
        return pretrain_vision(scenes, held, self.work, self.steps["vision"])

    def features(self) -> torch.Tensor:
        path = self.work / "features.pt"
        return encode_all(self.vision(), Scenes(self.drawn, IMAGE_SIZE), path)

    def lines(self) -> list[dict]:
        return descriptions(self.drawn)

    def speech(self, lines: list[dict]) -> Speech:
        return Speech(language_tokenizer(lines, self.work / "tokenizer.json"))

    def language(self) -> OPTForCausalLM:
        return self.read("language", self.lines())

    def comparing(self) -> OPTForCausalLM:
        return self.read("comparing", with_comparisons(self.lines()), self.language())

    def read(self, name: str, lines: list[dict], begun: OPTForCausalLM | None = None) -> OPTForCausalLM:
        speech = self.speech(lines)
        watch = Watch(descriptions([self.held]), speech)
        return pretrain_language(name, lines, speech, self.work, self.steps[name], watch.told, begun)

    def stage_one(self) -> StageOne:
        lines = self.lines()
        tokenizer = retrieval_tokenizer(lines, self.work / "retrieval-tokenizer.json")
        return train_stage_one(lines, self.features(), tokenizer, self.work, self.steps["stage1"])

    def stage_two(self) -> None:
        model, speech = self.generative("stage2", self.stage_one())
        save_generator(model, speech.tokenizer, HERE / "checkpoint")
        tokenizer = retrieval_tokenizer(self.lines(), self.work / "retrieval-tokenizer.json")
        save_retriever(self.stage_one(), self.vision(), tokenizer, HERE / "retrieval-checkpoint")

    def without_stage_one(self) -> None:
        self.generative("without-stage1", None)

    def generative(self, name: str, stage_one: StageOne | None):
        lines = with_comparisons(self.lines())
        speech = self.speech(lines)
        vision, language = self.vision(), self.comparing()
        held = Scenes([self.held], IMAGE_SIZE)
        held_features = encode_all(vision, held, self.work / "held-out-features.pt")
        watch, in_the_end = Watch(held.lines, speech), Watch(held.lines, speech, len(held))
        model = train_stage_two(
            name, lines, self.features(), vision, language, stage_one, speech, self.work, self.steps["stage2"],
            lambda model: watch.seen(model, held_features),
        )
        numbers = {"scenes": len(held), **in_the_end.seen(model, held_features)}
        (self.work / f"{name}-final.json").write_text(json.dumps(numbers, indent=2) + "\n")
        return model, speech


if __name__ == "__main__":
    main()
