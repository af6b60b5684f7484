"""Makes the five small random BLIP-2 checkpoints and the values transformers computes from them.

    python make_reference.py                    # all checkpoints, images/ and preprocessing.json
    python make_reference.py untied             # one of them
    python make_reference.py --search 300 untied  # look for a better seed; prints, writes nothing
"""

import argparse
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator

import numpy as np
import torch
import transformers
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import Blip2Config, Blip2ForConditionalGeneration

from checkpoint_files import long_config, preprocessor_config, short_config, write_settings, write_weights
from images import resize_checksums, write_images
from oracle import Answer, check_post_norm, generated_ids, greedy, load_model, pixel_values, read_settings, run_stages
from tokenizer_files import BOS_ID, PAD_ID, is_readable, newline_id, train_tokenizer, write_json, write_tokenizer
from weights import EMBEDDINGS, LM_HEAD, random_weights

HERE = Path(__file__).parent
CLIP_MEAN, CLIP_STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
NEW_TOKENS = 12
SMALLEST_MARGIN = 1e-3

# (picture, prompt). The last prompt holds a line break and letters outside ASCII.
CASES = [
    ("A", ""),
    ("A", "a photo of"),
    ("B", "Question: what is it? Answer:"),
    ("B", "Question: where is the café? Answer: 12 m\nQuestion: why? Answer:"),
]

# Strings that tell byte-level BPE implementations apart.
TOKENIZER_TEXTS = [
    "", " ", "a", " a photo", "  two  spaces ", "It's they're I'D we'll 'tis", "12345 3.14", "naïve café – ☃ 🙂",
    "\n", "line one\nline two\n", "tab\tand\u00a0space", "Answer:?!...", "end ", "<unknown> </tag>",
]


@dataclass
class Spec:
    """One checkpoint: dimensions, and which of the layouts found on the hub it has."""

    seed: int
    vision: dict
    qformer: dict
    text: dict
    queries: int
    words: int  # tokens the tokenizer knows, without <image>
    rows: int  # rows of the embedding
    tied: bool = True
    long_form: bool = False
    store_head: bool = False
    dtype: torch.dtype = torch.float32
    qformer_dtype: torch.dtype | None = None
    shards: int = 1
    tokenizer_json: bool = True
    mean: list[float] = field(default_factory=lambda: CLIP_MEAN)
    std: list[float] = field(default_factory=lambda: CLIP_STD)


SPECS = {
    # Head sizes of the published models (88 and 80) in the form the refreshed repositories have.
    "short-tied": Spec(
        seed=32,
        vision=dict(hidden_size=176, num_attention_heads=2, intermediate_size=64, num_hidden_layers=2, image_size=56, patch_size=14),
        qformer=dict(hidden_size=40, num_attention_heads=4, intermediate_size=72, num_hidden_layers=3),
        text=dict(hidden_size=160, num_attention_heads=2, ffn_dim=96, num_hidden_layers=2, max_position_embeddings=96),
        queries=8, words=350, rows=360,
    ),
    # The form of 2023: no image token, head stored next to the embedding it equals, a leftover buffer, shards.
    # Q-Former and queries stay float32 when transformers loads in half precision and saves again.
    "long-sharded": Spec(
        seed=74,
        vision=dict(hidden_size=96, num_attention_heads=3, intermediate_size=112, num_hidden_layers=2, image_size=70, patch_size=14),
        qformer=dict(hidden_size=40, num_attention_heads=5, intermediate_size=64, num_hidden_layers=4),
        text=dict(hidden_size=96, num_attention_heads=3, ffn_dim=144, num_hidden_layers=3, max_position_embeddings=96),
        queries=12, words=330, rows=336, long_form=True, store_head=True, dtype=torch.float16,
        qformer_dtype=torch.float32, shards=3,
    ),
    # Awkward widths, a separate head, no padding rows, and epsilons large enough that a wrong one shows.
    "untied": Spec(
        seed=24,
        vision=dict(hidden_size=72, num_attention_heads=4, intermediate_size=100, num_hidden_layers=3, image_size=48, patch_size=8, layer_norm_eps=1e-3),
        qformer=dict(hidden_size=60, num_attention_heads=3, intermediate_size=88, num_hidden_layers=5, layer_norm_eps=1e-3),
        text=dict(hidden_size=88, num_attention_heads=4, ffn_dim=200, num_hidden_layers=2, max_position_embeddings=80),
        queries=5, words=372, rows=373, tied=False, store_head=True, dtype=torch.bfloat16,
    ),
    # More image tokens, as many queries as the published models, other normalisation, vocab.json + merges.txt only.
    "wide-image": Spec(
        seed=8,
        vision=dict(hidden_size=128, num_attention_heads=2, intermediate_size=96, num_hidden_layers=2, image_size=112, patch_size=16),
        qformer=dict(hidden_size=64, num_attention_heads=1, intermediate_size=64, num_hidden_layers=6),
        text=dict(hidden_size=128, num_attention_heads=2, ffn_dim=192, num_hidden_layers=2, max_position_embeddings=128),
        queries=32, words=345, rows=352, dtype=torch.float16, tokenizer_json=False,
        mean=[0.5, 0.45, 0.4], std=[0.25, 0.22, 0.3],
    ),
    # The layout of the -coco repositories and OPT-6.7B's heads: 26 × 26 patches as at 364 pixels, no image token, a head
    # stored next to the embedding that it equals, 128 values for each head.
    "coco-wide-heads": Spec(
        seed=3,
        vision=dict(hidden_size=48, num_attention_heads=2, intermediate_size=72, num_hidden_layers=2, image_size=104, patch_size=4),
        qformer=dict(hidden_size=48, num_attention_heads=3, intermediate_size=64, num_hidden_layers=3),
        text=dict(hidden_size=256, num_attention_heads=2, ffn_dim=128, num_hidden_layers=2, max_position_embeddings=96),
        queries=16, words=340, rows=344, long_form=True, store_head=True, dtype=torch.float16,
    ),
}


def make_tokenizer(spec: Spec) -> Tokenizer:
    return train_tokenizer(spec.words, with_image_token=not spec.long_form)


def make_config(spec: Spec, tokenizer: Tokenizer) -> Blip2Config:
    text = dict(
        model_type="opt",
        vocab_size=spec.rows,
        eos_token_id=newline_id(tokenizer),
        bos_token_id=BOS_ID,
        pad_token_id=PAD_ID,
        tie_word_embeddings=spec.tied,
        word_embed_proj_dim=spec.text["hidden_size"],
        **spec.text,
    )
    return Blip2Config(
        vision_config=spec.vision,
        qformer_config=spec.qformer,
        text_config=text,
        num_query_tokens=spec.queries,
        image_token_index=None if spec.long_form else spec.words,
    )


def row_gain(spec: Spec, tokenizer: Tokenizer) -> np.ndarray:
    """[rows] Makes answers readable, and line breaks likely enough that some answers end."""
    gain = np.array([1.0 if i < spec.words and is_readable(tokenizer, i) else 0.6 for i in range(spec.rows)])
    gain[newline_id(tokenizer)] = 1.3
    return gain


def stored_type(spec: Spec, name: str) -> torch.dtype:
    if spec.qformer_dtype is not None and name.startswith(("qformer.", "query_tokens")):
        return spec.qformer_dtype
    return spec.dtype


def make_tensors(spec: Spec, config: Blip2Config, tokenizer: Tokenizer, seed: int) -> dict[str, torch.Tensor]:
    """Every parameter in the type it is stored in, the language model's head included."""
    weights = random_weights(config, seed, row_gain(spec, tokenizer))
    return {name: torch.from_numpy(values).to(stored_type(spec, name)) for name, values in weights.items()}


def stored_tensors(spec: Spec, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What the files hold: with or without the head, and with the buffer old versions saved."""
    stored = {name: tensor for name, tensor in tensors.items() if spec.store_head or name != LM_HEAD}
    if spec.long_form:
        stored["qformer.embeddings.position_ids"] = torch.arange(16)[None]
    return stored


def prompt_ids(tokenizer: Tokenizer, prompt: str) -> list[int]:
    return tokenizer.encode(prompt).ids


def write_checkpoint(folder: Path, spec: Spec, config: Blip2Config, tokenizer: Tokenizer, tensors: dict) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config_json = long_config(config, spec.dtype) if spec.long_form else short_config(config)
    write_settings(folder, config, config_json, spec.mean, spec.std)
    write_tokenizer(folder, tokenizer, old_style=spec.long_form, with_tokenizer_json=spec.tokenizer_json)
    write_weights(folder, stored_tensors(spec, tensors), spec.shards)


def check_loaded(model: Blip2ForConditionalGeneration, spec: Spec, tensors: dict[str, torch.Tensor]) -> None:
    """What transformers loaded must be what was stored, tied or untied as meant."""
    loaded = model.state_dict()
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(loaded[name], tensor.float()), name
    tied = model.get_input_embeddings().weight.data_ptr() == model.get_output_embeddings().weight.data_ptr()
    assert tied == spec.tied
    assert torch.equal(loaded[EMBEDDINGS], loaded[LM_HEAD]) == spec.tied


def check_answer(answer: Answer, spec: Spec) -> None:
    assert min(answer.margins) > SMALLEST_MARGIN
    # Padding rows must not win: some implementations mask them, transformers does not.
    assert all(PAD_ID < i < spec.words for i in answer.token_ids)


def case_entry(tokenizer: Tokenizer, case: tuple[str, str], image: str, answer: Answer, eos: int) -> dict:
    return {
        "image": image,
        "imageKey": f"image{case[0]}",
        "prompt": case[1],
        "promptIds": prompt_ids(tokenizer, case[1]),
        "newIds": answer.token_ids,
        "endsWithEos": answer.token_ids[-1] == eos,
        "text": tokenizer.decode(answer.token_ids, skip_special_tokens=True),
        "smallestMargin": round(min(answer.margins), 5),
        "logitsStd": round(answer.spread, 4),
    }


def write_reference(folder: Path, spec: Spec, tokenizer: Tokenizer, images: dict[str, Path], tensors: dict) -> None:
    """Reference values come from the files just written, not from the arrays they were made of."""
    model = load_model(folder)
    check_loaded(model, spec, tensors)
    settings = read_settings(folder)
    eos = newline_id(tokenizer)
    values: dict[str, torch.Tensor] = {}
    stages = {}
    for key, path in images.items():
        pixels = pixel_values(Image.open(path), settings)
        stages[key] = run_stages(model, pixels)
        check_post_norm(model, pixels, stages[key].image_features)
        values[f"image{key}.pixel_values"] = pixels
        for name, tensor in vars(stages[key]).items():
            values[f"image{key}.{name}"] = tensor
    cases = []
    for index, case in enumerate(CASES):
        ids = prompt_ids(tokenizer, case[1])
        answer = greedy(model, stages[case[0]].query_embeddings, ids, eos, NEW_TOKENS)
        check_answer(answer, spec)
        if model.config.image_token_index is not None:
            assert generated_ids(model, values[f"image{case[0]}.pixel_values"], ids, NEW_TOKENS) == answer.token_ids
        values[f"case{index}.logits"] = answer.logits
        cases.append(case_entry(tokenizer, case, f"images/{images[case[0]].name}", answer, eos))
    save_file({k: v.contiguous() for k, v in values.items()}, folder / "reference.safetensors")
    write_json(folder / "reference.json", reference_json(spec, tokenizer, cases))


def reference_json(spec: Spec, tokenizer: Tokenizer, cases: list[dict]) -> dict:
    return {
        "versions": {"transformers": transformers.__version__, "torch": torch.__version__.split("+")[0]},
        "maxNewTokens": NEW_TOKENS,
        "eosTokenId": newline_id(tokenizer),
        "imageTokenId": None if spec.long_form else spec.words,
        "tied": spec.tied,
        "cases": cases,
        "tokenizerCases": [{"text": text, "ids": prompt_ids(tokenizer, text)} for text in TOKENIZER_TEXTS],
    }


def make_checkpoint(name: str, spec: Spec, images: dict[str, Path]) -> None:
    tokenizer = make_tokenizer(spec)
    config = make_config(spec, tokenizer)
    tensors = make_tensors(spec, config, tokenizer, spec.seed)
    write_checkpoint(HERE / name, spec, config, tokenizer, tensors)
    write_reference(HERE / name, spec, tokenizer, images, tensors)
    report(name)


def report(name: str) -> None:
    size = sum(p.stat().st_size for p in (HERE / name).iterdir())
    print(f"{name}: {size / 1e6:.2f} MB")
    for case in json.loads((HERE / name / "reference.json").read_text())["cases"]:
        print(f"  {case['imageKey']} {case['prompt']!r} -> {case['newIds']} {case['text']!r} margin {case['smallestMargin']}")


def seed_score(spec: Spec, answers: list[Answer]) -> float:
    """The smallest margin of all steps relative to the logits' spread; below 0 where the seed will not do."""
    varied = all(len(set(a.token_ids)) > 2 and len(a.token_ids) > 3 for a in answers)
    known = all(PAD_ID < i < spec.words for a in answers for i in a.token_ids)
    differ = len({tuple(a.token_ids) for a in answers}) == len(answers)
    if not (varied and known and differ):
        return -1.0
    return min(min(a.margins) / a.spread for a in answers)


def answers_by_seed(spec: Spec, images: dict[str, Path], seeds: range) -> Iterator[tuple[int, list[Answer]]]:
    """What greedy decoding says to every case under weights of each seed."""
    tokenizer = make_tokenizer(spec)
    config = make_config(spec, tokenizer)
    model = Blip2ForConditionalGeneration._from_config(config, attn_implementation="eager").eval()
    settings = preprocessor_config(config.vision_config.image_size, spec.mean, spec.std)
    pixels = {key: pixel_values(Image.open(path), settings) for key, path in images.items()}
    eos = newline_id(tokenizer)
    for seed in seeds:
        model.load_state_dict(make_tensors(spec, config, tokenizer, seed))
        embeddings = {key: run_stages(model, image).query_embeddings for key, image in pixels.items()}
        yield seed, [greedy(model, embeddings[key], prompt_ids(tokenizer, p), eos, NEW_TOKENS) for key, p in CASES]


def search(name: str, spec: Spec, images: dict[str, Path], count: int) -> None:
    """Tries seeds and prints the best so far, for the table above."""
    tokenizer = make_tokenizer(spec)
    best = 0.0
    for seed, answers in answers_by_seed(spec, images, range(1, count + 1)):
        score = seed_score(spec, answers)
        if score > best:
            best = score
            print(f"{name}: seed {seed} margin {score:.4f}", [tokenizer.decode(a.token_ids) for a in answers], flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*SPECS, []], help="checkpoints to make (default: all)")
    parser.add_argument("--search", type=int, default=0, metavar="SEEDS")
    options = parser.parse_args()
    torch.set_num_threads(1)  # summation order, and so the last bits, should not depend on the machine's cores
    images = write_images(HERE / "images")
    for name in options.names or SPECS:
        if options.search:
            search(name, SPECS[name], images, options.search)
        else:
            make_checkpoint(name, SPECS[name], images)
    if not options.search:
        write_json(HERE / "preprocessing.json", resize_checksums())


if __name__ == "__main__":
    main()
