"""Answers of transformers' own `generate` on the reference checkpoints: generation.json beside each of them, and sampling.json.

    python make_generation.py                  # every folder with a generation_config.json: LAVIS' and those of stage 1 have none
    python make_generation.py t5-untied        # one of them

Greedy and beam search under many settings. A case is kept only where float64 chooses the same tokens as float32, so
that rounding cannot decide it. Random checkpoints hardly ever end an answer by themselves, so every second group of
settings declares a token that they do write to be the ending one.
"""

import json
import sys
from pathlib import Path

import torch
from PIL import Image

from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from oracle import load_model, pixel_values, read_settings, run_stages

HERE = Path(__file__).parent

# Answers longer than the distance of 113 from which on T5's decoder has one bucket only; nothing ends them.
LONG_ANSWER = dict(max_new_tokens=124, no_repeat_ngram_size=3, min_new_tokens=124)

# Names as in transformers' GenerationConfig.
SETTINGS = [
    dict(),
    dict(repetition_penalty=1.5),
    dict(no_repeat_ngram_size=2),
    dict(repetition_penalty=1.2, no_repeat_ngram_size=3, min_new_tokens=6),
    dict(num_beams=2),
    dict(num_beams=3, length_penalty=0.0),
    dict(num_beams=3, length_penalty=-1.0, num_return_sequences=3),
    dict(num_beams=4, length_penalty=2.0, num_return_sequences=2),
    dict(num_beams=5),
    dict(num_beams=5, length_penalty=-1.0, max_new_tokens=10),
    dict(num_beams=5, repetition_penalty=1.5, num_return_sequences=5),
    dict(num_beams=5, no_repeat_ngram_size=2, min_new_tokens=4),
    dict(num_beams=5, min_new_tokens=8, length_penalty=-1.0),
]


@torch.no_grad()
def answers(model, pixels, ids: list[int], settings: dict) -> list[dict]:
    """New tokens (the ending one included, padding cut off) and the score of every answer, best first."""
    eos = settings["eos_token_id"]
    language = model.language_model.config
    options = dict(do_sample=False, return_dict_in_generate=True, output_scores=True, pad_token_id=language.pad_token_id) | settings
    image_token = model.config.image_token_index
    if image_token is None:  # the layout of 2023: embeddings only, so only new tokens come back
        queries = run_stages(model, pixels).query_embeddings
        tokens = model.get_input_embeddings()(torch.tensor([ids]))
        embeddings = torch.cat([queries, tokens], dim=1)
        mask = torch.ones(embeddings.shape[:2], dtype=torch.long)
        out = model.language_model.generate(inputs_embeds=embeddings, attention_mask=mask, **options)
        start = 0
    else:
        full = [image_token] * model.config.num_query_tokens + ids
        out = model.generate(pixel_values=pixels, input_ids=torch.tensor([full]), **options)
        # The decoder of an encoder-decoder begins with one token of its own; the prompt does not come back.
        start = 1 if language.is_encoder_decoder else len(full)
    scores = getattr(out, "sequences_scores", None)
    result = []
    for i, sequence in enumerate(out.sequences):
        new = sequence[start:].tolist()
        new = new[: new.index(eos) + 1] if eos in new else new
        result.append({"ids": new, "score": None if scores is None else round(float(scores[i]), 6)})
    return result


def settings_for(model, case: dict, own_end: bool) -> list[dict]:
    """For T5 one long answer more, to one prompt."""
    long = model.language_model.config.is_encoder_decoder and own_end and case["prompt"] == ""
    return [*SETTINGS, LONG_ANSWER] if long else SETTINGS


def cases_of(folder: Path) -> list[dict]:
    reference = json.loads((folder / "reference.json").read_text())
    models = {dtype: load_model(folder).to(dtype) for dtype in (torch.float32, torch.float64)}
    settings = read_settings(folder)
    old_layout = reference["imageTokenId"] is None
    cases = []
    for case in reference["cases"]:
        pixels = pixel_values(Image.open(HERE / case["image"]), settings)
        often = max(set(case["newIds"][2:] or case["newIds"][:1]), key=case["newIds"].count)
        for eos in (reference["eosTokenId"], often):
            for chosen in settings_for(models[torch.float32], case, eos == reference["eosTokenId"]):
                if old_layout and ("repetition_penalty" in chosen or "no_repeat_ngram_size" in chosen):
                    continue  # there the prompt's ids do not count, since only embeddings are handed over
                options = {"max_new_tokens": 12, "eos_token_id": eos} | chosen
                found = {d: answers(m, pixels.to(d), case["promptIds"], options) for d, m in models.items()}
                exact, plain = found[torch.float64], found[torch.float32]
                if [a["ids"] for a in exact] != [a["ids"] for a in plain]:
                    print(f"  left out, rounding decides: {case['prompt']!r} {options}")
                    continue
                cases.append({"imageKey": case["imageKey"], "promptIds": case["promptIds"], "settings": options, "answers": exact})
    return cases


def sampling_cases() -> list[dict]:
    """Probabilities that transformers' warpers leave of random logits; the order is temperature, top-k, top-p."""
    generator = torch.Generator().manual_seed(5)
    cases = []
    for temperature, top_k, top_p in [(1.0, 0, 1.0), (0.7, 0, 0.9), (1.0, 5, 1.0), (1.5, 50, 0.95), (0.2, 0, 0.5), (1.0, 3, 0.6), (2.0, 0, 0.05)]:
        logits = torch.randn(1, 60, generator=generator) * 2
        scores = TemperatureLogitsWarper(temperature)(None, logits) if temperature != 1 else logits
        scores = TopKLogitsWarper(top_k)(None, scores) if top_k else scores
        scores = TopPLogitsWarper(top_p)(None, scores) if top_p < 1 else scores
        cases.append({
            "temperature": temperature, "topK": top_k, "topP": top_p,
            "logits": [round(x, 6) for x in logits[0].tolist()],
            "probabilities": [round(x, 8) for x in scores.softmax(-1)[0].tolist()],
        })
    return cases


def main() -> None:
    torch.set_num_threads(1)
    for folder in sorted(p for p in HERE.iterdir() if (p / "generation_config.json").exists()):
        if len(sys.argv) > 1 and folder.name not in sys.argv[1:]:
            continue
        cases = cases_of(folder)
        lines = ",\n".join(json.dumps(case) for case in cases)
        (folder / "generation.json").write_text(f"[\n{lines}\n]\n")
        ended = sum(c["settings"]["eos_token_id"] in a["ids"] for c in cases for a in c["answers"])
        print(f"{folder.name}: {len(cases)} cases, {ended} answers that ended")
    (HERE / "sampling.json").write_text("[\n" + ",\n".join(map(json.dumps, sampling_cases())) + "\n]\n")


if __name__ == "__main__":
    main()
