"""Writing a checkpoint in the layouts found on the hub: both forms of config.json, one file or shards."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import Blip2Config, OPTConfig
from transformers.models.blip_2.configuration_blip_2 import Blip2QFormerConfig, Blip2VisionConfig

from tokenizer_files import BOS_ID, PAD_ID, write_json

DTYPE_NAMES = {torch.float32: "float32", torch.float16: "float16", torch.bfloat16: "bfloat16"}

# Fields that every section of a config.json carried when releases of 2023 wrote it.
OLD_COMMON_FIELDS = {
    "_name_or_path": "",
    "add_cross_attention": False,
    "architectures": None,
    "bad_words_ids": None,
    "begin_suppress_tokens": None,
    "bos_token_id": None,
    "chunk_size_feed_forward": 0,
    "cross_attention_hidden_size": None,
    "decoder_start_token_id": None,
    "diversity_penalty": 0.0,
    "do_sample": False,
    "early_stopping": False,
    "encoder_no_repeat_ngram_size": 0,
    "eos_token_id": None,
    "exponential_decay_length_penalty": None,
    "finetuning_task": None,
    "forced_bos_token_id": None,
    "forced_eos_token_id": None,
    "id2label": {"0": "LABEL_0", "1": "LABEL_1"},
    "is_decoder": False,
    "is_encoder_decoder": False,
    "label2id": {"LABEL_0": 0, "LABEL_1": 1},
    "length_penalty": 1.0,
    "max_length": 20,
    "min_length": 0,
    "no_repeat_ngram_size": 0,
    "num_beam_groups": 1,
    "num_beams": 1,
    "num_return_sequences": 1,
    "output_attentions": False,
    "output_hidden_states": False,
    "output_scores": False,
    "pad_token_id": None,
    "prefix": None,
    "problem_type": None,
    "pruned_heads": {},
    "remove_invalid_values": False,
    "repetition_penalty": 1.0,
    "return_dict": True,
    "return_dict_in_generate": False,
    "sep_token_id": None,
    "suppress_tokens": None,
    "task_specific_params": None,
    "temperature": 1.0,
    "tf_legacy_loss": False,
    "tie_encoder_decoder": False,
    "tie_word_embeddings": True,
    "tokenizer_class": None,
    "top_k": 50,
    "top_p": 1.0,
    "torch_dtype": None,
    "torchscript": False,
    "transformers_version": "4.27.0.dev0",
    "typical_p": 1.0,
    "use_bfloat16": False,
}


def differing_fields(section: dict, defaults: dict) -> dict:
    """What the short form lists: only values that differ from the defaults in code."""
    skipped = {"transformers_version", "dtype", "architectures", "_name_or_path"}
    return {k: v for k, v in section.items() if k not in skipped and (k not in defaults or defaults[k] != v)}


def short_opt_config(config: OPTConfig) -> dict:
    """The text section. The few redundant keys stand in the published file too."""
    return {
        "activation_dropout": 0.0,
        "model_type": "opt",
        "prefix": "</s>",
        "torch_dtype": "float16",
        "word_embed_proj_dim": config.word_embed_proj_dim,
        **differing_fields(config.to_dict(), OPTConfig().to_dict()),
    }


def short_config(config: Blip2Config, text: dict | None = None) -> dict:
    """The form of refreshed repositories. `text` is the text section, OPT's if left out."""
    vision = differing_fields(config.vision_config.to_dict(), Blip2VisionConfig().to_dict())
    qformer = differing_fields(config.qformer_config.to_dict(), Blip2QFormerConfig().to_dict())
    # The parent config overwrites this one with the vision width, and the published file leaves it out.
    qformer.pop("encoder_hidden_size", None)
    top = {
        "architectures": ["Blip2ForConditionalGeneration"],
        "image_text_hidden_size": 256,
        "image_token_index": config.image_token_index,
        "initializer_factor": 1.0,
        "initializer_range": 0.02,
        "model_type": "blip-2",
        "num_query_tokens": config.num_query_tokens,
        "qformer_config": {"classifier_dropout": None, "model_type": "blip_2_qformer", **qformer},
        "text_config": text or short_opt_config(config.text_config),
        "torch_dtype": "float32",
        "transformers_version": "4.47.0.dev0",
        "use_decoder_only_language_model": text is None,
        "vision_config": {
            "dropout": 0.0,
            "initializer_factor": 1.0,
            "model_type": "blip_2_vision_model",
            "num_channels": 3,
            "projection_dim": 512,
            **vision,
        },
    }
    if text is None and not config.text_config.tie_word_embeddings:
        # 4.x reads the text section and mirrors it at the top; 5.x reads the language model's own config.
        top["tie_word_embeddings"] = False
        top["text_config"]["tie_word_embeddings"] = False
    return top


def old_section(section: dict) -> dict:
    section = {k: v for k, v in section.items() if k not in ("dtype", "transformers_version", "image_token_index")}
    return dict(sorted({**OLD_COMMON_FIELDS, **section}.items()))


def long_config(config: Blip2Config, dtype: torch.dtype) -> dict:
    """The form of 2023: every field of every section, and no image token."""
    full = config.to_dict()
    vision = {"num_channels": 3, "projection_dim": 512, "dropout": 0.0, "initializer_factor": 1.0}
    sections = {
        "vision_config": old_section({**full["vision_config"], **vision}),
        "qformer_config": old_section(
            {**full["qformer_config"], "classifier_dropout": None, "position_embedding_type": "absolute"}
        ),
        "text_config": old_section(full["text_config"]),
    }
    top = {k: v for k, v in full.items() if k not in ("dtype", "image_token_index", *sections)}
    return {
        **top,
        **sections,
        "_commit_hash": None,
        "architectures": ["Blip2ForConditionalGeneration"],
        "tie_word_embeddings": config.text_config.tie_word_embeddings,
        "torch_dtype": DTYPE_NAMES[dtype],
        "transformers_version": None,
        "use_decoder_only_language_model": True,
    }


def preprocessor_config(size: int, mean: list[float], std: list[float]) -> dict:
    return {
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": mean,
        "image_processor_type": "BlipImageProcessor",
        "image_std": std,
        "processor_class": "Blip2Processor",
        "resample": 3,
        "rescale_factor": 0.00392156862745098,
        "size": {"height": size, "width": size},
    }


def opt_generation(config: Blip2Config) -> dict:
    return {"bos_token_id": BOS_ID, "eos_token_id": config.text_config.eos_token_id, "pad_token_id": PAD_ID}


def write_settings(
    folder: Path, config: Blip2Config, config_json: dict, mean: list, std: list, generation: dict | None = None
) -> None:
    """All JSON files that do not belong to the tokenizer or the weights. `generation` holds token ids; OPT's if left out."""
    write_json(folder / "config.json", config_json)
    generation_json = {
        "_from_model_config": True,
        **(generation or opt_generation(config)),
        "transformers_version": config_json["transformers_version"] or "4.27.0.dev0",
    }
    write_json(folder / "generation_config.json", generation_json)
    write_json(folder / "preprocessor_config.json", preprocessor_config(config.vision_config.image_size, mean, std))
    if "image_token_index" in config_json:
        processor = {"num_query_tokens": config.num_query_tokens, "processor_class": "Blip2Processor"}
        write_json(folder / "processor_config.json", processor)


def split_in_shards(tensors: dict[str, torch.Tensor], count: int) -> list[dict[str, torch.Tensor]]:
    """Consecutive groups of about equal bytes."""
    total = sum(t.nbytes for t in tensors.values())
    shards: list[dict[str, torch.Tensor]] = [{} for _ in range(count)]
    done = 0
    for name, tensor in tensors.items():
        shards[min(count - 1, done * count // total)][name] = tensor
        done += tensor.nbytes
    return shards


def shard_name(index: int, count: int) -> str:
    return "model.safetensors" if count == 1 else f"model-{index + 1:05d}-of-{count:05d}.safetensors"


def write_index(folder: Path, files: dict[str, str], total_size: int) -> None:
    """`files` maps every tensor's name to its shard."""
    index = {"metadata": {"total_size": total_size}, "weight_map": dict(sorted(files.items()))}
    write_json(folder / "model.safetensors.index.json", index)


def write_weights(folder: Path, tensors: dict[str, torch.Tensor], shard_count: int) -> None:
    files = {}
    for index, shard in enumerate(split_in_shards(tensors, shard_count)):
        name = shard_name(index, shard_count)
        save_file({k: v.contiguous().clone() for k, v in shard.items()}, folder / name, metadata={"format": "pt"})
        files.update({tensor: name for tensor in shard})
    if shard_count > 1:
        write_index(folder, files, sum(t.nbytes for t in tensors.values()))
