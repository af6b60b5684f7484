"""How a model in training does on held-out scenes, in a few numbers: greedy captions and answers, judged strictly. The
figures in the card come from `npm run evaluate`, which runs the converted model; these draw the curves."""

import re
from collections.abc import Iterator

import numpy as np
import torch
from transformers import Blip2ForConditionalGeneration, OPTForCausalLM

from language import told
from models import BOS, PAD
from optimise import fast_arithmetic
from stage_two import queries
from text import Speech, asked

COUNTED = {"two": 2, "three": 3, "four": 4, "five": 5}
SCENES, TURNS = 100, 5
LONGEST = 40


class Watch:
    def __init__(self, lines: list[dict], speech: Speech, scenes: int = SCENES):
        self.lines, self.speech = lines[:scenes], speech
        self.kinds = sorted({o["kind"] for line in lines for o in line["objects"]})

    def seen(self, model: Blip2ForConditionalGeneration, features: torch.Tensor) -> dict:
        """With the pictures before it."""
        with fast_arithmetic():
            prefix = queries(model, features[: len(self.lines)].float())
        return self.numbers(model.language_model, prefix.float())

    def told(self, model: OPTForCausalLM) -> dict:
        """With notes in words before it: what the language model could say if it saw perfectly."""
        return self.numbers(model, told(model, self.speech, self.lines, np.random.default_rng(0), "filled")[0])

    def numbers(self, model: OPTForCausalLM, prefix: torch.Tensor) -> dict:
        captions = self.answers(model, prefix, ["" for _ in self.lines])
        exact = np.mean([self.named(c) == drawn(line) for c, line in zip(captions, self.lines)])
        asked_of_all = list(self.turns(model, prefix, [line["conversations"][0] for line in self.lines]))
        comparing, reworded = (
            self.turns(model, prefix, [next(iter(line[sort]), []) for line in self.lines])
            for sort in ("comparisons", "reworded")
        )
        parts = {
            "captions": exact,
            "questions": np.mean([right for turn, right in asked_of_all if not turn["followUp"]]),
            "follow-ups": np.mean([right for turn, right in asked_of_all if turn["followUp"]]),
            "comparisons": np.mean([right for _, right in comparing]),
            "reworded": np.mean([right for _, right in reworded]),
        }
        return {name: round(float(share), 3) for name, share in parts.items()}

    def turns(self, model: OPTForCausalLM, prefix: torch.Tensor, told: list[list[dict]]) -> Iterator[tuple[dict, bool]]:
        """The first turns of a conversation about each picture, and whether they are answered as they should be."""
        for i in range(TURNS):
            rows = [n for n, turns in enumerate(told) if len(turns) > i]
            given = self.answers(model, prefix[rows], [self.prompt(told[n][: i + 1]) for n in rows])
            for n, answer in zip(rows, given):
                yield told[n][i], answer == told[n][i]["answer"]

    def prompt(self, turns: list[dict]) -> str:
        earlier = [f"{asked(turn)} {turn['answer']}." for turn in turns[:-1]]
        return " ".join([*earlier, asked(turns[-1])])

    @torch.no_grad()
    def answers(self, model: OPTForCausalLM, prefix: torch.Tensor, prompts: list[str]) -> list[str]:
        """Greedy answers, prompts of equal length together."""
        encode = self.speech.tokenizer.encode
        ids = [[BOS, *encode(p, add_special_tokens=False).ids] for p in prompts]
        out = [""] * len(ids)
        for length in {len(row) for row in ids}:
            rows = [i for i, row in enumerate(ids) if len(row) == length]
            text = model.get_input_embeddings()(torch.tensor([ids[i] for i in rows]))
            given = model.generate(
                inputs_embeds=torch.cat([prefix[rows].float(), text], 1), max_new_tokens=LONGEST, do_sample=False,
                attention_mask=torch.ones(len(rows), prefix.shape[1] + length, dtype=torch.long),
                eos_token_id=self.speech.newline, pad_token_id=PAD,
            )
            for i, answer in zip(rows, given.tolist()):
                kept = answer[: answer.index(self.speech.newline)] if self.speech.newline in answer else answer
                out[i] = self.speech.tokenizer.decode(kept).strip()
        return out

    def named(self, caption: str) -> dict[str, int]:
        """How often each kind is named: "two red stars and a cat"."""
        counts: dict[str, int] = {}
        words = re.findall(r"[a-z]+", caption)
        number = 1
        for word in words:
            kind = next((k for k in self.kinds if word in (k, plural(k))), None)
            if word in COUNTED:
                number = COUNTED[word]
            elif kind is not None:
                counts[kind] = counts.get(kind, 0) + number
                number = 1
        return counts


def plural(kind: str) -> str:
    if kind == "fish":
        return kind
    if kind.endswith(("s", "x", "z", "ch", "sh")):
        return f"{kind}es"
    return f"{kind[:-1]}ies" if re.search("[^aeiou]y$", kind) else f"{kind}s"


def drawn(line: dict) -> dict[str, int]:
    counts: dict[str, int] = {}
    for o in line["objects"]:
        counts[o["kind"]] = counts.get(o["kind"], 0) + 1
    return counts
