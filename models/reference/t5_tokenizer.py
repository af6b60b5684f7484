"""A small SentencePiece-like unigram tokenizer in T5's arrangement, and its files as the hub lays them out."""

import json
import math
from collections import Counter
from itertools import combinations
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from tokenizer_files import CORPUS, write_json

# T5's fixed ids.
SPECIAL_TOKENS = ["<pad>", "</s>", "<unk>"]
PAD_ID, EOS_ID = 0, 1
LONGEST_PIECE = 6
SENTINELS = 4  # T5 has 100; they count down, so <extra_id_0> has the last id of the vocabulary

# Strings that tell unigram implementations apart. None spells a special token: there the two differ on purpose.
TOKENIZER_TEXTS = [
    "", "a", " a photo", "  two  spaces ", "It's they're I'D we'll 'tis", "12345 3.14", "naïve café – ☃ 🙂",
    "line one\nline two\n", "tab\tand\u00a0space", "Answer:?!...", "end ", "ﬁne ½ Ａ", "<unknown> </tag>",
]


def scored_pieces(count: int) -> list[tuple[str, float]]:
    """The best substrings of words by how much text they cover, and every ASCII letter; scores are log-probabilities.

    No trainer is used: that of `tokenizers` gives other pieces in every process.
    """
    words = Counter(f"▁{word}" for word in CORPUS.split())
    found: Counter[str] = Counter()
    for word, times in words.items():
        for start, end in combinations(range(min(len(word), 40) + 1), 2):
            if end - start <= LONGEST_PIECE:
                found[word[start:end]] += times
    letters = [chr(code) for code in range(33, 127)] + ["▁"]
    longer = sorted((p for p in found if len(p) > 1), key=lambda piece: (-found[piece] * (len(piece) - 1), piece))
    kept = letters + longer[: count - len(letters)]
    total = sum(found[piece] + 1 for piece in kept)
    scores = {piece: round(math.log((found[piece] + 1) / total), 6) for piece in kept}
    return sorted(scores.items(), key=lambda entry: (-entry[1], entry[0]))


def make_t5_tokenizer(pieces: int, newer_form: bool) -> Tokenizer:
    """`pieces` entries, neither sentinels nor `<image>` counted. The newer form cuts at white space while normalising."""
    names = [f"<extra_id_{i}>" for i in reversed(range(SENTINELS))]
    # As in the published files, special pieces and sentinels have the score 0, better than any word's.
    special = [[name, 0.0] for name in SPECIAL_TOKENS]
    vocab = [*special, *scored_pieces(pieces - len(special)), *([name, 0.0] for name in names)]
    tokenizer = Tokenizer(models.Unigram([tuple(entry) for entry in vocab], unk_id=SPECIAL_TOKENS.index("<unk>")))
    metaspace = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    if newer_form:
        spaces = [normalizers.Replace(Regex(r"\s"), " "), normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), "▁")]
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), *spaces])
        tokenizer.pre_tokenizer = metaspace
    else:
        tokenizer.normalizer = normalizers.NFKC()
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace])
    tokenizer.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in [*SPECIAL_TOKENS, *names, "<image>"]])
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", EOS_ID)])
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    return tokenizer


def known_words(tokenizer: Tokenizer) -> int:
    """Entries without `<image>`, which is the last one."""
    return tokenizer.token_to_id("<image>")


def is_word(tokenizer: Tokenizer, token_id: int) -> bool:
    return len(SPECIAL_TOKENS) <= token_id < known_words(tokenizer) - SENTINELS


def write_t5_tokenizer(folder: Path, tokenizer: Tokenizer) -> None:
    data = json.loads(tokenizer.to_str())
    write_json(folder / "tokenizer.json", data, indent=None)
    extra = [f"<extra_id_{i}>" for i in range(SENTINELS)]
    config = {
        "added_tokens_decoder": {str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in data["added_tokens"]},
        "additional_special_tokens": extra,
        "clean_up_tokenization_spaces": True,
        "eos_token": "</s>",
        "extra_ids": SENTINELS,
        "model_max_length": 512,
        "pad_token": "<pad>",
        "processor_class": "Blip2Processor",
        "tokenizer_class": "T5Tokenizer",
        "unk_token": "<unk>",
    }
    write_json(folder / "tokenizer_config.json", config)
    special = {"additional_special_tokens": extra, "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    write_json(folder / "special_tokens_map.json", special)
    write_json(folder / "added_tokens.json", {"<image>": tokenizer.token_to_id("<image>")})
