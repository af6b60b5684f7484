"""Answers of transformers' own `generate` where words are forbidden or the beginning is given: words.json beside three checkpoints.

    python make_words.py

Forbidden are tokens and pairs of tokens that the free answer has (`bad_words_ids`); the beginning is given with
`prefix_allowed_tokens_fn`, which leaves one token for each of the first places. As in make_generation.py a case is kept
only where float64 chooses the same tokens as float32. Forced words have no values: transformers 5 has no
`force_words_ids` any more.
"""

import json
from pathlib import Path

import torch
from PIL import Image

from make_generation import answers
from oracle import load_model, pixel_values, read_settings

HERE = Path(__file__).parent
FOLDERS = ["short-tied", "wide-image", "t5-untied"]
SETTINGS = [
    dict(),
    dict(num_beams=3, num_return_sequences=3),
    dict(num_beams=5, length_penalty=-1.0, repetition_penalty=1.2),
    dict(num_beams=4, no_repeat_ngram_size=2, min_new_tokens=4),
]


def prefix_function(model, prompt_ids: list[int], beginning: list[int]):
    """transformers asks with all ids so far: image tokens and prompt, or the decoder's first token."""
    encoder_decoder = model.language_model.config.is_encoder_decoder
    before = 1 if encoder_decoder else model.config.num_query_tokens + len(prompt_ids)
    everything = list(range(model.language_model.config.vocab_size))

    def allowed(_batch: int, ids: torch.Tensor) -> list[int]:
        place = len(ids) - before
        return [beginning[place]] if place < len(beginning) else everything

    return allowed


def cases_of(folder: Path) -> list[dict]:
    reference = json.loads((folder / "reference.json").read_text())
    models = {dtype: load_model(folder).to(dtype) for dtype in (torch.float32, torch.float64)}
    settings = read_settings(folder)
    eos = reference["eosTokenId"]
    cases = []
    for case in reference["cases"]:
        pixels = pixel_values(Image.open(HERE / case["image"]), settings)
        ids = case["newIds"]
        often = max(set(ids), key=ids.count)
        bans = [
            [[ids[0]]],
            [[often], [eos]],
            [ids[0:2], ids[1:4], [case["promptIds"][-1], ids[0]]],
            [],
        ]
        beginnings = [[], [], [], [next(i for i in reversed(ids) if i != eos), 20, 21]]
        for banned, beginning in zip(bans, beginnings):
            for chosen in SETTINGS:
                # What repeats a pair is forbidden there even where it was asked for, which leaves nothing at all.
                if beginning and "no_repeat_ngram_size" in chosen:
                    continue
                options = {"max_new_tokens": 10, "eos_token_id": eos} | chosen
                found = {}
                for dtype, model in models.items():
                    words = {"bad_words_ids": banned} if banned else {}
                    if beginning:
                        words["prefix_allowed_tokens_fn"] = prefix_function(model, case["promptIds"], beginning)
                    found[dtype] = answers(model, pixels.to(dtype), case["promptIds"], options | words)
                exact, plain = found[torch.float64], found[torch.float32]
                if [a["ids"] for a in exact] != [a["ids"] for a in plain]:
                    print(f"  left out, rounding decides: {case['prompt']!r} {options}")
                    continue
                cases.append({
                    "imageKey": case["imageKey"], "promptIds": case["promptIds"], "settings": options,
                    "banned": banned, "beginning": beginning, "answers": exact,
                })
    return cases


def main() -> None:
    torch.set_num_threads(1)
    for name in FOLDERS:
        cases = cases_of(HERE / name)
        lines = ",\n".join(json.dumps(case) for case in cases)
        (HERE / name / "words.json").write_text(f"[\n{lines}\n]\n")
        print(f"{name}: {len(cases)} cases")


if __name__ == "__main__":
    main()
