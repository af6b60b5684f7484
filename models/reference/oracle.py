"""Runs a checkpoint with transformers and keeps what every stage puts out. Float32, eager attention."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import Blip2ForConditionalGeneration
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil


@dataclass
class Stages:
    """T image tokens of width Dv, Q queries of width Dq, language width D, P prompt tokens, vocabulary V."""

    image_features: torch.Tensor  # [1, T, Dv], after post_layernorm over all tokens
    query_output: torch.Tensor  # [1, Q, Dq]
    query_embeddings: torch.Tensor  # [1, Q, D], after language_projection


@dataclass
class Answer:
    logits: torch.Tensor  # [1, Q + P, V], of the prefill (OPT)
    token_ids: list[int]  # new tokens, the ending one included
    margins: list[float]  # best minus second-best logit, per new token
    spread: float  # standard deviation of the logits, to judge margins by


def load_model(folder: Path) -> Blip2ForConditionalGeneration:
    """Whatever the stored type, values are widened to float32 and computed in float32."""
    model = Blip2ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    assert all(p.dtype == torch.float32 for p in model.parameters())
    return model.eval()


def pixel_values_by_hand(image: Image.Image, settings: dict) -> np.ndarray:
    """PIL's bicubic resize to a square, then scale and normalise: [1, 3, S, S] float32."""
    size = (settings["size"]["width"], settings["size"]["height"])
    resized = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BICUBIC), dtype=np.float64)
    mean, std = np.array(settings["image_mean"]), np.array(settings["image_std"])
    normalised = (resized * settings["rescale_factor"] - mean) / std
    return normalised.transpose(2, 0, 1)[None].astype(np.float32)


def pixel_values(image: Image.Image, settings: dict) -> torch.Tensor:
    """The PIL processor's result [1, 3, S, S], after checking it against plain PIL."""
    names = ("do_convert_rgb", "do_normalize", "do_rescale", "do_resize", "image_mean", "image_std")
    options = {name: settings[name] for name in (*names, "resample", "rescale_factor", "size")}
    result = BlipImageProcessorPil(**options)(image, return_tensors="np")["pixel_values"]
    result = np.asarray(result, dtype=np.float32)
    # Not bit for bit: the processor normalises in float32. One grey level is above 0.01 here.
    np.testing.assert_allclose(result, pixel_values_by_hand(image, settings), rtol=0, atol=2e-6)
    return torch.from_numpy(result)


@torch.no_grad()
def run_stages(model: Blip2ForConditionalGeneration, pixels: torch.Tensor, interpolate: bool = False) -> Stages:
    features = model.vision_model(pixel_values=pixels, interpolate_pos_encoding=interpolate).last_hidden_state
    mask = torch.ones(features.shape[:-1], dtype=torch.long)
    output = model.qformer(
        query_embeds=model.query_tokens, encoder_hidden_states=features, encoder_attention_mask=mask
    ).last_hidden_state
    return Stages(features, output, model.language_projection(output))


@torch.no_grad()
def check_post_norm(model: Blip2ForConditionalGeneration, pixels: torch.Tensor, features: torch.Tensor) -> None:
    """`last_hidden_state` must be the output after the norm over all tokens."""
    before = model.vision_model.encoder(inputs_embeds=model.vision_model.embeddings(pixels)).last_hidden_state
    assert torch.equal(model.vision_model.post_layernorm(before), features)
    assert not torch.allclose(before, features, atol=1e-2)


@torch.no_grad()
def language_logits(model: Blip2ForConditionalGeneration, query_embeddings: torch.Tensor, ids: list[int]):
    """[1, Q + len(ids), V] from the queries followed by the tokens, without a cache."""
    tokens = model.get_input_embeddings()(torch.tensor([ids]))
    embeddings = torch.cat([query_embeddings, tokens], dim=1)
    mask = torch.ones(embeddings.shape[:2], dtype=torch.long)
    return model.language_model(inputs_embeds=embeddings, attention_mask=mask, use_cache=False).logits


def greedy(model, query_embeddings: torch.Tensor, prompt_ids: list[int], eos: int, limit: int) -> Answer:
    prefill = logits = language_logits(model, query_embeddings, prompt_ids)
    ids: list[int] = []
    margins: list[float] = []
    while True:
        best = logits[0, -1].topk(2)
        ids.append(int(best.indices[0]))
        margins.append(float(best.values[0] - best.values[1]))
        if ids[-1] == eos or len(ids) == limit:
            return Answer(prefill, ids, margins, float(prefill.std()))
        logits = language_logits(model, query_embeddings, prompt_ids + ids)


def generated_ids(model, pixels: torch.Tensor, prompt_ids: list[int], limit: int) -> list[int]:
    """New tokens of transformers' own `generate` (needs a config with an image token)."""
    ids = [model.config.image_token_index] * model.config.num_query_tokens + prompt_ids
    sequence = model.generate(
        pixel_values=pixels, input_ids=torch.tensor([ids]), max_new_tokens=limit, do_sample=False
    )
    assert sequence[0, : len(ids)].tolist() == ids
    return sequence[0, len(ids) :].tolist()


def read_settings(folder: Path) -> dict:
    return json.loads((folder / "preprocessor_config.json").read_text())


@torch.no_grad()
def encode_prompt(model, query_embeddings: torch.Tensor, prompt_ids: list[int]) -> torch.Tensor:
    """T5: [1, Q + P, D], what the encoder makes of the queries followed by the prompt."""
    tokens = model.get_input_embeddings()(torch.tensor([prompt_ids]))
    return model.language_model.encoder(inputs_embeds=torch.cat([query_embeddings, tokens], dim=1)).last_hidden_state


@torch.no_grad()
def greedy_behind_encoder(model, encoder_output: torch.Tensor, start: int, eos: int, limit: int) -> Answer:
    """T5: `logits` [1, new tokens, V] are the decoder's from the start token on, without a cache."""
    ids: list[int] = []
    margins: list[float] = []
    while True:
        before = torch.tensor([[start, *ids]])
        logits = model.language_model(encoder_outputs=(encoder_output,), decoder_input_ids=before, use_cache=False).logits
        best = logits[0, -1].topk(2)
        ids.append(int(best.indices[0]))
        margins.append(float(best.values[0] - best.values[1]))
        if ids[-1] == eos or len(ids) == limit:
            return Answer(logits, ids, margins, float(logits.std()))
