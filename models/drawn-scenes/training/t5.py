"""The miniature with T5 in place of OPT: dimensions, a vocabulary in SentencePiece's arrangement, and what is said as T5
reads it (blip2.md 4.1 to 4.3). Encoder, queries and Q-Former are those of the built-in model."""

import math
import re
from collections import Counter
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from torch import nn
from transformers import Blip2Config, Blip2ForConditionalGeneration, T5Config, T5ForConditionalGeneration

from models import ATTENTION, PROJECTED, QUERIES, VISION_LAYERS, qformer_config, vision_config
from text import IGNORED, asked, caption_of, notes_of, some_text
from watch import Watch

# Heads × their size is not the width, as in no published model: it is what rectangular projections are tested with.
WIDTH, HEADS, HEAD_SIZE, INNER, LAYERS = 160, 4, 32, 384, 3
PAD, END, UNKNOWN = range(3)
SENTINELS = 100
EARLIER = 3  # turns at most in front of a question
LONGEST = 40


def t5_tokenizer(lines: list[dict]) -> Tokenizer:
    """Unigram pieces by how often they occur: every word of the scenes, with a blank in front as SentencePiece writes it,
    punctuation, and all printable ASCII for whatever else is typed. No trainer: the same pieces every time."""
    random = np.random.default_rng(0)
    texts = [part for line in lines[:8000] for part in some_text(line, random)]
    texts += [" ".join(word for words in notes_of(line, random) for word in words) for line in lines[:8000]]
    found: Counter[str] = Counter()
    for word in " ".join(texts).split():
        parts = re.findall(r"[\w'-]+|[^\w\s]", word)
        found.update([f"▁{parts[0]}", *parts[1:]])
    found.update(["▁", "▁,", *map(chr, range(33, 127))])
    total = sum(found.values())
    pieces = [(piece, math.log(count / total)) for piece, count in sorted(found.items(), key=lambda p: (-p[1], p[0]))]
    sentinels = [f"<extra_id_{i}>" for i in reversed(range(SENTINELS))]
    special = ["<pad>", "</s>", "<unk>"]
    vocabulary = [*((name, 0.0) for name in special), *pieces, *((name, 0.0) for name in sentinels)]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=UNKNOWN))
    tokenizer.normalizer = normalizers.NFKC()
    metaspace = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace])
    names = [*special, *sentinels, "<image>"]
    tokenizer.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in names])
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", END)])
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    return tokenizer


def t5_config(rows: int) -> T5Config:
    return T5Config(
        vocab_size=rows, d_model=WIDTH, d_kv=HEAD_SIZE, num_heads=HEADS, d_ff=INNER, num_layers=LAYERS,
        num_decoder_layers=LAYERS, feed_forward_proj="gated-gelu", dense_act_fn="gelu", dropout_rate=0.0,
        tie_word_embeddings=False, bos_token_id=END, eos_token_id=END, pad_token_id=PAD, decoder_start_token_id=PAD,
        attn_implementation=ATTENTION,
    )


def t5_model(rows: int) -> T5ForConditionalGeneration:
    model = T5ForConditionalGeneration(t5_config(rows))
    untie(model)
    return model


def untie(model: T5ForConditionalGeneration) -> None:
    """A head of its own, as Flan-T5 has: transformers makes it the embedding unless both were stored."""
    model.lm_head.weight = nn.Parameter(torch.randn(model.lm_head.weight.shape) * WIDTH**-0.5)


def t5_generator(tokenizer: Tokenizer) -> Blip2ForConditionalGeneration:
    rows = tokenizer.get_vocab_size()
    config = Blip2Config(
        vision_config=vision_config(VISION_LAYERS).to_dict(), qformer_config=qformer_config(rows, text=False).to_dict(),
        text_config=t5_config(rows).to_dict(), num_query_tokens=QUERIES, image_text_hidden_size=PROJECTED,
        image_token_index=tokenizer.token_to_id("<image>"),
    )
    model = Blip2ForConditionalGeneration(config)
    untie(model.language_model)
    return model


class T5Speech:
    """Captions and answers as T5's encoder reads the prompt and its decoder writes them. Each turn is a row of its own:
    its prompt holds the turns before it."""

    def __init__(self, tokenizer: Tokenizer):
        self.tokenizer = tokenizer
        self.encode = lru_cache(maxsize=None)(lambda text: tuple(tokenizer.encode(text, add_special_tokens=False).ids))

    def caption(self, line: dict, random: np.random.Generator) -> tuple[list[int], list[int]]:
        caption = caption_of(line, random)
        prompted = random.random() < 0.15 and caption.startswith(("a ", "an "))
        return self.row("a photo of" if prompted else "", caption)

    def turn(self, line: dict, random: np.random.Generator) -> tuple[list[int], list[int]]:
        told = line["conversations"][random.integers(len(line["conversations"]))]
        i = int(random.integers(len(told)))
        starts = [k for k in range(max(0, i - EARLIER), i + 1) if not told[k]["followUp"]]
        return self.row(prompt_of(told[random.choice(starts) if starts else 0 : i + 1]), told[i]["answer"])

    def row(self, prompt: str, answer: str) -> tuple[list[int], list[int]]:
        return [*self.encode(prompt), END], [*self.encode(answer), END]


def prompt_of(turns: list[dict]) -> str:
    earlier = [f"{asked(turn)} {turn['answer']}." for turn in turns[:-1]]
    return " ".join([*earlier, asked(turns[-1])])


def spoken_losses(model: T5ForConditionalGeneration, prefix: torch.Tensor, captions, turns) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean cross-entropy of captions and of answers, each behind the vectors [B, N, width] of its picture. `turns` has a
    whole number of rows for each picture, one picture after the other and then again."""
    rows = [*captions, *turns]
    pictures = prefix.repeat(len(rows) // len(prefix), 1, 1)
    prompts, targets = filled_rows([p for p, _ in rows], PAD), filled_rows([t for _, t in rows], IGNORED)
    text = model.get_input_embeddings()(prompts).to(prefix.dtype)
    seen = torch.cat([torch.ones(len(rows), prefix.shape[1], dtype=torch.long), (prompts != PAD).long()], 1)
    begun = torch.cat([torch.full((len(rows), 1), PAD), targets[:, :-1].clamp(min=0)], 1)
    logits = model(
        inputs_embeds=torch.cat([pictures, text], 1), attention_mask=seen, decoder_input_ids=begun, use_cache=False
    ).logits
    wanted = targets != IGNORED
    each = F.cross_entropy(logits[wanted].float(), targets[wanted], reduction="none")
    of_caption = (torch.arange(len(rows)) < len(captions))[:, None].expand_as(targets)[wanted]
    return each[of_caption].mean(), each[~of_caption].mean()


def filled_rows(rows: list[list[int]], filler: int) -> torch.Tensor:
    length = max(map(len, rows))
    return torch.tensor([[*row, *[filler] * (length - len(row))] for row in rows])


class T5Watch(Watch):
    """The same figures of a model with T5."""

    @torch.no_grad()
    def answers(self, model: T5ForConditionalGeneration, prefix: torch.Tensor, prompts: list[str]) -> list[str]:
        ids = filled_rows([[*self.speech.encode(prompt), END] for prompt in prompts], PAD)
        text = model.get_input_embeddings()(ids)
        seen = torch.cat([torch.ones(len(ids), prefix.shape[1], dtype=torch.long), (ids != PAD).long()], 1)
        given = model.generate(
            inputs_embeds=torch.cat([prefix.float(), text], 1), attention_mask=seen, max_new_tokens=LONGEST,
            do_sample=False, decoder_start_token_id=PAD, eos_token_id=END, pad_token_id=PAD,
        )
        return [self.speech.tokenizer.decode(row, skip_special_tokens=True).strip() for row in given.tolist()]
