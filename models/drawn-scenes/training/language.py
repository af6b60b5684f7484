"""The language model, trained on its own from text; frozen from then on."""

from pathlib import Path
from typing import Callable

import numpy as np
import torch
import torch.nn.functional as F
from transformers import OPTForCausalLM

from models import OPT_POSITIONS, QUERIES, opt_config
from optimise import train
from text import IGNORED, Speech, notes_of, padded

BATCH, TURNS = 64, (4, 8)
# Rounds of learning, each with more sorts of conversation: peak of the learning rate and seed.
ROUNDS = ("language", "comparing", "rewording")
PEAKS = {"language": 2e-3, "comparing": 1.5e-3, "rewording": 1.5e-3}
SEEDS = {"language": 2, "comparing": 5, "rewording": 6}
WAYS = ("spelled", "spelled", "summed", "filled", "filled")


def pretrain_language(
    name: str, lines: list[dict], speech: Speech, work: Path, steps: int, watch: Callable,
    begun: OPTForCausalLM | None = None,
) -> OPTForCausalLM:
    """Notes about a scene where the image will be later, then </s>, then a caption or a conversation that follows from
    them. In more than half of the rows the words of a note are added up into one vector: the order of the words within a
    note says nothing, and a reader of such sums is a reader to whom a query can speak. What is learned are captions and
    answers. A later round goes on from what the one before has `begun`."""
    model = OPTForCausalLM(opt_config(speech.tokenizer.get_vocab_size(), speech.newline))
    if begun is not None:
        model.load_state_dict(begun.state_dict())

    def loss(indices: torch.Tensor, report: dict, random: np.random.Generator) -> torch.Tensor:
        rows = [lines[i] for i in indices.tolist()]
        way = WAYS[random.choice(len(WAYS))]
        notes, places = told(model, speech, rows, random, way)
        caption, answer = said_losses(model, notes, places, *said(speech, rows, random, int(random.choice(TURNS))), random)
        report.update({f"caption {way}": caption.item(), f"answer {way}": answer.item()})
        return 0.5 * caption + answer

    train(
        name, model, loss, len(lines), steps, BATCH, PEAKS[name], work, seed=SEEDS[name], every=400,
        watch=lambda step: watch(model), adam_only=("embed",),
    )
    return model.eval()


def told(
    model: OPTForCausalLM, speech: Speech, lines: list[dict], random: np.random.Generator, way: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Notes as vectors [B, N, width] and their positions [B, N], strewn over the places that the queries will have:
    `spelled` word by word, `summed` one vector for each note, `filled` the same with every place taken, by nothing or by
    a note said once more, since queries will repeat themselves."""
    spelled = [
        [[t for word in words for t in speech.encode(f" {word}")] for words in notes_of(line, random)] for line in lines
    ]
    (comma,) = speech.encode(",")
    if way == "spelled":
        groups = [[[t] for words in notes for t in [*words, comma]] for notes in spelled]
    elif way == "filled":
        groups = [filled(notes, random) for notes in spelled]
    else:
        groups = spelled
    count, longest = max(map(len, groups)), max(len(words) for notes in groups for words in notes)
    ids = torch.zeros(len(lines), count, longest, dtype=torch.long)
    known = torch.zeros(len(lines), count, longest)
    for i, notes in enumerate(groups):
        for k, words in enumerate(notes):
            ids[i, k, : len(words)] = torch.tensor(words)
            known[i, k, : len(words)] = 1
    vectors = (model.get_input_embeddings()(ids) * known[..., None]).sum(2)
    room = max(QUERIES, count)
    places = torch.from_numpy(np.stack([np.sort(random.choice(room, count, replace=False)) for _ in lines]))
    return vectors, places


def filled(notes: list[list[int]], random: np.random.Generator) -> list[list[int]]:
    again = random.random()
    more = [notes[random.integers(len(notes))] if random.random() < again else [] for _ in range(QUERIES - len(notes))]
    places = random.permutation(QUERIES)
    both = [*notes, *more]
    return [both[i] for i in places]


def said(speech: Speech, lines: list[dict], random: np.random.Generator, turns: int):
    """A caption and a conversation of each scene, (ids, targets) [B, L] each."""
    captions = padded([speech.caption(line, random) for line in lines])
    return captions, padded([speech.conversation(line, random, turns) for line in lines])


def said_losses(model, prefix: torch.Tensor, places: torch.Tensor, captions, conversations, random=None):
    """Mean cross-entropy of captions and of answers behind a prefix of vectors [B, N, width] at `places`. Both stand in
    one row, and neither sees the other. With `random` the text sometimes begins later than right behind the prefix, so
    that every position is known."""
    begin = int(places.max()) + 1
    length = conversations[0].shape[1]
    if random is not None and random.random() < 0.4:
        begin += int(random.integers(0, OPT_POSITIONS - begin - length))
    ids, targets = (torch.cat(pair, 1) for pair in zip(captions, conversations))
    behind = torch.cat([begin + torch.arange(captions[0].shape[1]), begin + torch.arange(length)])
    positions = torch.cat([places, behind.expand_as(ids)], 1)
    inputs = torch.cat([prefix, model.get_input_embeddings()(ids).to(prefix.dtype)], 1)
    first, second = prefix.shape[1], prefix.shape[1] + captions[0].shape[1]
    seen = torch.ones(inputs.shape[1], inputs.shape[1], dtype=torch.bool).tril()
    seen[second:, first:second] = False
    mask = torch.zeros(seen.shape, dtype=inputs.dtype).masked_fill(~seen, torch.finfo(inputs.dtype).min)[None, None]
    hidden = model.model.decoder(
        inputs_embeds=inputs, attention_mask=mask, position_ids=positions, use_cache=False
    ).last_hidden_state[:, first:]
    wanted = targets != IGNORED
    each = F.cross_entropy(model.lm_head(hidden[wanted]).float(), targets[wanted], reduction="none")
    of_caption = (torch.arange(ids.shape[1]) < captions[0].shape[1]).expand_as(ids)[wanted]
    return each[of_caption].mean(), each[~of_caption].mean()
