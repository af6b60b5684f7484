"""Stage 1, representation: image-text contrast, matching with hard negatives and grounded generation, with the image
encoder frozen (paper section 3.2, blip2.md section 5)."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from models import QUERIES, TEXT_LENGTH, StageOne
from optimise import train
from text import caption_of, detailed

BATCH, PEAK = 64, 2e-3
DETAILED = 0.4  # share of steps whose captions leave nothing out
HEADS = ("embeddings", "query_tokens", "itm_head", "projection")


def train_stage_one(lines, features: torch.Tensor, tokenizer: Tokenizer, work: Path, steps: int) -> StageOne:
    model = StageOne(tokenizer.get_vocab_size())
    encode = lru_cache(maxsize=None)(lambda text: tuple(tokenizer.encode(text).ids))
    dec = tokenizer.token_to_id("[DEC]")

    def loss(indices: torch.Tensor, report: dict, random: np.random.Generator) -> torch.Tensor:
        image = model.post_layernorm(features[indices].float())
        say = detailed if random.random() < DETAILED else caption_of
        ids, mask = text_batch([encode(say(lines[i], random)) for i in indices.tolist()])
        queries, itg = generation(model, image, ids, mask, dec)
        itc, similarity = contrast(model, queries, ids, mask)
        itm, right = matching(model, image, ids, mask, similarity)
        style = "detailed" if say is detailed else "caption"
        report.update({f"itc {style}": itc.item(), f"itm {style}": itm.item(), f"itg {style}": itg.item(), f"itm right {style}": right})
        return itc + itm + itg

    train("stage1", model, loss, len(lines), steps, BATCH, PEAK, work, seed=3, adam_only=HEADS)
    return model.eval()


def text_batch(rows: list[tuple[int, ...]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Right-padded ids and their mask, [B, L]."""
    length = min(TEXT_LENGTH, max(map(len, rows)))
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row[:length])
    lengths = torch.tensor([len(row) for row in rows])
    return ids, (torch.arange(length)[None] < lengths[:, None]).long()


def text_vectors(model: StageOne, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """[B, 64], of length 1."""
    hidden = model.run(None, False, ids, additive(mask[:, None, None]))[:, 0]
    return F.normalize(model.text_projection(hidden).float(), dim=-1)


def contrast(model: StageOne, queries, ids, mask):
    """ITC: queries and text do not see each other; the best query counts."""
    images = F.normalize(model.vision_projection(queries).float(), dim=-1)
    cosines = torch.einsum("bqd,td->btq", images, text_vectors(model, ids, mask)).amax(-1)
    similarity = cosines / model.temperature.clamp(0.01, 0.5)
    target = torch.arange(len(ids))
    both = sum(F.cross_entropy(s, target, label_smoothing=0.1) for s in (similarity, similarity.T))
    return both / 2, similarity.detach()


def matching(model: StageOne, image, ids, mask, similarity):
    """ITM: everything sees everything; negatives are drawn by similarity from the whole batch, for half of it: matching
    three pairs for each picture would cost more than the other two objectives together."""
    batch = len(ids)
    half = torch.arange(batch // 2)
    chance = similarity.masked_fill(torch.eye(batch, dtype=torch.bool), -1e4)
    # Two scenes may have the same caption; that is no negative.
    same = (ids[:, None] == ids[None]).all(-1) & ~torch.eye(batch, dtype=torch.bool)
    chance = chance.masked_fill(same, -1e4)
    other_text = torch.multinomial(chance[half].softmax(1), 1).flatten()
    other_image = torch.multinomial(chance.T[half].softmax(1), 1).flatten()
    texts = torch.cat([half, other_text, half])
    logits = matching_logits(model, image[torch.cat([half, half, other_image])], ids[texts], mask[texts])
    target = torch.cat([torch.ones(len(half)), torch.zeros(2 * len(half))]).long()
    return F.cross_entropy(logits, target), (logits.argmax(1) == target).float().mean().item()


def matching_logits(model: StageOne, image, ids, mask) -> torch.Tensor:
    """[B, 2]; class 1 is a match."""
    seen = torch.cat([torch.ones(len(ids), QUERIES, dtype=mask.dtype), mask], 1)
    hidden = model.run(image, True, ids, additive(seen[:, None, None]))[:, :QUERIES]
    return model.itm_head(hidden).float().mean(1)


def generation(model: StageOne, image, ids, mask, dec):
    """ITG: queries see queries only, text sees all queries and earlier text; [CLS] becomes [DEC]. Gives the queries
    [B, Q, width] as well: since they see no text they are those of ITC."""
    length = ids.shape[1]
    inputs = ids.clone()
    inputs[:, 0] = dec
    seen = torch.ones(len(ids), QUERIES + length, QUERIES + length).tril()
    seen[:, :QUERIES, :QUERIES] = 1
    seen[:, QUERIES:, QUERIES:] *= mask[:, None, :]
    hidden = model.run(image, True, inputs, additive(seen[:, None]))
    wanted = mask[:, 1:] == 1
    logits = model.lm_transform(hidden[:, QUERIES:-1][wanted]) @ model.embeddings.word_embeddings.weight.T + model.lm_bias
    return hidden[:, :QUERIES], F.cross_entropy(logits.float(), ids[:, 1:][wanted], label_smoothing=0.1)


def additive(seen: torch.Tensor) -> torch.Tensor:
    return (1 - seen.float()) * -10000.0
