"""Compares `pictalk trace` with transformers on the same checkpoint:

    python compare_trace.py <checkpoint> <trace.safetensors> --image picture.png [--prompt "a photo of"]
"""

import argparse
import json
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file
from tokenizers import Tokenizer

from make_reference import BOS, load, make_tokenizer, preprocess, stages


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("trace", type=Path)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--prompt", default="")
    args = parser.parse_args()
    ours = load_file(args.trace)
    file = args.checkpoint / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(file)) if file.exists() else make_tokenizer()
    config = json.loads((args.checkpoint / "config.json").read_text())
    model = load(args.checkpoint, config.get("image_token_index") or tokenizer.token_to_id("<image>"))
    ids = [BOS] + tokenizer.encode(args.prompt, add_special_tokens=False).ids
    count = ours["token_ids"].numel()
    named, greedy, gap = stages(model, preprocess(args.checkpoint, Image.open(args.image)), ids, max(1, count))
    for name, theirs in named.items():
        mine = ours[name]
        assert mine.shape == theirs.shape, (name, mine.shape, theirs.shape)
        print(f"{name:18s} {tuple(theirs.shape)!s:20s} relative error {((mine - theirs).abs().max() / theirs.abs().max()).item():.2e}")
    same = ours["token_ids"].flatten().long().tolist() == greedy
    print(f"greedy ids {'identical' if same else 'DIFFER'} ({len(greedy)} tokens, smallest gap {gap:.4f})")


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
