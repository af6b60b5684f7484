"""Trains stage 2's other half: a small T5 in place of OPT on the encoder, the queries and the Q-Former of the built-in
model, which lie beside this folder. One command, resumable:

    python models/drawn-scenes/training/train_t5.py --work work-t5

draws scenes, trains T5 alone from text (notes about a scene stand where the picture will), freezes it, and teaches the
Q-Former of stage 1 to speak to it. Each part keeps `<part>.pt` in the work folder and goes on from there when started again.
"""

import argparse
import json
import subprocess
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import Blip2ForConditionalGeneration, Blip2ForImageTextRetrieval, T5ForConditionalGeneration

from data import Scenes, told_as
from hub_layout import save, write
from language import told
from models import IMAGE_SIZE, QUERIES
from optimise import train
from stage_two import queries
from t5 import END, PAD, SENTINELS, T5Speech, T5Watch, spoken_losses, t5_generator, t5_model, t5_tokenizer
from vision import encode_all

HERE = Path(__file__).resolve().parent.parent
SORTS = ("conversations", "comparisons", "reworded")
BATCH, TURNS = 64, 2
STEPS = {"t5-language": 3000, "t5-stage2": 2400}
PEAKS = {"t5-language": 2e-3, "t5-stage2": 2e-3}
WAYS = ("summed", "filled", "filled")


class FrozenEncoder(nn.Module):
    """What the built-in model's vision encoder gives before its last norm."""

    def __init__(self, vision: nn.Module):
        super().__init__()
        self.vision = vision

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        hidden = self.vision.embeddings(pixels)
        for layer in self.vision.encoder.layers:
            hidden = layer(hidden)
        return hidden


def draw(folder: Path, first: int, count: int, wording: str) -> Path:
    if not (folder / "scenes.jsonl").exists():
        flags = {"--from": first, "--count": count, "--wording": wording, "--out": folder}
        words = [str(word) for flag in flags.items() for word in flag]
        subprocess.run(["npx", "tsx", "models/drawn-scenes/training/render-scenes.ts", *words], check=True)
    return folder


def pretrain(lines: list[dict], speech: T5Speech, work: Path, steps: int, watch: T5Watch) -> T5ForConditionalGeneration:
    """T5 alone, behind notes in words: a reader of sums of words is a reader to whom a query can speak."""
    model = t5_model(speech.tokenizer.get_vocab_size())

    def loss(indices: torch.Tensor, report: dict, random: np.random.Generator) -> torch.Tensor:
        rows = [lines[i] for i in indices.tolist()]
        notes, _ = told(model, speech, rows, random, WAYS[random.choice(len(WAYS))])
        return said_of(model, notes, rows, speech, report, random)

    train(
        "t5-language", model, loss, len(lines), steps, BATCH, PEAKS["t5-language"], work, seed=12, every=400,
        watch=lambda step: watch.told(model), adam_only=("shared", "lm_head", "relative_attention_bias"),
    )
    return model.eval()


def said_of(model, prefix, rows: list[dict], speech: T5Speech, report: dict, random: np.random.Generator) -> torch.Tensor:
    captions = [speech.caption(line, random) for line in rows]
    turns = [speech.turn(line, random) for _ in range(TURNS) for line in rows]
    caption, answer = spoken_losses(model, prefix, captions, turns)
    report.update(caption=caption.item(), answer=answer.item())
    return 0.5 * caption + answer


def assembled(tokenizer: Tokenizer, language: T5ForConditionalGeneration) -> Blip2ForConditionalGeneration:
    """Frozen encoder and T5, and between them what stage 1 of the built-in model has learned."""
    model = t5_generator(tokenizer)
    stage_one = Blip2ForImageTextRetrieval.from_pretrained(HERE / "retrieval-checkpoint", dtype=torch.float32)
    model.vision_model.load_state_dict(stage_one.vision_model.state_dict())
    model.qformer.load_state_dict(stage_one.qformer.state_dict(), strict=False)
    model.query_tokens.data.copy_(stage_one.query_tokens.data)
    model.language_model.load_state_dict(language.state_dict())
    model.requires_grad_(False)
    for part in (model.qformer, model.language_projection, model.vision_model.post_layernorm):
        part.requires_grad_(True)
    model.query_tokens.requires_grad_(True)
    return model


def save_t5(model: Blip2ForConditionalGeneration, tokenizer: Tokenizer, out: Path) -> None:
    """As `Salesforce/blip2-flan-t5-xl`: a head of its own, and the embedding stored once."""
    copies = [f"language_model.{stack}.embed_tokens.weight" for stack in ("encoder", "decoder")]
    save(model, out, "Blip2ForConditionalGeneration", without=tuple(copies))
    ids = {"bos_token_id": END, "decoder_start_token_id": PAD, "eos_token_id": END, "pad_token_id": PAD}
    write(out / "generation_config.json", {"_from_model_config": True, **ids})
    write(out / "processor_config.json", {"num_query_tokens": QUERIES, "processor_class": "Blip2Processor"})
    tokenizer.save(str(out / "tokenizer.json"))
    special = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    extra = [f"<extra_id_{i}>" for i in range(SENTINELS)]
    write(out / "tokenizer_config.json", special | {
        "additional_special_tokens": extra, "extra_ids": SENTINELS, "model_max_length": 512, "tokenizer_class": "T5Tokenizer",
    })
    write(out / "added_tokens.json", {"<image>": tokenizer.token_to_id("<image>")})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=HERE / "t5-checkpoint")
    parser.add_argument("--scenes", type=int, default=48_000)
    parser.add_argument("--held-out", type=int, default=500)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=json.loads, default={}, help=f"others than {json.dumps(STEPS)}")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.manual_seed(11)
    work, steps = args.work, STEPS | args.steps
    scenes = Scenes([draw(work / "scenes", 0, args.scenes, "varied")], IMAGE_SIZE)
    held_out = Scenes([draw(work / "held-out", 1_100_000, args.held_out, "unseen")], IMAGE_SIZE)
    speech = T5Speech(t5_tokenizer(scenes.lines))
    lines = told_as(scenes.lines, *SORTS)
    language = pretrain(lines, speech, work, steps["t5-language"], T5Watch(held_out.lines, speech))
    model = assembled(speech.tokenizer, language)
    encoder = FrozenEncoder(model.vision_model).eval()
    features = encode_all(encoder, scenes, work / "t5-features.pt")
    unseen = encode_all(encoder, held_out, work / "t5-held-out-features.pt")

    def loss(indices: torch.Tensor, report: dict, random: np.random.Generator) -> torch.Tensor:
        prefix = queries(model, features[indices].float())
        return said_of(model.language_model, prefix, [lines[i] for i in indices.tolist()], speech, report, random)

    watch = T5Watch(held_out.lines, speech)
    train(
        "t5-stage2", model, loss, len(lines), steps["t5-stage2"], BATCH, PEAKS["t5-stage2"], work, seed=14, every=200,
        watch=lambda step: watch.seen(model, unseen), adam_only=("query_tokens", "language_projection"),
    )
    model.eval()
    numbers = {"scenes": len(held_out), **T5Watch(held_out.lines, speech, len(held_out)).seen(model, unseen)}
    (work / "t5-stage2-final.json").write_text(json.dumps(numbers, indent=2) + "\n")
    save_t5(model, speech.tokenizer, args.out)


if __name__ == "__main__":
    main()
