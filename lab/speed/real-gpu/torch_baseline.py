"""Blip2ForConditionalGeneration of transformers on a GPU, random weights of the same shapes: the yardstick of run.py.

    python3 torch_baseline.py --size full --out result.json [--device cuda|cpu] [--dtype float16] [--tokens 64]

Greedy generation as `generate` does it by default, and the same with a static cache under torch.compile where that
works. The JSON is written anew after each part.
"""

import argparse
import json
import os
import statistics
import time
from pathlib import Path

import torch
import transformers
from transformers import Blip2Config, Blip2ForConditionalGeneration

NARROW = {
    "tiny": {"hidden": 64, "text": 64, "layers": (1, 2, 2), "rows": 512},
    "mini": {"hidden": 128, "text": 512, "layers": (2, 2, 6), "rows": 8192},
}
LAYERS = {"2-layers": (2, 2, 2), "full": (39, 12, 32)}


def config_of(size: str) -> Blip2Config:
    """As src/synthetic/dimensions.ts has them."""
    if size in LAYERS:
        vision, qformer, text = LAYERS[size]
        rows = 50304
        vision_config = {"num_hidden_layers": vision}
        qformer_config = {"num_hidden_layers": qformer}
        text_config = {
            "hidden_size": 2560, "ffn_dim": 10240, "num_attention_heads": 32, "num_hidden_layers": text,
            "vocab_size": rows, "word_embed_proj_dim": 2560,
        }
        image_token = 50265
    else:
        narrow = NARROW[size]
        hidden, width, rows = narrow["hidden"], narrow["text"], narrow["rows"]
        vision, qformer, text = narrow["layers"]
        vision_config = {
            "hidden_size": hidden, "image_size": 56, "intermediate_size": 4 * hidden,
            "num_attention_heads": hidden // 32, "num_hidden_layers": vision,
        }
        qformer_config = {
            "encoder_hidden_size": hidden, "hidden_size": hidden, "intermediate_size": 4 * hidden,
            "num_attention_heads": hidden // 32, "num_hidden_layers": qformer,
        }
        text_config = {
            "hidden_size": width, "ffn_dim": 4 * width, "num_attention_heads": width // 64, "num_hidden_layers": text,
            "vocab_size": rows, "word_embed_proj_dim": width,
        }
        image_token = rows - 1
    return Blip2Config(
        vision_config=vision_config,
        qformer_config=qformer_config,
        text_config={"model_type": "opt", **text_config},
        num_query_tokens=32,
        image_token_index=image_token,
    )


class Clock:
    """Seconds of work on a device, its queue included."""

    def __init__(self, device: str) -> None:
        self.cuda = device == "cuda"

    def now(self) -> float:
        if self.cuda:
            torch.cuda.synchronize()
        return time.perf_counter()

    def median_ms(self, work, rounds: int = 5) -> float:
        work()
        times = []
        for _ in range(rounds):
            started = self.now()
            work()
            times.append(1000 * (self.now() - started))
        return statistics.median(times)


def write(path: Path, facts: dict) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(facts, indent=2))
    os.replace(part, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="full")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", default="float16")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--prompt-tokens", type=int, default=8)
    parser.add_argument("--out", type=Path, default=Path("torch.json"))
    options = parser.parse_args()
    device, dtype = options.device, getattr(torch, options.dtype)
    clock = Clock(device)
    facts: dict = {
        "torch": torch.__version__, "transformers": transformers.__version__,
        "device": torch.cuda.get_device_name() if clock.cuda else "cpu", "dtype": options.dtype, "size": options.size,
    }
    write(options.out, facts)

    if clock.cuda:
        source = torch.empty(2**29, dtype=torch.uint8, device=device)
        target = torch.empty_like(source)
        ms = clock.median_ms(lambda: target.copy_(source))
        facts["copyBytesPerSecond"] = 2 * source.numel() / (ms / 1000)
        del source, target

    torch.manual_seed(1)
    torch.set_default_dtype(dtype)
    started = clock.now()
    with torch.device(device):
        model = Blip2ForConditionalGeneration(config_of(options.size))
    torch.set_default_dtype(torch.float32)
    model = model.eval()
    facts["makeSeconds"] = clock.now() - started
    write(options.out, facts)

    config = model.config
    side = config.vision_config.image_size
    pixels = torch.randn(1, 3, side, side, device=device, dtype=dtype)
    image_id = config.image_token_index
    prompt = [image_id] * config.num_query_tokens + [2, *(37 * i % config.text_config.vocab_size for i in range(1, options.prompt_tokens))]
    ids = torch.tensor([prompt], device=device)
    mask = torch.ones_like(ids)
    with torch.inference_mode():
        vision = model.vision_model
        facts["encodeMs"] = clock.median_ms(lambda: vision(pixel_values=pixels))
        features = vision(pixel_values=pixels)[0]
        queries = model.query_tokens
        def q_former():
            out = model.qformer(query_embeds=queries, encoder_hidden_states=features, return_dict=True)
            return model.language_projection(out[0].to(dtype))
        try:
            facts["qFormerMs"] = clock.median_ms(q_former)
        except Exception as error:  # the part's arguments differ between versions of transformers
            facts["qFormerError"] = str(error)
        write(options.out, facts)

        embeds = torch.randn(1, len(prompt), config.text_config.hidden_size, device=device, dtype=dtype) * 0.02
        language = model.language_model
        facts["prefillPositions"] = len(prompt)
        facts["prefillMs"] = clock.median_ms(lambda: language(inputs_embeds=embeds, attention_mask=mask, use_cache=True, logits_to_keep=1))
        write(options.out, facts)

        count = options.tokens
        def generate(**more):
            return model.generate(
                pixel_values=pixels, input_ids=ids, attention_mask=mask, do_sample=False,
                min_new_tokens=more.pop("n"), max_new_tokens=more.pop("m"), **more,
            )
        def decode_ms(**more) -> float:
            one = clock.median_ms(lambda: generate(n=1, m=1, **more), rounds=3)
            many = clock.median_ms(lambda: generate(n=count + 1, m=count + 1, **more), rounds=3)
            facts.setdefault("firstTokenMs", one)
            if many <= one:
                raise RuntimeError("the machine is too busy: many tokens took less time than one")
            return (many - one) / count
        facts["decodeMs"] = decode_ms()
        facts["decodeTokensPerSecond"] = 1000 / facts["decodeMs"]
        write(options.out, facts)
        if clock.cuda:
            facts["peakBytes"] = torch.cuda.max_memory_allocated()
            write(options.out, facts)
            try:
                facts["compiledDecodeMs"] = decode_ms(cache_implementation="static")
                facts["compiledDecodeTokensPerSecond"] = 1000 / facts["compiledDecodeMs"]
            except Exception as error:  # an extra: its failure must not cost the rest
                facts["compiledError"] = str(error)[:500]
    facts["finished"] = True
    write(options.out, facts)
    print(json.dumps(facts, indent=2))


main()
