"""Makes lavis-writer: a small random model as LAVIS saves one after its first stage, with the head by which the Q-Former
writes captions and the temperature that it learned, and beside it what LAVIS' own definition gives, written down here in
PyTorch (LAVIS 506965b, `Qformer.py` and `blip2_qformer.py`; transformers has neither the head nor its mask).

    python make_writer.py
"""

import json
import shutil
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from transformers import BertTokenizer, Blip2VisionConfig, Blip2VisionModel, GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

from checkpoint_files import preprocessor_config
from make_lavis import eva_state
from make_reference import CLIP_MEAN, CLIP_STD
from make_retrieval import vocabulary
from oracle import pixel_values
from weights import adjust, standard_deviation

HERE = Path(__file__).parent
# LAVIS' sizes of heads, which no file says: 88 in EVA's tower, 64 in the Q-Former.
VISION = dict(hidden_size=88, num_attention_heads=1, intermediate_size=40, num_hidden_layers=1, image_size=56, patch_size=14)
HIDDEN, HEADS, LAYERS, WIDE, QUERIES, POSITIONS, PROJECTED = 128, 2, 3, 48, 6, 40, 24
EPS = 1e-12
TEMPERATURE = 0.0137
PAD, SEP = 0, 3
# `generate` of LAVIS counts [DEC] in both lengths.
LONGEST, SHORTEST = 20, 6


def shapes(rows: int) -> dict[str, tuple[int, ...]]:
    own = {
        "query_tokens": (1, QUERIES, HIDDEN),
        "Qformer.bert.embeddings.word_embeddings.weight": (rows, HIDDEN),
        "Qformer.bert.embeddings.position_embeddings.weight": (POSITIONS, HIDDEN),
        "Qformer.cls.predictions.bias": (rows,),
    }

    def linear(name: str, outputs: int, inputs: int) -> None:
        own.update({f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)})

    def norm(name: str) -> None:
        own.update({f"{name}.weight": (HIDDEN,), f"{name}.bias": (HIDDEN,)})

    norm("Qformer.bert.embeddings.LayerNorm")
    norm("Qformer.cls.predictions.transform.LayerNorm")
    linear("Qformer.cls.predictions.transform.dense", HIDDEN, HIDDEN)
    linear("vision_proj", PROJECTED, HIDDEN)
    linear("text_proj", PROJECTED, HIDDEN)
    linear("itm_head", 2, HIDDEN)
    for i in range(LAYERS):
        at = f"Qformer.bert.encoder.layer.{i}"
        for attention, width in [("attention", HIDDEN)] + ([("crossattention", VISION["hidden_size"])] if i % 2 == 0 else []):
            linear(f"{at}.{attention}.self.query", HIDDEN, HIDDEN)
            linear(f"{at}.{attention}.self.key", HIDDEN, width)
            linear(f"{at}.{attention}.self.value", HIDDEN, width)
            linear(f"{at}.{attention}.output.dense", HIDDEN, HIDDEN)
            norm(f"{at}.{attention}.output.LayerNorm")
        for of in ("", "_query"):
            linear(f"{at}.intermediate{of}.dense", WIDE, HIDDEN)
            linear(f"{at}.output{of}.dense", HIDDEN, WIDE)
            norm(f"{at}.output{of}.LayerNorm")
    return own


def random_state(seed: int, rows: int) -> dict[str, torch.Tensor]:
    random = np.random.Generator(np.random.PCG64(seed))
    state = {}
    for name, shape in sorted(shapes(rows).items()):
        deviation = 0.25 if "word_embeddings" in name else standard_deviation(name, shape)
        values = random.standard_normal(shape, dtype=np.float32) * np.float32(deviation)
        state[name] = torch.from_numpy(adjust(name, values))
    # One tensor under two names, and a bias that the decoder shares.
    state["Qformer.cls.predictions.decoder.weight"] = state["Qformer.bert.embeddings.word_embeddings.weight"]
    state["Qformer.cls.predictions.decoder.bias"] = state["Qformer.cls.predictions.bias"]
    return {**state, "temp": torch.tensor(TEMPERATURE), "Qformer.bert.embeddings.position_ids": torch.arange(POSITIONS)[None]}


class Writer:
    """The Q-Former with its text causal behind the queries, and BERT's head over the rows of text."""

    def __init__(self, state: dict[str, torch.Tensor], features: torch.Tensor):
        self.state, self.features = state, features

    def linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, self.state[f"{name}.weight"].to(x.dtype), self.state[f"{name}.bias"].to(x.dtype))

    def norm(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(x, (HIDDEN,), self.state[f"{name}.weight"].to(x.dtype), self.state[f"{name}.bias"].to(x.dtype), EPS)

    def attention(self, at: str, x: torch.Tensor, seen: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        heads = lambda t: t.unflatten(-1, (HEADS, HIDDEN // HEADS)).transpose(1, 2)
        query, key, value = (heads(self.linear(f"{at}.self.{part}", y)) for part, y in (("query", x), ("key", seen), ("value", seen)))
        scores = query @ key.transpose(-1, -2) / (HIDDEN // HEADS) ** 0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        mixed = (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)
        return self.norm(f"{at}.output.LayerNorm", self.linear(f"{at}.output.dense", mixed) + x)

    def feed_forward(self, at: str, of: str, x: torch.Tensor) -> torch.Tensor:
        wide = F.gelu(self.linear(f"{at}.intermediate{of}.dense", x))
        return self.norm(f"{at}.output{of}.LayerNorm", self.linear(f"{at}.output{of}.dense", wide) + x)

    def logits(self, ids: torch.Tensor) -> torch.Tensor:
        """[B, L] → [B, L, rows]"""
        bert, (batch, length) = "Qformer.bert.embeddings", ids.shape
        features = self.features.expand(batch, -1, -1)
        words = self.state[f"{bert}.word_embeddings.weight"][ids] + self.state[f"{bert}.position_embeddings.weight"][:length]
        x = torch.cat([self.state["query_tokens"].expand(batch, -1, -1), words], 1).to(features.dtype)
        x = self.norm(f"{bert}.LayerNorm", x)
        # Queries see queries; text sees them and what stands before it.
        mask = torch.ones(QUERIES + length, QUERIES + length).tril().bool()
        mask[:QUERIES, :QUERIES] = True
        for i in range(LAYERS):
            at = f"Qformer.bert.encoder.layer.{i}"
            x = self.attention(f"{at}.attention", x, x, mask)
            queries, text = x[:, :QUERIES], x[:, QUERIES:]
            if i % 2 == 0:
                queries = self.attention(f"{at}.crossattention", queries, features, None)
            x = torch.cat([self.feed_forward(at, "_query", queries), self.feed_forward(at, "", text)], 1)
        head = "Qformer.cls.predictions"
        text = self.norm(f"{head}.transform.LayerNorm", F.gelu(self.linear(f"{head}.transform.dense", x[:, QUERIES:])))
        return self.linear(f"{head}.decoder", text)


class Config(PretrainedConfig):
    model_type = "lavis_writer"


class Generating(PreTrainedModel, GenerationMixin):
    """The writer as transformers' `generate` takes one, which LAVIS calls; without a cache."""

    config_class = Config

    def __init__(self, writer: Writer, rows: int):
        super().__init__(Config(vocab_size=rows, is_decoder=True, num_hidden_layers=LAYERS))
        self.writer, self.anchor = writer, torch.nn.Parameter(torch.zeros(1))

    def prepare_inputs_for_generation(self, input_ids, **_):
        return {"input_ids": input_ids}

    def forward(self, input_ids, **_):
        return CausalLMOutput(logits=self.writer.logits(input_ids))


def written(model: Generating, start: int, **settings) -> list[dict]:
    options = dict(max_length=LONGEST, min_length=SHORTEST, eos_token_id=SEP, pad_token_id=PAD, do_sample=False, use_cache=False)
    out = model.generate(torch.tensor([[start]]), return_dict_in_generate=True, output_scores=True, **(options | settings))
    scores = getattr(out, "sequences_scores", None)
    result = []
    for i, sequence in enumerate(out.sequences):
        new = sequence[1:].tolist()
        result.append({"ids": new[: new.index(SEP) + 1] if SEP in new else new, "score": None if scores is None else round(float(scores[i]), 6)})
    return result


SETTINGS = [
    dict(),
    dict(num_beams=3),
    dict(num_beams=3, num_return_sequences=3, length_penalty=-1.0),
    dict(num_beams=4, repetition_penalty=1.5, min_length=9),
    dict(no_repeat_ngram_size=2),
]


@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    words = vocabulary()
    start, rows = len(words), len(words) + 1
    vision = Blip2VisionModel(Blip2VisionConfig(**VISION)).eval()
    vision.post_layernorm.eps = 1e-5
    images = sorted((HERE / "images").glob("*.png"))[:2]
    settings = preprocessor_config(VISION["image_size"], CLIP_MEAN, CLIP_STD)
    pixels = [pixel_values(Image.open(path), settings) for path in images]
    for seed in range(1, 400):
        random = np.random.Generator(np.random.PCG64(1000 + seed))
        tower = {}
        for name, tensor in sorted(vision.state_dict().items()):
            values = random.standard_normal(tuple(tensor.shape), dtype=np.float32) * np.float32(standard_deviation(name, tuple(tensor.shape)))
            tower[name] = torch.from_numpy(adjust(name, values))
        vision.load_state_dict(tower)
        state = random_state(seed, rows)
        features = [vision(pixel_values=image).last_hidden_state for image in pixels]
        answers, doubled = (
            [[written(Generating(Writer(state, f.to(dtype)), rows), start, **one) for one in SETTINGS] for f in features]
            for dtype in (torch.float32, torch.float64)
        )
        ids = lambda all_: [[[one["ids"] for one in case] for case in picture] for picture in all_]
        [[greedy, beams, *_], [other, *_]] = ids(answers)
        ended = [case for picture in ids(answers) for case in picture for one in case if one[-1] == SEP]
        if ids(answers) == ids(doubled) and greedy != other and greedy != beams and len(ended) > 3 and len(set(greedy[0])) > 5:
            break
    else:
        raise SystemExit("No seed writes anything worth looking at.")
    folder = HERE / "lavis-writer"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    whole = dict(state)
    whole |= {f"visual_encoder.{n}": t for n, t in eva_state({f"vision_model.{n}": t for n, t in tower.items()}, halves=False).items()}
    whole |= {f"ln_vision.{part}": tower[f"post_layernorm.{part}"] for part in ("weight", "bias")}
    torch.save({"model": whole, "epoch": 1}, folder / "blip2_pretrained_small.pth")
    (folder / "vocab.txt").write_text("".join(word + "\n" for word in words), encoding="utf-8")
    tokenizer = BertTokenizer(vocab={word: i for i, word in enumerate(words)})
    tokenizer.add_special_tokens({"bos_token": "[DEC]"})
    assert tokenizer.sep_token_id == SEP and tokenizer.convert_tokens_to_ids("[DEC]") == start
    values, cases = {}, []
    for i, picture in enumerate(answers):
        values |= {f"image{i}.pixel_values": pixels[i], f"image{i}.image_features": features[i]}
        for s, answer in enumerate(picture):
            for one in answer:
                one["text"] = tokenizer.decode(one["ids"], skip_special_tokens=True)
            cases.append({"image": i, "settings": SETTINGS[s], "answers": answer})
        text = torch.tensor([[start, *answers[i][0][0]["ids"]]])
        values[f"image{i}.logits"] = Writer(state, features[i]).logits(text)
    save_file({k: v.contiguous() for k, v in values.items()}, folder / "reference.safetensors")
    reference = {"startId": start, "temperature": TEMPERATURE, "maxLength": LONGEST, "minLength": SHORTEST, "cases": cases}
    (folder / "reference.json").write_text(json.dumps(reference, ensure_ascii=False, indent=1) + "\n")
    print("lavis-writer", seed, [case["answers"][0]["text"] for case in cases])


if __name__ == "__main__":
    main()
