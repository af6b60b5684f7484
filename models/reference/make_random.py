"""Makes one more random checkpoint: of dimensions no test has seen, or large, to measure the converter.

    python make_random.py DIR --seed 7                           # small, every dimension drawn from the seed
    python make_random.py DIR --seed 7 --dtype bfloat16 --untied --long-form --shards 2 --opt-layers 4
    python make_random.py DIR --size 2gb                         # published widths, fewer layers, float32 shards
    python make_random.py DIR --size opt-2.7b                    # every layer: about 15 GB

A small one comes with images/, reference.json and reference.safetensors like the checkpoints beside this file. A large
one has no reference values: its tensors repeat one random block, so that writing is bound by the disk.
"""

import argparse
import json
import struct
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import Blip2Config

from checkpoint_files import shard_name, short_config, write_index, write_settings
from images import write_images
from make_reference import (
    CLIP_MEAN,
    CLIP_STD,
    NEW_TOKENS,
    SMALLEST_MARGIN,
    Spec,
    answers_by_seed,
    make_config,
    make_tensors,
    make_tokenizer,
    seed_score,
    write_checkpoint,
    write_reference,
)
from tokenizer_files import newline_id, write_tokenizer
from weights import LM_HEAD, adjust, is_norm, parameter_shapes, standard_deviation

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
LONGEST_PROMPT = 32  # room for the longest prompt of the reference cases
ATTEMPTS = 200

# Layers of (vision, Q-Former, OPT); widths are those of blip2-opt-2.7b.
LARGE_SIZES = {"2gb": (6, 2, 3), "opt-2.7b": (39, 12, 32)}
BLOCK = 1 << 22  # floats of the random block that large tensors repeat
SHARD_BYTES = 1 << 30


def draw_spec(options: argparse.Namespace) -> Spec:
    """Dimensions from the seed; those named on the command line win, without moving the others."""
    random = np.random.Generator(np.random.PCG64(options.seed))

    def draw(low: int, high: int) -> int:
        return int(random.integers(low, high + 1))

    def width(heads: int, low: int, high: int) -> dict:
        return {"num_attention_heads": heads, "hidden_size": heads * 2 * draw(low // 2, high // 2)}

    patch, grid, queries, words = int(random.choice([7, 8, 14, 16])), draw(3, 7), draw(3, 24), draw(300, 380)
    vision = {**width(draw(1, 4), 16, 44), "intermediate_size": draw(40, 180), "num_hidden_layers": draw(1, 4)}
    qformer = {**width(draw(1, 4), 8, 24), "intermediate_size": draw(30, 120), "num_hidden_layers": draw(1, 5)}
    text = {**width(draw(1, 4), 16, 44), "ffn_dim": draw(60, 240), "num_hidden_layers": draw(1, 4)}
    named = {"vision": (vision, options.vision_layers), "qformer": (qformer, options.qformer_layers), "text": (text, options.opt_layers)}
    for section, layers in named.values():
        section["num_hidden_layers"] = layers or section["num_hidden_layers"]
    queries = options.queries or queries
    return Spec(
        seed=options.seed,
        vision={**vision, "patch_size": patch, "image_size": patch * grid},
        qformer=qformer,
        text={**text, "max_position_embeddings": queries + LONGEST_PROMPT + NEW_TOKENS},
        queries=queries,
        words=words,
        rows=words + 1 + draw(0, 9),
        tied=not options.untied,
        long_form=options.long_form,
        store_head=options.untied or options.store_head,
        dtype=DTYPES[options.dtype],
        shards=options.shards,
    )


def choose_seed(spec: Spec, images: dict[str, Path]) -> int:
    """The first seed for weights, from the spec's on, under which greedy answers vary and no step is a near tie."""
    for seed, answers in answers_by_seed(spec, images, range(spec.seed, spec.seed + ATTEMPTS)):
        if seed_score(spec, answers) > 0 and min(min(a.margins) for a in answers) > 2 * SMALLEST_MARGIN:
            return seed
    raise SystemExit(f"no usable weights in {ATTEMPTS} attempts: take another --seed")


def make_small(folder: Path, options: argparse.Namespace) -> None:
    spec = draw_spec(options)
    images = write_images(folder.parent / f"{folder.name}-images")
    spec.seed = choose_seed(spec, images)
    tokenizer = make_tokenizer(spec)
    config = make_config(spec, tokenizer)
    tensors = make_tensors(spec, config, tokenizer, spec.seed)
    write_checkpoint(folder, spec, config, tokenizer, tensors)
    (folder.parent / f"{folder.name}-images").rename(folder / "images")
    write_reference(folder, spec, tokenizer, {k: folder / "images" / p.name for k, p in images.items()}, tensors)
    print(f"{folder}: weights of seed {spec.seed}\n  vision {spec.vision}\n  Q-Former {spec.qformer}\n  OPT {spec.text}")


def large_config(tokenizer: Tokenizer, size: str) -> Blip2Config:
    """Widths of blip2-opt-2.7b; the small tokenizer's ids fill the first of its 50304 rows."""
    vision, qformer, opt = LARGE_SIZES[size]
    text = dict(
        model_type="opt", vocab_size=50304, hidden_size=2560, num_attention_heads=32, ffn_dim=10240,
        num_hidden_layers=opt, word_embed_proj_dim=2560, eos_token_id=newline_id(tokenizer),
    )
    return Blip2Config(
        vision_config=dict(num_hidden_layers=vision),
        qformer_config=dict(num_hidden_layers=qformer),
        text_config=text,
        num_query_tokens=32,
        image_token_index=tokenizer.token_to_id("<image>"),
    )


def write_tensor(file: BinaryIO, name: str, shape: tuple[int, ...], block: np.ndarray) -> None:
    """Float32 values of `shape`; anything larger than the block repeats it."""
    count = int(np.prod(shape))
    if is_norm(name) or name.endswith(".bias"):
        file.write(adjust(name, block[:count] * np.float32(standard_deviation(name, shape))).tobytes())
        return
    scaled = (block[: min(count, BLOCK)] * np.float32(standard_deviation(name, shape))).data.cast("B")
    for start in range(0, count, BLOCK):
        file.write(scaled[: min(BLOCK, count - start) * 4])


def write_large_shard(path: Path, shapes: dict[str, tuple[int, ...]], block: np.ndarray) -> None:
    """A safetensors file written tensor by tensor, so that memory stays at one block."""
    ends = np.cumsum([0, *(int(np.prod(shape)) * 4 for shape in shapes.values())]).tolist()
    header: dict = {"__metadata__": {"format": "pt"}}
    for (name, shape), offsets in zip(shapes.items(), pairwise(ends)):
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": list(offsets)}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in shapes.items():
            write_tensor(file, name, shape, block)


def group_by_bytes(shapes: dict[str, tuple[int, ...]]) -> list[dict[str, tuple[int, ...]]]:
    """Shards of about SHARD_BYTES each."""
    groups: list[dict[str, tuple[int, ...]]] = [{}]
    filled = 0
    for name, shape in shapes.items():
        size = int(np.prod(shape)) * 4
        if filled and filled + size > SHARD_BYTES:
            groups.append({})
            filled = 0
        groups[-1][name] = shape
        filled += size
    return groups


def make_large(folder: Path, options: argparse.Namespace) -> None:
    tokenizer = make_tokenizer(Spec(seed=0, vision={}, qformer={}, text={}, queries=32, words=350, rows=50304))
    config = large_config(tokenizer, options.size)
    folder.mkdir(parents=True, exist_ok=True)
    write_settings(folder, config, short_config(config), CLIP_MEAN, CLIP_STD)
    write_tokenizer(folder, tokenizer, old_style=False, with_tokenizer_json=True)
    shapes = {name: shape for name, shape in parameter_shapes(config).items() if name != LM_HEAD}
    block = np.random.Generator(np.random.PCG64(options.seed)).standard_normal(BLOCK, dtype=np.float32)
    groups = group_by_bytes(shapes)
    files: dict[str, str] = {}
    for index, group in enumerate(groups):
        name = shard_name(index, len(groups))
        write_large_shard(folder / name, group, block)
        files.update({tensor: name for tensor in group})
    total = sum(int(np.prod(shape)) * 4 for shape in shapes.values())
    write_index(folder, files, total)
    print(f"{folder}: {total / 1e9:.2f} GB in {len(groups)} shards")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="must not exist yet, or be empty")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", choices=["small", *LARGE_SIZES], default="small")
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument("--untied", action="store_true", help="a language model head of its own")
    parser.add_argument("--store-head", action="store_true", help="store the head although it equals the embedding")
    parser.add_argument("--long-form", action="store_true", help="config.json of 2023, without an image token")
    parser.add_argument("--shards", type=int, default=1)
    for name in ("vision-layers", "qformer-layers", "opt-layers", "queries"):
        parser.add_argument(f"--{name}", type=int)
    return parser.parse_args()


def main() -> None:
    options = read_options()
    # Writing a checkpoint starts by clearing its folder, which must not happen to somebody's files.
    if options.folder.exists() and any(options.folder.iterdir()):
        raise SystemExit(f"{options.folder} is not empty")
    torch.set_num_threads(1)
    if options.size == "small":
        make_small(options.folder, options)
    else:
        make_large(options.folder, options)


if __name__ == "__main__":
    main()
