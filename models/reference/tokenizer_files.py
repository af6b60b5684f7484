"""A small byte-level BPE tokenizer in OPT's arrangement, and its files as the hub lays them out."""

import json
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

# OPT's fixed ids: bos = eos = unk = "</s>".
SPECIAL_TOKENS = ["<s>", "<pad>", "</s>", "<unk>"]
BOS_ID = 2
PAD_ID = 1
NEWLINE_PIECE = "\u010a"  # how byte-level BPE spells "\n"

CORPUS = """
a photo of a red circle and a blue square on a grey table. the picture shows two cats sitting on a couch.
Question: what is it? Answer: it is a small house near the water. Question: how many are there? Answer: two.
Question: which city is this? Answer: singapore. Question: why? Answer: there is a statue in front of the sea.
a woman sitting on the beach with her dog, a man standing in the street with an umbrella, and a child on a bike.
It's a drawing, isn't it? They're not sure, we'll see; I've seen it, I'd say so, and I'm happy.
The sun rises over the hills and the fields are green. In the morning there are birds in the trees.
this is a cartoon of the moon, the star, the cloud and the mountain. the photo of the green triangle is on the left.
What colour is the ball? The ball is yellow. Where is the cat? The cat is under the chair, next to the window.
""".strip()


def train_tokenizer(vocab_size: int, with_image_token: bool) -> Tokenizer:
    """Train on the paragraphs above; `vocab_size` counts the special tokens but not `<image>`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS.split("\n"), trainer)
    # "\n" never occurs inside a training line, so no merge can swallow the token that ends an answer.
    assert tokenizer.get_vocab_size() == vocab_size
    tokenizer.post_processor = processors.TemplateProcessing(
        single="</s> $A", pair="</s> $A </s> $B", special_tokens=[("</s>", BOS_ID)]
    )
    if with_image_token:
        tokenizer.add_special_tokens([AddedToken("<image>", normalized=False, special=True)])
    return tokenizer


def newline_id(tokenizer: Tokenizer) -> int:
    """The id that ends an answer (50118 in OPT)."""
    return tokenizer.token_to_id(NEWLINE_PIECE)


def is_readable(tokenizer: Tokenizer, token_id: int) -> bool:
    """Whether a token decodes to printable ASCII on its own."""
    text = tokenizer.decode([token_id], skip_special_tokens=False)
    return token_id >= len(SPECIAL_TOKENS) and all(" " <= c <= "~" or c == "\n" for c in text)


def write_json(path: Path, value: object, indent: int | None = 2) -> None:
    path.write_text(json.dumps(value, indent=indent, ensure_ascii=False) + "\n", encoding="utf-8")


def write_tokenizer(folder: Path, tokenizer: Tokenizer, old_style: bool, with_tokenizer_json: bool) -> None:
    """Write every tokenizer file. `old_style` is how repositories looked before `<image>` was added to them."""
    data = json.loads(tokenizer.to_str())
    merges = [pair if isinstance(pair, list) else pair.split(" ") for pair in data["model"]["merges"]]
    # OPT keeps "<s>" and "<unk>" as plain vocabulary entries: only ids 1, 2 and "<image>" are added tokens.
    data["added_tokens"] = [t for t in data["added_tokens"] if t["content"] not in ("<s>", "<unk>")]
    if old_style:
        data["model"]["merges"] = [" ".join(pair) for pair in merges]
    if with_tokenizer_json:
        write_json(folder / "tokenizer.json", data, indent=None)
    vocab = dict(sorted(data["model"]["vocab"].items(), key=lambda item: item[1]))
    write_json(folder / "vocab.json", vocab, indent=None)
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_json(folder / "tokenizer_config.json", tokenizer_config(data["added_tokens"], old_style))
    write_json(folder / "special_tokens_map.json", special_tokens_map(old_style))
    image_tokens = {t["content"]: t["id"] for t in data["added_tokens"] if t["content"] == "<image>"}
    if image_tokens:
        write_json(folder / "added_tokens.json", image_tokens)


def token_entry(content: str, normalized: bool = True) -> dict:
    return {"content": content, "lstrip": False, "normalized": normalized, "rstrip": False, "single_word": False}


def special_tokens_map(old_style: bool) -> dict:
    names = {"bos_token": "</s>", "eos_token": "</s>", "unk_token": "</s>"}
    entries = {key: token_entry(content) for key, content in names.items()}
    return {**entries, "pad_token": "<pad>" if old_style else token_entry("<pad>")}


def tokenizer_config(added_tokens: list[dict], old_style: bool) -> dict:
    shared = {
        "add_bos_token": True,
        "add_prefix_space": False,
        "errors": "replace",
        "model_max_length": 1000000000000000019884624838656,
        "tokenizer_class": "GPT2Tokenizer",
    }
    if old_style:
        token = {"__type": "AddedToken", **token_entry("</s>")}
        return {**shared, "bos_token": token, "eos_token": token, "unk_token": token, "pad_token": "<pad>"}
    decoder = {str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in added_tokens}
    return {
        **shared,
        "added_tokens_decoder": decoder,
        "bos_token": "</s>",
        "clean_up_tokenization_spaces": False,
        "eos_token": "</s>",
        "extra_special_tokens": {},
        "pad_token": "<pad>",
        "processor_class": "Blip2Processor",
        "unk_token": "</s>",
    }
