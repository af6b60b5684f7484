"""Trains the built-in model from seeds, in the paper's two stages. One command, resumable:

    python models/drawn-scenes/training/train.py --work work

draws the scenes (with Node, as `render-scenes.ts`), then trains encoder, language model, stage 1 and stage 2; at last the
language model hears other words, and stage 2 goes on with it. Each part keeps `<part>.pt` in the work folder and goes on
from there when started again; what is finished is not done again. `--only` runs one part, so that two can run side by side
on two cores.
"""

import argparse
import json
import subprocess
from functools import cache, cached_property, partial
from pathlib import Path

import torch
from transformers import Blip2ForConditionalGeneration, OPTForCausalLM

from data import Scenes, descriptions, told_as
from hub_layout import save_generator, save_retriever
from language import ROUNDS, pretrain_language
from models import IMAGE_SIZE, LabelledEncoder, StageOne
from stage_one import train_stage_one
from stage_two import train_stage_two
from text import Speech, language_tokenizer, retrieval_tokenizer
from vision import encode_all, pretrain_vision
from watch import Watch

PARTS = (
    "scenes", "vision", "features", "language", "comparing", "stage1", "stage2", "without-stage1", "rewording",
    "stage2-reworded",
)
# What each round of the language model adds to the conversations of the rounds before.
SORTS = ("conversations", "comparisons", "reworded")
HERE = Path(__file__).resolve().parent.parent
STEPS = {
    "vision": 2400, "language": 3600, "comparing": 2400, "stage1": 1900, "stage2": 1900, "rewording": 1400,
    "stage2-reworded": 500,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS)
    parser.add_argument("--scenes", type=int, default=96_000)
    parser.add_argument("--held-out", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=json.loads, default={}, help=f"others than {json.dumps(STEPS)}")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    Training(args.work, args.scenes, args.held_out, STEPS | args.steps).run(args.only)


class Training:
    def __init__(self, work: Path, count: int, held: int, steps: dict[str, int]):
        self.work, self.steps = work, steps
        self.counts = {"scenes": count, "held-out": held}
        self.drawn = [work / "scenes"]
        self.held = work / "held-out"

    def run(self, parts: tuple[str, ...]) -> None:
        for part in parts:
            {
                "scenes": self.draw, "vision": self.vision, "features": self.features, "stage1": self.stage_one,
                "stage2": self.stage_two, "without-stage1": self.without_stage_one,
                "stage2-reworded": self.stage_two_reworded, **{name: partial(self.language, name) for name in ROUNDS},
            }[part]()

    def draw(self) -> None:
        for folder, first, wording in ((self.drawn[0], 0, "varied"), (self.held, 1_100_000, "unseen")):
            if not (folder / "scenes.jsonl").exists():
                script = "models/drawn-scenes/training/render-scenes.ts"
                count = self.counts[folder.name]
                flags = {"--from": first, "--count": count, "--wording": wording, "--out": folder}
                words = [str(word) for flag in flags.items() for word in flag]
                subprocess.run(["npx", "tsx", script, *words], check=True)

    @cache
    def vision(self) -> LabelledEncoder:
        return pretrain_vision(self.scenes, self.held_out, self.work, self.steps["vision"])

    @cache
    def features(self) -> torch.Tensor:
        path = self.work / "features.pt"
        return encode_all(self.vision(), self.scenes, path)

    @cached_property
    def lines(self) -> list[dict]:
        return descriptions(self.drawn)

    @cached_property
    def scenes(self) -> Scenes:
        return Scenes(self.drawn, IMAGE_SIZE, self.lines)

    @cached_property
    def held_out(self) -> Scenes:
        return Scenes([self.held], IMAGE_SIZE)

    @cached_property
    def speech(self) -> Speech:
        return Speech(language_tokenizer(self.lines, self.work / "tokenizer.json"))

    def told_in(self, name: str) -> list[dict]:
        """The scenes in all conversations that a round of the language model has."""
        return told_as(self.lines, *SORTS[: ROUNDS.index(name) + 1])

    def language(self, name: str) -> OPTForCausalLM:
        """The language model after a round, which goes on from the round before."""
        index = ROUNDS.index(name)
        begun = self.language(ROUNDS[index - 1]) if index > 0 else None
        watch = Watch(self.held_out.lines, self.speech)
        return pretrain_language(
            name, self.told_in(name), self.speech, self.work, self.steps[name], watch.told, begun
        )

    @cache
    def stage_one(self) -> StageOne:
        lines = self.lines
        tokenizer = retrieval_tokenizer(lines, self.work / "retrieval-tokenizer.json")
        return train_stage_one(lines, self.features(), tokenizer, self.work, self.steps["stage1"])

    @cache
    def after_stage_two(self) -> Blip2ForConditionalGeneration:
        return self.generative("stage2", "comparing", self.stage_one())

    def stage_two(self) -> None:
        self.note_the_end("stage2", self.after_stage_two())

    def without_stage_one(self) -> None:
        self.note_the_end("without-stage1", self.generative("without-stage1", "comparing", None))

    def stage_two_reworded(self) -> None:
        """Few steps more with the language model that has heard other words; then everything is saved."""
        model = self.generative("stage2-reworded", "rewording", self.after_stage_two())
        self.note_the_end("stage2-reworded", model)
        save_generator(model, self.speech.tokenizer, HERE / "checkpoint")
        tokenizer = retrieval_tokenizer(self.lines, self.work / "retrieval-tokenizer.json")
        save_retriever(self.stage_one(), self.vision(), tokenizer, HERE / "retrieval-checkpoint")

    def generative(
        self, name: str, language: str, begun: StageOne | Blip2ForConditionalGeneration | None
    ) -> Blip2ForConditionalGeneration:
        """A stage 2 with the language model of a round, in the conversations of that round."""
        steps = self.steps.get(name, self.steps["stage2"])  # an ablation has as many
        watch = Watch(self.held_out.lines, self.speech)
        return train_stage_two(
            name, self.told_in(language), self.features(), self.vision(), self.language(language), begun, self.speech,
            self.work, steps, lambda model: watch.seen(model, self.held_out_features()),
        )

    @cache
    def held_out_features(self) -> torch.Tensor:
        return encode_all(self.vision(), self.held_out, self.work / "held-out-features.pt")

    def note_the_end(self, name: str, model: Blip2ForConditionalGeneration) -> None:
        """How the finished model does on all held-out scenes."""
        count = len(self.held_out)
        watch = Watch(self.held_out.lines, self.speech, count)
        numbers = {"scenes": count, **watch.seen(model, self.held_out_features())}
        (self.work / f"{name}-final.json").write_text(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    main()
