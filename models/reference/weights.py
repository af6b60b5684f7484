"""Random weights under which no term of the network is invisible.

The initialisation in transformers leaves query tokens and biases at zero and LayerNorms at the identity, so
an implementation that forgets one of them would still agree with it. Here everything is random.
"""

import numpy as np
import torch
from transformers import Blip2Config, Blip2ForConditionalGeneration

LM_HEAD = "language_model.lm_head.weight"
EMBEDDINGS = "language_model.model.decoder.embed_tokens.weight"

# Token embeddings are kept small against what the layers add: with tied heads a large embedding makes every
# token predict itself.
EMBEDDING_STD = 0.06


def parameter_shapes(config: Blip2Config) -> dict[str, tuple[int, ...]]:
    """Names and shapes as transformers itself would save them (lm_head included, tied or not)."""
    with torch.device("meta"):
        model = Blip2ForConditionalGeneration(config)
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def is_norm(name: str) -> bool:
    return "norm" in name.lower()


def standard_deviation(name: str, shape: tuple[int, ...]) -> float:
    """How far a tensor's values spread, so that activations stay near 1 from stage to stage."""
    if name in (EMBEDDINGS, LM_HEAD):
        return EMBEDDING_STD
    if "position" in name or "class_embedding" in name or "embed_positions" in name:
        return 0.2 if name.startswith("language_model") else 0.5
    if name == "query_tokens":
        return 1.0
    if name.endswith(".bias") or is_norm(name):
        return 0.2
    fan_in = int(np.prod(shape[1:]))
    if name.startswith("language_projection"):
        return 0.5 / fan_in**0.5
    return 1.4 / fan_in**0.5


def adjust(name: str, values: np.ndarray) -> np.ndarray:
    """Constraints that hold in the published files."""
    if is_norm(name) and name.endswith(".weight"):
        return values + 1
    if name.endswith("qkv.bias"):
        # The vision tower has no key bias: the files store exact zeros in the middle third.
        third = values.shape[0] // 3
        values[third : 2 * third] = 0
    return values


def random_weights(config: Blip2Config, seed: int, row_gain: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Float32 arrays by name. `row_gain` [vocab_size] scales the rows that score each token."""
    random = np.random.Generator(np.random.PCG64(seed))
    weights = {}
    for name, shape in sorted(parameter_shapes(config).items()):
        values = random.standard_normal(shape, dtype=np.float32) * np.float32(standard_deviation(name, shape))
        weights[name] = adjust(name, values)
    if config.text_config.tie_word_embeddings:
        weights[LM_HEAD] = weights[EMBEDDINGS]
    if row_gain is not None:
        weights[LM_HEAD] *= row_gain[:, None].astype(np.float32)
    return weights
