"""Trains the built-in model from seeds, in the paper's two stages. One command, resumable:

    npx tsx models/drawn-scenes/training/render-scenes.ts --count 40000 --out work/scenes
    python models/drawn-scenes/training/train.py --scenes work/scenes --work work --out models/drawn-scenes/checkpoint

Each part leaves `<part>.pt` in the work folder after every epoch and goes on from there when started again.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Callable

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import OPTForCausalLM

from data import Labels, Scenes, caption_text, notes, question_text, vocabulary
from models import BOS, PAD, QUERIES, VISION_LAYERS, LabelledEncoder, StageOne, blip2, newline_id, opt_config

TEXT_LENGTH = 64


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scenes", type=Path, nargs="+", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=json.loads, default={}, help='e.g. {"vision": 5, "language": 3, "stage1": 3, "stage2": 5}')
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    epochs = {"vision": 5, "language": 3, "stage1": 3, "stage2": 5} | args.epochs
    torch.manual_seed(1)

    scenes = Scenes(args.scenes)
    tokenizer = train_tokenizer(scenes, args.work / "tokenizer.json")
    vision = pretrain_vision(scenes, args.work, epochs["vision"])
    language = pretrain_language(scenes, tokenizer, args.work, epochs["language"])
    features = encode_all(vision, scenes, args.work)
    stage_one = train_stage_one(scenes, features, tokenizer, args.work, epochs["stage1"])
    model = train_stage_two(scenes, features, vision, language, stage_one, tokenizer, args.work, epochs["stage2"], args.out)
    save_hub_layout(model, tokenizer, args.out)


# --- parts -----------------------------------------------------------------------------------------------------------


def train_tokenizer(scenes: Scenes, path: Path) -> Tokenizer:
    """Byte-level BPE in OPT's arrangement: <s> 0, <pad> 1, </s> 2, <unk> 3, every byte, then merges, <image> last."""
    if path.exists():
        return Tokenizer.from_file(str(path))
    random = np.random.default_rng(0)
    texts = [" ".join(caption_text(s, random) + question_text(s, random)) for s in scenes.lines[:10000]]
    tokenizer = Tokenizer(models.BPE(unk_token="</s>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    special = [AddedToken(t, special=True, normalized=False) for t in ("<s>", "<pad>", "</s>", "<unk>")]
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken("<image>", special=True, normalized=False)])
    tokenizer.post_processor = processors.TemplateProcessing(single="</s> $A", special_tokens=[("</s>", BOS)])
    tokenizer.save(str(path))
    return tokenizer


def pretrain_vision(scenes: Scenes, work: Path, epochs: int) -> LabelledEncoder:
    kinds, colours = vocabulary(scenes)
    labels = Labels(scenes, kinds, colours)
    model = LabelledEncoder(len(kinds), len(colours))

    def loss(indices: torch.Tensor, report: dict) -> torch.Tensor:
        images = scenes.images(indices)
        images = images + torch.randn_like(images) * 0.08 * torch.rand(len(images), 1, 1, 1)
        kind, colour, place = model(images)
        want_kind = torch.from_numpy(labels.patch_kinds[indices]).flatten()
        want_colour = torch.from_numpy(labels.patch_colours[indices]).flatten()
        kind, colour = kind.float().flatten(0, 1), colour.float().flatten(0, 1)
        shown = want_kind > 0
        report["patches right"] = (kind.argmax(-1) == want_kind)[shown].float().mean().item()
        weight = torch.where(shown, 3.0, 1.0)
        want_place = torch.from_numpy(labels.patch_places[indices]).flatten(0, 2)
        place_loss = (place.float().flatten(0, 1) - want_place).abs().mean()
        report["place off"] = place_loss.item()
        kind_loss = (F.cross_entropy(kind, want_kind, reduction="none") * weight).mean()
        colour_loss = (F.cross_entropy(colour, want_colour, reduction="none") * weight).mean()
        return kind_loss + colour_loss + 2 * place_loss

    run("vision", model, loss, len(scenes), epochs, 96, 1e-3, work)
    return model.eval()


def pretrain_language(scenes: Scenes, tokenizer: Tokenizer, work: Path, epochs: int) -> OPTForCausalLM:
    """Text only: notes about a scene, then </s>, then a caption or questions that follow from the notes."""
    model = OPTForCausalLM(opt_config(tokenizer.get_vocab_size(), newline_id(tokenizer)))
    random = np.random.default_rng(2)

    def loss(indices: torch.Tensor, report: dict) -> torch.Tensor:
        rows = []
        for i in indices.tolist():
            line = scenes.lines[i]
            prompt, answer = (caption_text if random.random() < 0.5 else question_text)(line, random)
            rows.append(encode(tokenizer, notes(line, random)) + [BOS] + encode(tokenizer, prompt + answer))
        ids, mask = pad(rows)
        # Later the text stands behind the query embeddings, so every position must be known.
        offset = torch.randint(0, QUERIES + 8, (len(ids), 1))
        positions = torch.arange(ids.shape[1]).expand_as(ids) + offset
        logits = model(input_ids=ids, attention_mask=mask, position_ids=positions).logits.float()
        return F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].masked_fill(mask[:, 1:] == 0, -100).flatten())

    run("language", model, loss, len(scenes), epochs, 96, 1e-3, work)
    return model.eval()


@torch.no_grad()
def encode_all(model: LabelledEncoder, scenes: Scenes, work: Path) -> torch.Tensor:
    """Features [N, 65, 128] (bf16) of the second-to-last block: the encoder is frozen, so once is enough."""
    path = work / "features.pt"
    if path.exists():
        return torch.load(path, weights_only=False)
    encoder = model.vision.encoder
    out = []
    for start in range(0, len(scenes), 256):
        indices = torch.arange(start, min(start + 256, len(scenes)))
        with autocast():
            hidden = model.vision.embeddings(scenes.images(indices))
            for layer in encoder.layers[:VISION_LAYERS]:
                hidden = layer(hidden)
        out.append(hidden.bfloat16())
    features = torch.cat(out)
    torch.save(features, path)
    return features


def train_stage_one(scenes: Scenes, features: torch.Tensor, tokenizer: Tokenizer, work: Path, epochs: int) -> StageOne:
    """Representation: image-text contrast, matching with hard negatives, and grounded generation (paper section 3.2)."""
    model = StageOne(tokenizer.get_vocab_size())
    random = np.random.default_rng(3)
    cls, dec, end = 0, BOS, newline_id(tokenizer)

    def loss(indices: torch.Tensor, report: dict) -> torch.Tensor:
        image = model.post_layernorm(features[indices].float())
        texts = [scenes.lines[i]["captions"][random.integers(5)] for i in indices.tolist()]
        ids, mask = pad([[cls] + encode(tokenizer, t) + [end] for t in texts])
        itc, similarity = contrast(model, image, ids, mask)
        itm, right = matching(model, image, ids, mask, similarity)
        itg = generation(model, image, ids, mask, dec)
        report.update(itc=itc.item(), itm=itm.item(), itg=itg.item(), itm_right=right)
        return itc + itm + itg

    run("stage1", model, loss, len(scenes), epochs, 64, 1e-3, work)
    return model.eval()


def contrast(model: StageOne, image, ids, mask):
    """ITC: queries and text do not see each other; the best query counts."""
    queries = F.normalize(model.vision_projection(model.run(image, True)).float(), dim=-1)  # [B, Q, 64]
    text = F.normalize(model.text_projection(model.run(None, False, ids, additive(mask[:, None, None]))[:, 0]).float(), dim=-1)
    similarity = torch.einsum("bqd,td->btq", queries, text).amax(-1) / model.temperature.clamp(0.01, 0.5)
    target = torch.arange(len(ids))
    both = F.cross_entropy(similarity, target, label_smoothing=0.1) + F.cross_entropy(similarity.T, target, label_smoothing=0.1)
    return both / 2, similarity.detach()


def matching(model: StageOne, image, ids, mask, similarity):
    """ITM: everything sees everything; negatives are drawn by similarity."""
    batch = len(ids)
    chance = similarity.masked_fill(torch.eye(batch, dtype=torch.bool), -1e4)
    other_text = torch.multinomial(chance.softmax(1), 1).flatten()
    other_image = torch.multinomial(chance.T.softmax(1), 1).flatten()
    images = torch.cat([image, image, image[other_image]])
    all_ids = torch.cat([ids, ids[other_text], ids])
    all_mask = torch.cat([mask, mask[other_text], mask])
    seen = torch.cat([torch.ones(3 * batch, QUERIES, dtype=mask.dtype), all_mask], 1)
    hidden = model.run(images, True, all_ids, additive(seen[:, None, None]))[:, :QUERIES]
    logits = model.itm_head(hidden).float().mean(1)
    target = torch.cat([torch.ones(batch), torch.zeros(2 * batch)]).long()
    return F.cross_entropy(logits, target), (logits.argmax(1) == target).float().mean().item()


def generation(model: StageOne, image, ids, mask, dec):
    """ITG: queries see queries only, text sees all queries and earlier text; [CLS] becomes [DEC]."""
    length = ids.shape[1]
    inputs = ids.clone()
    inputs[:, 0] = dec
    seen = torch.ones(len(ids), QUERIES + length, QUERIES + length).tril()
    seen[:, :QUERIES, :QUERIES] = 1
    seen[:, QUERIES:, QUERIES:] *= mask[:, None, :]
    hidden = model.run(image, True, inputs, additive(seen[:, None]))[:, QUERIES:]
    logits = (model.lm_transform(hidden) @ model.embeddings.word_embeddings.weight.T + model.lm_bias).float()
    target = ids[:, 1:].masked_fill(mask[:, 1:] == 0, -100)
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), target.flatten(), label_smoothing=0.1)


def train_stage_two(scenes, features, vision, language, stage_one, tokenizer, work, epochs, out):
    """Generation: the Q-Former and the projection learn to speak to the frozen language model."""
    image_token = tokenizer.token_to_id("<image>")
    model = blip2(tokenizer.get_vocab_size(), newline_id(tokenizer), image_token)
    model.language_model.load_state_dict(language.state_dict())
    frozen = {k: v for k, v in vision.vision.state_dict().items() if not k.startswith(f"encoder.layers.{VISION_LAYERS}.")}
    model.vision_model.load_state_dict(frozen)
    if stage_one is not None:
        model.qformer.load_state_dict(stage_one.qformer.state_dict(), strict=False)
        model.query_tokens.data.copy_(stage_one.query_tokens.data)
        model.vision_model.post_layernorm.load_state_dict(stage_one.post_layernorm.state_dict())
    model.requires_grad_(False)
    for part in (model.qformer, model.language_projection, model.vision_model.post_layernorm):
        part.requires_grad_(True)
    model.query_tokens.requires_grad_(True)
    random = np.random.default_rng(4)
    embed = model.language_model.get_input_embeddings()

    def loss(indices: torch.Tensor, report: dict) -> torch.Tensor:
        image = model.vision_model.post_layernorm(features[indices].float())
        hidden = model.query_tokens.expand(len(indices), -1, -1)
        hidden = model.qformer.layernorm(hidden)
        for layer in model.qformer.encoder.layer:
            hidden = layer(hidden, None, image, None, QUERIES)
        prefix = model.language_projection(hidden)
        total = 0.0
        for name, texts in tasks(random):
            pairs = [texts(scenes.lines[i], random) for i in indices.tolist()]
            prompts = [[BOS] + encode(tokenizer, p) for p, _ in pairs]
            ids, mask = pad([p + encode(tokenizer, a) for p, (_, a) in zip(prompts, pairs)])
            answered = torch.arange(ids.shape[1])[None] >= torch.tensor([len(p) for p in prompts])[:, None]
            target = ids.masked_fill((mask == 0) | ~answered, -100)
            inputs = torch.cat([prefix, embed(ids).to(prefix.dtype)], 1)
            seen = torch.cat([torch.ones(len(ids), QUERIES, dtype=mask.dtype), mask], 1)
            logits = model.language_model(inputs_embeds=inputs, attention_mask=seen).logits[:, QUERIES:].float()
            part = F.cross_entropy(logits[:, :-1].flatten(0, 1), target[:, 1:].flatten())
            report[name] = part.item()
            total = total + part
        return total

    run("stage2", model, loss, len(scenes), epochs, 64, 1e-3, work, after_epoch=lambda: save_hub_layout(model, tokenizer, out))
    return model.eval()


def tasks(random: np.random.Generator):
    """Captions at every step and questions at one in six: what a picture shows is the harder thing to learn."""
    captions, questions = ("caption", caption_text), ("answer", question_text)
    return (captions, questions) if random.random() < 1 / 6 else (captions,)


# --- machinery -------------------------------------------------------------------------------------------------------


def autocast():
    return torch.autocast("cpu", torch.bfloat16)


def encode(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False).ids


def pad(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Right-padded ids and their mask, [B, L]."""
    length = min(TEXT_LENGTH, max(map(len, rows)))
    ids = torch.full((len(rows), length), PAD)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row[:length])
    lengths = torch.tensor([len(row) for row in rows])
    return ids, (torch.arange(length)[None] < lengths[:, None]).long()


def additive(seen: torch.Tensor) -> torch.Tensor:
    return (1 - seen.float()) * -10000.0


def run(name: str, model: torch.nn.Module, loss: Callable, count: int, epochs: int, batch: int, peak: float, work: Path, after_epoch=None) -> None:
    """AdamW (0.9, 0.98), weight decay 0.05 on matrices only, linear warm-up, cosine decay, bf16 autocast."""
    path = work / f"{name}.pt"
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": 0.05},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.98))
    steps = epochs * (count // batch)
    done = 0
    if path.exists():
        saved = torch.load(path, weights_only=False)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        done = saved["epochs"]
    model.train()
    started = time.time()
    for epoch in range(done, epochs):
        order = torch.randperm(count, generator=torch.Generator().manual_seed(epoch))
        for i in range(count // batch):
            step = epoch * (count // batch) + i
            warm = min(1.0, (step + 1) / 200)
            for group in optimiser.param_groups:
                group["lr"] = float(peak * warm * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * step / steps))))
            report: dict = {}
            with autocast():
                value = loss(order[i * batch : (i + 1) * batch], report)
            optimiser.zero_grad(set_to_none=True)
            value.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
            if i % 25 == 0:
                parts = " ".join(f"{k} {v:.3f}" for k, v in report.items())
                print(f"{name} {step}/{steps} loss {value.item():.4f} {parts} ({time.time() - started:.0f} s)", flush=True)
        torch.save({"model": model.state_dict(), "optimiser": optimiser.state_dict(), "epochs": epoch + 1}, path)
        if after_epoch is not None:
            after_epoch()


def save_hub_layout(model, tokenizer: Tokenizer, out: Path) -> None:
    """The hub's files; weights as float16, which halves the repository and is what is measured afterwards."""
    out.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():  # a key bias shifts all scores of a query alike; the published files have none
        for layer in model.vision_model.encoder.layers:
            bias = layer.self_attn.qkv.bias
            bias[len(bias) // 3 : 2 * len(bias) // 3] = 0
    config = model.config.to_diff_dict()
    config["architectures"] = ["Blip2ForConditionalGeneration"]
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    newline = newline_id(tokenizer)
    generation = {"_from_model_config": True, "bos_token_id": BOS, "eos_token_id": newline, "pad_token_id": PAD}
    (out / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")
    tensors = {k: v.half().contiguous() for k, v in model.state_dict().items() if k != "language_model.lm_head.weight"}
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    size = model.config.vision_config.image_size
    processor = {
        "do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True,
        "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
        "image_processor_type": "BlipImageProcessor", "processor_class": "Blip2Processor", "resample": 3,
        "rescale_factor": 0.00392156862745098, "size": {"height": size, "width": size},
    }
    (out / "preprocessor_config.json").write_text(json.dumps(processor, indent=2) + "\n")
    (out / "processor_config.json").write_text(json.dumps({"num_query_tokens": QUERIES, "processor_class": "Blip2Processor"}, indent=2) + "\n")
    save_tokenizer(tokenizer, out)


def save_tokenizer(tokenizer: Tokenizer, out: Path) -> None:
    tokenizer.save(str(out / "tokenizer.json"))
    tokenizer.model.save(str(out))
    special = {"bos_token": "</s>", "eos_token": "</s>", "unk_token": "</s>", "pad_token": "<pad>"}
    (out / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")
    config = special | {"add_bos_token": True, "add_prefix_space": False, "model_max_length": 512, "tokenizer_class": "GPT2Tokenizer"}
    (out / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    (out / "added_tokens.json").write_text(json.dumps({"<image>": tokenizer.token_to_id("<image>")}) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
