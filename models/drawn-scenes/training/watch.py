"""How a model in training does on held-out scenes, in a few numbers: greedy captions and answers, judged strictly. The
figures in the card come from `npm run evaluate`, which runs the converted model; these draw the curves."""

import re

import numpy as np
import torch
from transformers import Blip2ForConditionalGeneration

from language import TURNS
from models import BOS, PAD
from stage_two import queries
from text import Speech

COUNTED = {"two": 2, "three": 3, "four": 4, "five": 5}
SCENES = 200
LONGEST = 40


class Watch:
    def __init__(self, features: torch.Tensor, lines: list[dict], speech: Speech):
        self.features, self.lines, self.speech = features[:SCENES], lines[:SCENES], speech
        self.kinds = sorted({o["kind"] for line in lines for o in line["objects"]})

    def __call__(self, model: Blip2ForConditionalGeneration) -> dict:
        with torch.autocast("cpu", torch.bfloat16):
            prefix = queries(model, self.features.float())
        captions = self.answers(model, prefix, ["" for _ in self.lines])
        exact = np.mean([self.named(c) == drawn(line) for c, line in zip(captions, self.lines)])
        alone, leaning = [], []
        for i in range(TURNS):
            rows = [n for n, line in enumerate(self.lines) if len(line["conversations"][0]) > i]
            prompts = [self.prompt(self.lines[n]["conversations"][0][: i + 1]) for n in rows]
            given = self.answers(model, prefix[rows], prompts)
            for n, answer in zip(rows, given):
                turn = self.lines[n]["conversations"][0][i]
                (leaning if turn["followUp"] else alone).append(answer == turn["answer"])
        return {
            "captions": round(float(exact), 3), "questions": round(float(np.mean(alone)), 3),
            "follow-ups": round(float(np.mean(leaning)), 3),
        }

    def prompt(self, turns: list[dict]) -> str:
        earlier = [f"Question: {t['question']} Answer: {t['answer']}." for t in turns[:-1]]
        return " ".join([*earlier, f"Question: {turns[-1]['question']} Answer:"])

    @torch.no_grad()
    def answers(self, model, prefix: torch.Tensor, prompts: list[str]) -> list[str]:
        """Greedy answers, prompts of equal length together."""
        encode = self.speech.tokenizer.encode
        ids = [[BOS, *encode(p, add_special_tokens=False).ids] for p in prompts]
        out = [""] * len(ids)
        for length in {len(row) for row in ids}:
            rows = [i for i, row in enumerate(ids) if len(row) == length]
            text = model.language_model.get_input_embeddings()(torch.tensor([ids[i] for i in rows]))
            given = model.language_model.generate(
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
