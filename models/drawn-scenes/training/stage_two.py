"""Stage 2, generation: Q-Former and projection learn to speak to the frozen language model (paper section 3.3)."""

from pathlib import Path
from typing import Callable

import numpy as np
import torch
from transformers import Blip2ForConditionalGeneration

from language import said, said_losses
from models import QUERIES, VISION_LAYERS, StageOne, generator, run_qformer
from optimise import train
from text import Speech

BATCH, TURNS = 64, 4
PEAKS = {"stage2": 2e-3, "without-stage1": 2e-3, "stage2-reworded": 1e-3}
SEEDS = {"stage2": 4, "without-stage1": 4, "stage2-reworded": 7}


def train_stage_two(
    name: str, lines, features: torch.Tensor, vision, language, begun: StageOne | Blip2ForConditionalGeneration | None,
    speech: Speech, work: Path, steps: int, watch: Callable | None = None,
) -> Blip2ForConditionalGeneration:
    """Goes on from stage 1, or from an earlier stage 2 with another language model. With nothing `begun` the Q-Former
    begins at random: the paper's ablation."""
    model = assembled(vision, language, begun, speech)
    model.requires_grad_(False)
    for part in (model.qformer, model.language_projection, model.vision_model.post_layernorm):
        part.requires_grad_(True)
    model.query_tokens.requires_grad_(True)
    places = torch.arange(QUERIES)

    def loss(indices: torch.Tensor, report: dict, random: np.random.Generator) -> torch.Tensor:
        rows = [lines[i] for i in indices.tolist()]
        prefix = queries(model, features[indices].float())
        spoken = said(speech, rows, random, TURNS)
        caption, answer = said_losses(model.language_model, prefix, places.expand(len(rows), -1), *spoken)
        report.update(caption=caption.item(), answer=answer.item())
        return 0.5 * caption + answer

    train(
        name, model, loss, len(lines), steps, BATCH, PEAKS[name], work, seed=SEEDS[name], every=100,
        watch=None if watch is None else lambda step: watch(model), adam_only=("query_tokens", "language_projection"),
    )
    return model.eval()


def assembled(vision, language, begun, speech: Speech) -> Blip2ForConditionalGeneration:
    image_token = speech.tokenizer.token_to_id("<image>")
    model = generator(speech.tokenizer.get_vocab_size(), speech.newline, image_token)
    model.language_model.load_state_dict(language.state_dict())
    model.vision_model.load_state_dict(used_blocks(vision), strict=False)
    torch.nn.init.ones_(model.vision_model.post_layernorm.weight)
    torch.nn.init.normal_(model.query_tokens, std=0.02)  # transformers begins at zero
    if begun is not None:
        model.qformer.load_state_dict(begun.qformer.state_dict(), strict=False)
        model.query_tokens.data.copy_(begun.query_tokens.data)
    if isinstance(begun, StageOne):
        model.vision_model.post_layernorm.load_state_dict(begun.post_layernorm.state_dict())
    elif begun is not None:
        model.vision_model.post_layernorm.load_state_dict(begun.vision_model.post_layernorm.state_dict())
        model.language_projection.load_state_dict(begun.language_projection.state_dict())
    return model


def used_blocks(vision) -> dict[str, torch.Tensor]:
    """The encoder without its last block and without the norm that belongs to it."""
    dropped = (f"encoder.layers.{VISION_LAYERS}.", "post_layernorm.")
    return {k: v for k, v in vision.vision.state_dict().items() if not k.startswith(dropped)}


def queries(model: Blip2ForConditionalGeneration, features: torch.Tensor) -> torch.Tensor:
    """Query embeddings [B, Q, width of the language model] of the encoder's output before its post-layernorm."""
    image = model.vision_model.post_layernorm(features)
    hidden = model.query_tokens.expand(len(features), -1, -1)
    return model.language_projection(run_qformer(model.qformer, hidden, image, None, QUERIES))
