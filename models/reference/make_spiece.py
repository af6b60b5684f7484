"""A SentencePiece model in T5's arrangement, trained on the small corpus with the published character map (nmt_nfkc), and
the ids that transformers' T5Tokenizer gives from spiece.model alone: spiece/spiece.model, spiece/ids.json.

    python make_spiece.py
"""

import hashlib
import json
from pathlib import Path

import sentencepiece
from transformers import T5Tokenizer

from make_t5 import LONG_PROMPT
from t5_tokenizer import TOKENIZER_TEXTS
from tokenizer_files import CORPUS

FOLDER = Path(__file__).parent / "spiece"
PIECES = 340
BLOCK = 256

TEXTS = [
    *TOKENIZER_TEXTS, LONG_PROMPT, *CORPUS.split("\n"), "   ", "\n\n", " a  b\tc\r\nd ", "a\u0085b", "a\ufeffb\u200bc\u00adc", "▁a ▁ ▁▁b", "a\x00b\x01c\x7f",
    "e\u0301 é n\u0303 o\u0302\u0301 \u1e9b\u0323", "\ud55c\uad6d \u1112\u1161\u11ab", "ｈａｌｆ　ｗｉｄｔｈ ﾊﾝｶｸ ｶﾞ", "①②③ ⅷ ℡ ㎏ ㍿ ﷺ ™ ½", "👩‍👩‍👧‍👦 🇸🇬 👍🏽 ❤️",
    "مرحبا بالعالم السلام عليكم", "नमस्ते दुनिया क्षि", "สวัสดีชาวโลก กำ", "你好，世界！「」…", "こんにちは、がぎぐ", "Привет, мир! Й й", "ΌΣΟΣ ὅς ᾳ", "שָׁלוֹם", "ǆ ŉ ĳ ſt ﬀ ﬃ",
    "a~b～c〜d", "“quotes” ‘single’ — – ‒ … ‥", "x² + y³ = z₁", "½ kg, 25 °C, 3 µm", "<pad", "pad> s> unk", "Ⓐⓑ ㈱ ㋿", "À la carte: naïve façade, Zürich, Åse, œuvre",
    "ザ゙ が\u3099 \u0e33\u0e33", "a\u0300\u0301\u0302\u0303b", "𝕳𝖊𝖑𝖑𝖔 𝟙𝟚𝟛", "\ufffd\ufffe\uffff", "𠀀𪛖",
]


def train() -> None:
    FOLDER.mkdir(exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS.split("\n") * 4), model_prefix=str(FOLDER / "spiece"), model_type="unigram",
        vocab_size=PIECES, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, pad_piece="<pad>", eos_piece="</s>", unk_piece="<unk>",
        normalization_rule_name="nmt_nfkc", hard_vocab_limit=False, num_threads=1, minloglevel=2, byte_fallback=False,
        required_chars="éñüß☃½²",
    )
    (FOLDER / "spiece.vocab").unlink()


def block_hash(tokenizer: T5Tokenizer, first: int) -> str:
    """SHA-256 of what the character map makes of a letter, each code point of a block and a letter, as a JSON list."""
    points = [c for c in range(first, first + BLOCK) if not 0xD800 <= c < 0xE000]
    normalise = tokenizer.backend_tokenizer.normalizer.normalize_str
    rows = [normalise(f"a{chr(c)}o") for c in points]
    return hashlib.sha256(json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def main() -> None:
    train()
    tokenizer = T5Tokenizer.from_pretrained(FOLDER)
    cases = [{"text": text, "ids": tokenizer(text, add_special_tokens=False).input_ids} for text in TEXTS]
    starts = [*range(0, 0x10000, BLOCK), *range(0x1D400, 0x1D800, BLOCK), *range(0x1F100, 0x1F300, BLOCK), *range(0x2F800, 0x2FA00, BLOCK)]
    blocks = {f"{first:05x}": block_hash(tokenizer, first) for first in starts if not 0xD800 <= first < 0xE000}
    words = {name: tokenizer.convert_tokens_to_ids(name) for name in ["<pad>", "</s>", "<unk>", "<extra_id_0>", "<extra_id_99>"]}
    result = {"size": len(tokenizer), "words": words, "cases": cases, "blockLength": BLOCK, "blocks": blocks}
    (FOLDER / "ids.json").write_text(json.dumps(result, ensure_ascii=True, indent=1) + "\n")
    compare_with_sentencepiece(cases)


def compare_with_sentencepiece(cases: list[dict]) -> None:
    """Says where SentencePiece itself differs from transformers."""
    own = sentencepiece.SentencePieceProcessor(model_file=str(FOLDER / "spiece.model"))
    for case in cases:
        ids = own.encode(case["text"])
        if ids != case["ids"]:
            print(f"SentencePiece differs: {case['text']!r} {ids} {case['ids']}")


if __name__ == "__main__":
    main()
