"""Makes small random BLIP-2 checkpoints as LAVIS saves them, frozen parts in files of their own, and the values that
PyTorch computes from them: lavis-opt (EVA tower, OPT) and lavis-t5-clip (CLIP tower, T5). lavis-itm.pth is itm-odd once
more, under LAVIS' names.

    python make_lavis.py
"""

import argparse
import shutil
from pathlib import Path

import numpy as np
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import Blip2ForConditionalGeneration

import make_reference
import make_t5
from checkpoint_files import preprocessor_config, short_opt_config
from clip_vit import ClipVit, interpolated
from images import write_images
from make_reference import CASES, CLIP_MEAN, CLIP_STD, HERE, NEW_TOKENS, SMALLEST_MARGIN, Spec, case_entry, prompt_ids
from make_t5 import EOS_ID, PUBLISHED_FIELDS, T5_CASES, T5Spec, answer_to
from oracle import Stages, encode_prompt, greedy, pixel_values, run_stages
from t5_tokenizer import TOKENIZER_TEXTS, make_t5_tokenizer, write_t5_tokenizer
from tokenizer_files import newline_id, train_tokenizer, write_json, write_tokenizer

SIZE, PATCH = 56, 14
# LAVIS' sizes of heads, which no file says: 88 in EVA's tower, 64 in CLIP's and in the Q-Former.
OPT = Spec(
    seed=1,
    vision=dict(hidden_size=176, num_attention_heads=2, intermediate_size=64, num_hidden_layers=2, image_size=SIZE, patch_size=PATCH),
    qformer=dict(hidden_size=128, num_attention_heads=2, intermediate_size=72, num_hidden_layers=3),
    text=dict(hidden_size=64, num_attention_heads=2, ffn_dim=96, num_hidden_layers=2, max_position_embeddings=96),
    queries=8, words=350, rows=352, long_form=True, tokenizer_json=False,
)
CLIP = dict(hidden_size=128, num_attention_heads=2, intermediate_size=512, num_hidden_layers=2, image_size=SIZE, patch_size=PATCH)
T5 = T5Spec(
    seed=1, vision=CLIP,
    qformer=dict(hidden_size=64, num_attention_heads=1, intermediate_size=48, num_hidden_layers=2),
    text=dict(d_model=64, num_heads=3, d_kv=12, d_ff=72, num_layers=2, num_decoder_layers=2),
    queries=8, words=187, rows=192, tied=False,
)

EVA_NAMES = [
    ("embeddings.class_embedding", "cls_token"), ("embeddings.position_embedding", "pos_embed"),
    ("embeddings.patch_embedding", "patch_embed.proj"), ("encoder.layers", "blocks"), ("layer_norm", "norm"),
    ("self_attn.projection", "attn.proj"), ("self_attn.qkv", "attn.qkv"),
]
QFORMER_NAMES = [("qformer.layernorm", "Qformer.bert.embeddings.LayerNorm"), ("qformer.", "Qformer.bert."), ("attention.attention", "attention.self")]


def renamed(name: str, rules: list[tuple[str, str]]) -> str:
    for old, new in rules:
        name = name.replace(old, new)
    return name


def eva_state(tensors: dict[str, torch.Tensor], halves: bool = True) -> dict[str, torch.Tensor]:
    """As `convert_weights_to_fp16` leaves a frozen one: halves in linear layers, the rest float32; no bias for keys at all."""
    state = {}
    for name, tensor in tensors.items():
        own = renamed(name.removeprefix("vision_model."), EVA_NAMES)
        if own.endswith("attn.qkv.bias"):
            q, _, v = tensor.chunk(3)
            state |= {own.replace("qkv.bias", "q_bias"): q, own.replace("qkv.bias", "v_bias"): v}
        elif not own.startswith("post_"):
            state[own] = tensor.half() if halves and any(part in own for part in (".proj", ".mlp", ".qkv")) else tensor
    return state


def trained_state(tensors: dict[str, torch.Tensor], projection: str) -> dict[str, torch.Tensor]:
    """What LAVIS trains: Q-Former, queries, the vision tower's last norm and the projection."""
    state = {}
    for name, tensor in tensors.items():
        if name.startswith("qformer."):
            state[renamed(name, QFORMER_NAMES)] = tensor
        elif name.startswith("vision_model.post_layernorm"):
            state[name.replace("vision_model.post_layernorm", "ln_vision")] = tensor
        elif name.startswith("language_projection"):
            state[name.replace("language_projection", projection)] = tensor
        elif name == "query_tokens":
            state[name] = tensor
    return {**state, "Qformer.bert.embeddings.position_ids": torch.arange(512)[None]}


def new_folder(name: str) -> Path:
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def with_halves(tensors: dict[str, torch.Tensor], prefixes: tuple[str, ...]) -> dict[str, torch.Tensor]:
    """Rounded as the files that hold halves round them."""
    return {name: t.half().float() if name.startswith(prefixes) else t for name, t in tensors.items()}


def reference(folder: Path, tokenizer, cases: list[dict], values: dict, texts: list[str]) -> None:
    save_file({k: v.contiguous() for k, v in values.items()}, folder / "reference.safetensors")
    write_json(folder / "reference.json", {
        "versions": {"transformers": transformers.__version__, "torch": torch.__version__.split("+")[0]},
        "maxNewTokens": NEW_TOKENS, "cases": cases,
        "tokenizerCases": [{"text": text, "ids": tokenizer.encode(text).ids} for text in texts],
    })


def pixels_of(images: dict[str, Path]) -> dict[str, torch.Tensor]:
    settings = preprocessor_config(SIZE, CLIP_MEAN, CLIP_STD)
    return {key: pixel_values(Image.open(path), settings) for key, path in images.items()}


def make_opt(images: dict[str, Path]) -> None:
    tokenizer = train_tokenizer(OPT.words, with_image_token=False)
    config = make_reference.make_config(OPT, tokenizer)
    eos = newline_id(tokenizer)
    model = Blip2ForConditionalGeneration._from_config(config, attn_implementation="eager").eval()
    # LAVIS' `ln_vision` has torch's default epsilon.
    model.vision_model.post_layernorm.eps = 1e-5
    pixels = pixels_of(images)
    for seed in range(1, 200):
        raw = make_reference.make_tensors(OPT, config, tokenizer, seed)
        linear = tuple(f"vision_model.{part}" for part in ("encoder", "embeddings.patch"))
        tensors = with_halves(raw, ("language_model.",))
        tensors |= {n: t.half().float() for n, t in raw.items() if n.startswith(linear) and "norm" not in n and not n.endswith("qkv.bias")}
        model.load_state_dict(tensors)
        seen = {key: run_stages(model, image) for key, image in pixels.items()}
        answers = [greedy(model, seen[key].query_embeddings, prompt_ids(tokenizer, p), eos, NEW_TOKENS) for key, p in CASES]
        if make_reference.seed_score(OPT, answers) > 2 * SMALLEST_MARGIN:
            break
    folder = new_folder("lavis-opt")
    state = trained_state(tensors, "opt_proj")
    # `named_parameters` names a tied weight once, so that LAVIS leaves its other name in the file.
    state["opt_model.lm_head.weight"] = tensors["language_model.lm_head.weight"].half()
    moments = {i: {"step": torch.tensor(1.0), "exp_avg": torch.zeros(3)} for i in range(2)}
    # As LAVIS saves it, but for the configuration: an object of the command line, as forks of it save one.
    optimiser = {"state": moments, "param_groups": [{"lr": 1e-4, "params": [0, 1]}]}
    saved = {"model": state, "optimizer": optimiser, "config": argparse.Namespace(arch="blip2_opt", lr=1e-4), "scaler": None, "epoch": 3}
    torch.save(saved, folder / "blip2_pretrained_small.pth")
    vision = {n: t for n, t in tensors.items() if n.startswith("vision_model.")}
    torch.save({**eva_state(vision), "norm.weight": torch.ones(176), "head.weight": torch.zeros(5, 176)}, folder / "eva_vit_g.pth")
    language = folder / "opt-small"
    language.mkdir()
    text = {"architectures": ["OPTForCausalLM"], **short_opt_config(config.text_config), "eos_token_id": 2}
    write_json(language / "config.json", text)
    write_tokenizer(language, tokenizer, old_style=True, with_tokenizer_json=False)
    (language / "README.md").write_text("---\nlicense: other\nlicense_name: opt-license\n---\n")
    own = {n.removeprefix("language_model."): t.half() for n, t in tensors.items() if n.startswith("language_model.")}
    own["lm_head.weight"] = own["model.decoder.embed_tokens.weight"]
    torch.save(own, language / "pytorch_model.bin")
    values = {f"image{key}.pixel_values": image for key, image in pixels.items()}
    for key, stages in seen.items():
        values |= {f"image{key}.{name}": tensor for name, tensor in vars(stages).items()}
    values |= {f"case{i}.logits": answer.logits for i, answer in enumerate(answers)}
    cases = [case_entry(tokenizer, case, f"images/{images[case[0]].name}", answer, eos) for case, answer in zip(CASES, answers)]
    reference(folder, tokenizer, cases, values, make_reference.TOKENIZER_TEXTS)
    print("lavis-opt", seed, [c["text"] for c in cases])


def random_tower(seed: int) -> ClipVit:
    random = np.random.Generator(np.random.PCG64(seed))
    tower = ClipVit(SIZE, PATCH, CLIP["hidden_size"], CLIP["num_hidden_layers"], CLIP["num_attention_heads"])
    state = {}
    for name, tensor in sorted(tower.state_dict().items()):
        values = random.standard_normal(tensor.shape, dtype=np.float32)
        fan_in = int(np.prod(tensor.shape[1:])) if tensor.ndim > 1 else 1
        if "ln_" in name:
            values = values * 0.2 + (1 if name.endswith("weight") else 0)
        elif "embedding" in name:
            values *= 0.5
        else:
            values *= 0.2 if tensor.ndim == 1 else 1.4 / fan_in**0.5
        state[name] = torch.from_numpy(values.astype(np.float32)).half().float()
    tower.load_state_dict(state)
    return tower.eval()


@torch.no_grad()
def run_clip_stages(model, tower: ClipVit, norm: torch.nn.LayerNorm, pixels: torch.Tensor) -> Stages:
    features = norm(tower(pixels))
    mask = torch.ones(features.shape[:-1], dtype=torch.long)
    output = model.qformer(query_embeds=model.query_tokens, encoder_hidden_states=features, encoder_attention_mask=mask).last_hidden_state
    return Stages(features, output, model.language_projection(output))


def interpolated_tower(tower: ClipVit, size: int) -> ClipVit:
    larger = ClipVit(size, PATCH, CLIP["hidden_size"], CLIP["num_hidden_layers"], CLIP["num_attention_heads"])
    state = tower.state_dict()
    larger.load_state_dict({**state, "positional_embedding": interpolated(state["positional_embedding"], size // PATCH)})
    return larger.eval()


def make_clip_t5(images: dict[str, Path]) -> None:
    tokenizer = make_t5_tokenizer(T5.words, newer_form=False)
    config = make_t5.make_config(T5, tokenizer)
    config.image_token_index = None
    model = Blip2ForConditionalGeneration._from_config(config, attn_implementation="eager").eval()
    model.language_model.lm_head.weight = torch.nn.Parameter(model.language_model.lm_head.weight.detach().clone())
    pixels = pixels_of(images)
    for seed in range(1, 200):
        tensors = make_t5.make_tensors(T5, config, tokenizer, seed)
        model.load_state_dict(tensors)
        tower = random_tower(seed)
        norm = torch.nn.LayerNorm(CLIP["hidden_size"])
        norm.load_state_dict({part: tensors[f"vision_model.post_layernorm.{part}"] for part in ("weight", "bias")})
        seen = {key: run_clip_stages(model, tower, norm, image) for key, image in pixels.items()}
        answers = [answer_to(model, seen[key].query_embeddings, tokenizer.encode(p).ids) for key, p in T5_CASES]
        if make_t5.seed_score(answers) > SMALLEST_MARGIN:
            break
    folder = new_folder("lavis-t5-clip")
    state = trained_state(tensors, "t5_proj")
    # LAVIS keeps T5 as bfloat16, and leaves the other names of its shared embedding in the file.
    for stack in ("encoder", "decoder"):
        state[f"t5_model.{stack}.embed_tokens.weight"] = tensors["language_model.shared.weight"].bfloat16()
    torch.save({"model": state}, folder / "blip2_pretrained_small_vitL.pth")
    torch.save({n: t.half() for n, t in tower.state_dict().items()}, folder / "clip_vit_L.pth")
    language = folder / "flan-t5-small"
    language.mkdir()
    fields = {k: v for k, v in config.text_config.to_dict().items() if k in PUBLISHED_FIELDS and k != "dense_act_fn"}
    write_json(language / "config.json", {"architectures": ["T5ForConditionalGeneration"], "model_type": "t5", "tie_word_embeddings": False, **fields})
    write_t5_tokenizer(language, tokenizer)
    own = {n.removeprefix("language_model."): t for n, t in tensors.items() if n.startswith("language_model.") and "embed_tokens" not in n}
    save_file(own, language / "model.safetensors")
    values = {f"image{key}.pixel_values": image for key, image in pixels.items()}
    for key, stages in seen.items():
        values |= {f"image{key}.{name}": tensor for name, tensor in vars(stages).items()}
    # Pictures of another size: only the tower sees a difference.
    larger = torch.nn.functional.interpolate(pixels["A"], size=(84, 84), mode="bilinear")
    with torch.no_grad():
        values |= {"size84.pixel_values": larger, "size84.image_features": norm(interpolated_tower(tower, 84)(larger))}
    cases = []
    for i, ((key, prompt), answer) in enumerate(zip(T5_CASES, answers)):
        ids = tokenizer.encode(prompt).ids
        values |= {f"case{i}.encoder_output": encode_prompt(model, seen[key].query_embeddings, ids), f"case{i}.logits": answer.logits}
        cases.append(case_entry(tokenizer, (key, prompt), f"images/{images[key].name}", answer, EOS_ID))
    reference(folder, tokenizer, cases, values, TOKENIZER_TEXTS)
    print("lavis-t5-clip", seed, [c["text"] for c in cases])


def make_stage1() -> None:
    """itm-odd as LAVIS saves a model after its first stage, with a tower of its own as after tuning on COCO."""
    tensors = load_file(HERE / "itm-odd" / "model.safetensors")
    names = {"vision_projection.": "vision_proj.", "text_projection.": "text_proj.", "embeddings.": "Qformer.bert.embeddings.", "itm_head.": "itm_head."}
    state = trained_state({n: t for n, t in tensors.items() if not n.startswith("embeddings.")}, "none")
    for name, tensor in tensors.items():
        state |= {new + name.removeprefix(old): tensor for old, new in names.items() if name.startswith(old)}
    tower = eva_state({n: t for n, t in tensors.items() if n.startswith("vision_model.")}, halves=False)
    state |= {f"visual_encoder.{n}": t for n, t in tower.items()}
    state |= {"temp": torch.tensor(0.07), "Qformer.cls.predictions.bias": torch.zeros(4)}
    torch.save({"model": state, "epoch": 1}, HERE / "lavis-itm.pth")


def main() -> None:
    torch.set_num_threads(1)
    make_stage1()
    images = write_images(HERE / "images")
    make_opt(images)
    make_clip_t5(images)


if __name__ == "__main__":
    main()
