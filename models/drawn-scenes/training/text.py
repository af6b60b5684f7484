"""Scenes as text: notes, captions and conversations, their tokenizers and rows of ids with targets."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from data import BEFORE, BEHIND, HOLDS, INSIDE, depth
from models import BOS, PAD

IGNORED = -100
DEPTHS = {INSIDE: "inside", HOLDS: "holding", BEHIND: "behind", BEFORE: "before"}


def language_tokenizer(lines: list[dict], path: Path) -> Tokenizer:
    """Byte-level BPE in OPT's arrangement: <s> 0, <pad> 1, </s> 2, <unk> 3, every byte, then merges, <image> last."""
    if path.exists():
        return Tokenizer.from_file(str(path))
    random = np.random.default_rng(0)
    texts = [part for line in lines[:8000] for part in some_text(line, random)]
    tokenizer = Tokenizer(models.BPE(unk_token="</s>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    special = [AddedToken(t, special=True, normalized=False) for t in ("<s>", "<pad>", "</s>", "<unk>")]
    trainer = trainers.BpeTrainer(
        vocab_size=1023, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken("<image>", special=True, normalized=False)])
    tokenizer.post_processor = processors.TemplateProcessing(single="</s> $A", special_tokens=[("</s>", BOS)])
    tokenizer.save(str(path))
    return tokenizer


def some_text(line: dict, random: np.random.Generator) -> list[str]:
    turns = [f"{asked(t)} {t['answer']}." for t in line["conversations"][0]]
    notes = ", ".join(" ".join(words) for words in notes_of(line, random))
    return [" ".join(turns), *line["captions"][:2], f"a photo of {line['captions'][2]}", f" {notes}"]


def retrieval_tokenizer(lines: list[dict], path: Path) -> Tokenizer:
    """WordPiece in BERT's arrangement: lower case, [CLS] text [SEP], and [DEC] last, where generation begins."""
    if path.exists():
        return Tokenizer.from_file(str(path))
    random = np.random.default_rng(1)
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=600, special_tokens=special, show_progress=False)
    texts = (text for line in lines[:8000] for text in (*line["captions"][:2], detailed(line, random)))
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken("[DEC]", special=True, normalized=False)])
    ends = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    tokenizer.save(str(path))
    return tokenizer


def asked(turn: dict) -> str:
    return f"Question: {turn['question']} Answer:"


# --- what is said ----------------------------------------------------------------------------------------------------


def notes_of(line: dict, random: np.random.Generator) -> list[list[str]]:
    """A scene as lists of words in any order: text that stands where the image will stand later."""
    objects = line["objects"]
    notes = []
    for i, o in enumerate(objects):
        words = o["note"][:-2] if (o["inside"] is not None or o["behind"] is not None) else o["note"]
        mark = DEPTHS.get(depth(objects, i))
        notes.append([*words, mark] if mark else list(words))
    notes.append(line["setting"].replace("on a ", "").replace("in a ", "").split())
    random.shuffle(notes)
    return notes


def detailed(line: dict, random: np.random.Generator) -> str:
    """A caption that leaves nothing out: the notes, one after the other."""
    return ", ".join(" ".join(words) for words in notes_of(line, random))


def caption_of(line: dict, random: np.random.Generator) -> str:
    return line["captions"][random.integers(len(line["captions"]))]


# --- rows of ids -----------------------------------------------------------------------------------------------------


class Speech:
    """Captions and conversations as the language model reads and answers them (blip2.md 4.1 and 4.2)."""

    def __init__(self, tokenizer: Tokenizer):
        self.tokenizer = tokenizer
        self.newline = tokenizer.token_to_id("Ċ")
        self.encode = lru_cache(maxsize=None)(lambda text: tuple(tokenizer.encode(text, add_special_tokens=False).ids))
        (self.stop,) = self.encode(".")

    def caption(self, line: dict, random: np.random.Generator) -> tuple[list[int], list[int]]:
        """Ids and targets, BOS first; now and then with the prompt that captioning models are used to."""
        caption = caption_of(line, random)
        if random.random() < 0.15 and caption.startswith(("a ", "an ")):
            prompt, answer = self.encode("a photo of"), self.encode(f" {caption}")
        else:
            prompt, answer = (), self.encode(caption)
        ids = [BOS, *prompt, *answer]
        return ids, [IGNORED] * len(prompt) + [*answer, self.newline]

    def conversation(self, line: dict, random: np.random.Generator, turns: int) -> tuple[list[int], list[int]]:
        """Several turns in one row, from a turn on that leans on none before it. An answer ends in a full stop where the
        next question follows, but what is learned in that place is the newline that ends an answer; questions are not
        learned."""
        ids, targets = [BOS], [IGNORED]  # targets[k] is what follows ids[k]
        told = line["conversations"][random.integers(len(line["conversations"]))]
        first = random.choice([i for i, turn in enumerate(told) if not turn["followUp"] and i <= max(0, len(told) - turns)])
        for i, turn in enumerate(told[first : first + turns]):
            prompt = self.encode(f"{' ' if i else ''}{asked(turn)}")
            answer = self.encode(f" {turn['answer']}")
            ids += [*prompt, *answer, self.stop]
            targets += [IGNORED] * (len(prompt) - 1) + [*answer, self.newline, IGNORED]
        return ids[:-1], targets[:-1]


def padded(rows: list[tuple[list[int], list[int]]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and targets [B, L], right-padded; a causal model never looks at padding on the right."""
    length = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), length), PAD)
    targets = torch.full((len(rows), length), IGNORED)
    for i, (row, wanted) in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        targets[i, : len(wanted)] = torch.tensor(wanted)
    return ids, targets
