"""Trained parts as checkpoints in the hub's layout; weights as float16, which halves the repository and is what is
measured afterwards."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from models import BOS, IMAGE_SIZE, OPT_POSITIONS, PAD, QUERIES, TEXT_LENGTH, StageOne, retriever
from stage_two import used_blocks


def save_generator(model, tokenizer: Tokenizer, out: Path) -> None:
    """As `Salesforce/blip2-opt-2.7b`: for captions and answers."""
    newline = tokenizer.token_to_id("Ċ")
    generation = {"_from_model_config": True, "bos_token_id": BOS, "eos_token_id": newline, "pad_token_id": PAD}
    save(model, out, "Blip2ForConditionalGeneration", without=("language_model.lm_head.weight",))
    write(out / "generation_config.json", generation)
    write(out / "processor_config.json", {"num_query_tokens": QUERIES, "processor_class": "Blip2Processor"})
    tokenizer.save(str(out / "tokenizer.json"))
    tokenizer.model.save(str(out))
    special = {"bos_token": "</s>", "eos_token": "</s>", "unk_token": "</s>", "pad_token": "<pad>"}
    write(out / "special_tokens_map.json", special)
    write(out / "tokenizer_config.json", special | {
        "add_bos_token": True, "add_prefix_space": False, "model_max_length": OPT_POSITIONS,
        "tokenizer_class": "GPT2Tokenizer",
    })
    write(out / "added_tokens.json", {"<image>": tokenizer.token_to_id("<image>")})


def save_retriever(stage_one: StageOne, vision, tokenizer: Tokenizer, out: Path) -> None:
    """As `Salesforce/blip2-itm-vit-g`: for contrast and matching. As there, temperature and captioning head are left."""
    model = retriever(tokenizer.get_vocab_size())
    model.vision_model.load_state_dict(used_blocks(vision), strict=False)
    model.vision_model.post_layernorm.load_state_dict(stage_one.post_layernorm.state_dict())
    for name in ("qformer", "embeddings", "vision_projection", "text_projection", "itm_head"):
        getattr(model, name).load_state_dict(getattr(stage_one, name).state_dict())
    model.query_tokens.data.copy_(stage_one.query_tokens.data)
    save(model, out, "Blip2ForImageTextRetrieval")
    write(out / "processor_config.json", {"processor_class": "Blip2Processor"})
    tokenizer.save(str(out / "tokenizer.json"))
    words = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    dec = tokenizer.token_to_id("[DEC]")
    (out / "vocab.txt").write_text("".join(f"{word}\n" for word, i in words if i != dec))
    write(out / "added_tokens.json", {"[DEC]": dec})
    special = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]"}
    write(out / "special_tokens_map.json", special)
    write(out / "tokenizer_config.json", special | {
        "do_lower_case": True, "model_max_length": TEXT_LENGTH, "tokenizer_class": "BertTokenizer",
    })


@torch.no_grad()
def save(model, out: Path, architecture: str, without: tuple[str, ...] = ()) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for layer in model.vision_model.encoder.layers:
        # A key bias shifts all scores of a query alike, and the published files have none.
        bias = layer.self_attn.qkv.bias
        bias[len(bias) // 3 : 2 * len(bias) // 3] = 0
    config = model.config.to_diff_dict()
    config["architectures"] = [architecture]
    write(out / "config.json", config)
    tensors = {k: v.half().contiguous() for k, v in model.state_dict().items() if k not in without}
    save_shards(tensors, out)
    write(out / "preprocessor_config.json", {
        "do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True,
        "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
        "image_processor_type": "BlipImageProcessor", "processor_class": "Blip2Processor", "resample": 3,
        "rescale_factor": 0.00392156862745098, "size": {"height": IMAGE_SIZE, "width": IMAGE_SIZE},
    })


def save_shards(tensors: dict[str, torch.Tensor], out: Path) -> None:
    """Two files and their index, as the published checkpoints have. The first is the frozen encoder, byte for byte the
    same in both checkpoints and after every run of the later stages, so that the repository holds it once."""
    frozen = {k: v for k, v in tensors.items() if k.startswith(("vision_model.embeddings.", "vision_model.encoder."))}
    rest = {k: v for k, v in tensors.items() if k not in frozen}
    shards = {"model-00001-of-00002.safetensors": frozen, "model-00002-of-00002.safetensors": rest}
    for name, shard in shards.items():
        save_file(shard, out / name, metadata={"format": "pt"})
        (out / name).chmod(0o644)
    places = {k: name for name, shard in shards.items() for k in shard}
    size = sum(v.numel() * v.element_size() for v in tensors.values())
    write(out / "model.safetensors.index.json", {
        "metadata": {"total_size": size}, "weight_map": dict(sorted(places.items())),
    })


def write(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")
