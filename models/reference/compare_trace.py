"""Compares the output of `pictalk trace` with transformers on the same checkpoint, stage by stage:

    python compare_trace.py <checkpoint> <trace.safetensors> --image picture.png [--prompt "a photo of"]
"""

import argparse
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file
from tokenizers import Tokenizer

from oracle import encode_prompt, greedy, greedy_behind_encoder, load_model, pixel_values, read_settings, run_stages
from tokenizer_files import BOS_ID


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("trace", type=Path)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--prompt", default="")
    options = parser.parse_args()
    torch.set_num_threads(1)
    ours = load_file(options.trace)
    model = load_model(options.checkpoint)
    pixels = pixel_values(Image.open(options.image), read_settings(options.checkpoint))
    stages = run_stages(model, pixels)
    text = model.config.text_config
    eos, limit = text.eos_token_id, max(1, ours["token_ids"].numel())
    ids = encode(options.checkpoint, options.prompt)
    encoded = {}
    if text.model_type == "t5":
        encoded["encoder_output"] = encode_prompt(model, stages.query_embeddings, [*ids, eos])
        answer = greedy_behind_encoder(model, encoded["encoder_output"], text.decoder_start_token_id, eos, limit)
    else:
        answer = greedy(model, stages.query_embeddings, [BOS_ID, *ids], eos, limit)
    for name, theirs in {"pixel_values": pixels, **vars(stages), **encoded, "logits": answer.logits}.items():
        mine = ours[name]
        assert mine.shape == theirs.shape, (name, mine.shape, theirs.shape)
        error = (mine - theirs).abs().max() / theirs.abs().max()
        print(f"{name:18s} {tuple(theirs.shape)!s:20s} relative error {error.item():.2e}")
    same = ours["token_ids"].flatten().long().tolist() == answer.token_ids
    verdict = "identical" if same else f"DIFFER: {ours['token_ids'].tolist()} against {answer.token_ids}"
    print(f"greedy ids {verdict} ({len(answer.token_ids)} tokens, smallest margin {min(answer.margins):.4f})")


def encode(checkpoint: Path, prompt: str) -> list[int]:
    """Ids without anything added, from whichever tokenizer files there are."""
    whole = checkpoint / "tokenizer.json"
    if whole.exists():
        return Tokenizer.from_file(str(whole)).encode(prompt, add_special_tokens=False).ids
    from tokenizers import decoders, models, pre_tokenizers

    tokenizer = Tokenizer(models.BPE.from_file(str(checkpoint / "vocab.json"), str(checkpoint / "merges.txt")))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer.encode(prompt).ids


if __name__ == "__main__":
    main()
