"""Remakes the random checkpoints that compare pictures with texts (itm-*), and beside each what transformers' own
`Blip2ForImageTextRetrieval` computes from it: every call form of stage 1, texts padded side by side and one by one.

    python make_retrieval.py                      # remakes the three, bit for bit
    python make_retrieval.py --random DIR --seed 7
"""

import argparse
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from transformers import BertTokenizer, Blip2Config, Blip2ForImageTextRetrieval

from checkpoint_files import preprocessor_config, write_weights
from images import write_images
from make_reference import CLIP_MEAN, CLIP_STD
from oracle import pixel_values, read_settings
from tokenizer_files import write_json
from weights import adjust, standard_deviation

HERE = Path(__file__).parent


@dataclass
class Spec:
    seed: int
    vision: dict
    qformer: dict
    queries: int
    projection: int
    dtype: torch.dtype
    shards: int = 1
    only_words: bool = False  # vocab.txt and added_tokens.json, as the published repositories have them
    image_token: bool = False  # named in config.json, which changes what transformers' processor makes and nothing else


SPECS = {
    "itm-odd": Spec(
        1, dict(hidden_size=44, num_attention_heads=2, intermediate_size=70, num_hidden_layers=2, patch_size=7, image_size=24),
        dict(hidden_size=24, num_attention_heads=3, intermediate_size=50, num_hidden_layers=5, max_position_embeddings=60),
        5, 20, torch.float32,
    ),
    "itm-half": Spec(
        2, dict(hidden_size=64, num_attention_heads=4, intermediate_size=96, num_hidden_layers=1, patch_size=14, image_size=56),
        dict(hidden_size=32, num_attention_heads=2, intermediate_size=64, num_hidden_layers=3, max_position_embeddings=64),
        8, 32, torch.float16, shards=2, only_words=True,
    ),
    "itm-brain": Spec(
        3, dict(hidden_size=36, num_attention_heads=3, intermediate_size=40, num_hidden_layers=1, patch_size=8, image_size=24),
        dict(hidden_size=48, num_attention_heads=4, intermediate_size=60, num_hidden_layers=4, max_position_embeddings=48,
             cross_attention_frequency=3),
        3, 16, torch.bfloat16, image_token=True,
    ),
}

WORDS = (
    "a an the of on in at with and is are to red blue green yellow black white heart star circle square cat dog bird tree house "
    "boat car ball cup left right above below two three four photo picture small large beach woman sitting"
).split()
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
ODD = list(".,!?'\"-()[]&@#$%:;/") + list("äéñßøσςοδ") + ["日", "本", "𠀀", "語", "😀", "…"]


def vocabulary() -> list[str]:
    """Special tokens first, then letters, their continuations, words and some endings."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tails = ["##" + letter for letter in LETTERS + "σςοδ"] + ["##s", "##ing", "##ed", "##er"]
    return list(dict.fromkeys([*special, *LETTERS, *ODD, *WORDS, *tails]))


TEXTS = [
    "a",
    "red heart",
    "a photo of two cats",
    "A small dog sitting on the beach, with a woman.",
    "the blue star is left of the green circle and above the yellow square",
    "three boats at the beach and four birds in a tree with two red balls below, and a house to the right of it all",
    " ".join(["a red cup and"] * 11),
]
TOKENIZER_TEXTS = [
    *TEXTS, "  spaces\tand\nlines ", "Äpfel, Élan, MAÑANA", "ΟΔΟΣ σ ς", "日本語 is 日本", "𠀀𠀀 x", "it's (a) \"test\" - no?", "x" * 101,
    "😀 smile😀", "don't… stop", "soft\u00adhyphen zero\u200bwidth", "\ufeffbom", "50% of $3 & #1 @ a/b", "İstanbul", "ﬁne", "",
]  # fmt: skip


def make_config(spec: Spec, rows: int) -> Blip2Config:
    config = Blip2Config(
        vision_config=spec.vision,
        qformer_config={**spec.qformer, "vocab_size": rows, "use_qformer_text_input": True},
        num_query_tokens=spec.queries,
        image_text_hidden_size=spec.projection,
        image_token_index=rows if spec.image_token else None,
    )
    config.architectures = ["Blip2ForImageTextRetrieval"]
    return config


def deviation(name: str, shape: tuple[int, ...]) -> float:
    if name.startswith("embeddings."):
        return 0.7
    if name.startswith("itm_head"):
        return 0.6
    return standard_deviation(name, shape)


def make_tensors(spec: Spec, config: Blip2Config) -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        shapes = {k: tuple(v.shape) for k, v in Blip2ForImageTextRetrieval(config).state_dict().items()}
    random = np.random.Generator(np.random.PCG64(spec.seed))
    tensors = {}
    for name, shape in sorted(shapes.items()):
        values = random.standard_normal(shape, dtype=np.float32) * np.float32(deviation(name, shape))
        tensors[name] = torch.from_numpy(adjust(name, values)).to(spec.dtype)
    return tensors


def write_tokenizer(folder: Path, spec: Spec, words: list[str]) -> None:
    dec = len(words)
    if spec.only_words:
        (folder / "vocab.txt").write_text("".join(word + "\n" for word in words), encoding="utf-8")
        write_json(folder / "added_tokens.json", {"[DEC]": dec})
        write_json(folder / "tokenizer_config.json", {"do_lower_case": True, "tokenizer_class": "BertTokenizer"})
        return
    tokenizer = BertTokenizer(vocab={word: i for i, word in enumerate(words)})
    tokenizer.add_special_tokens({"bos_token": "[DEC]"})
    assert tokenizer.convert_tokens_to_ids("[DEC]") == dec
    tokenizer.save_pretrained(folder)


def padded(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(len(row) for row in rows)
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return ids, mask


def itm(model, pixels, ids, mask) -> torch.Tensor:
    """`forward` with a config that names an image token takes the ids of the queries in front."""
    queries = model.config.num_query_tokens
    if model.config.image_token_index is not None:
        ids = torch.cat([torch.full((len(ids), queries), model.config.image_token_index), ids], 1)
        mask = torch.cat([torch.ones(len(mask), queries, dtype=mask.dtype), mask], 1)
    return model(pixels, ids, mask, use_image_text_matching_head=True).logits_per_image


def itc(model, pixels, ids, mask):
    queries = model.config.num_query_tokens
    if model.config.image_token_index is not None:
        ids = torch.cat([torch.full((len(ids), queries), model.config.image_token_index), ids], 1)
        mask = torch.cat([torch.ones(len(mask), queries, dtype=mask.dtype), mask], 1)
    return model(pixels, ids, mask, use_image_text_matching_head=False)


def cross_attention(model, features, ids=None) -> torch.Tensor:
    """[cross layers, heads, Q, image tokens]"""
    model.qformer.set_attn_implementation("eager")
    queries = model.query_tokens
    embeds = queries if ids is None else model.embeddings(input_ids=ids, query_embeds=queries)
    out = model.qformer(
        query_embeds=embeds, query_length=queries.shape[1], encoder_hidden_states=features, output_attentions=True
    )
    return torch.cat([layer for layer in out.cross_attentions if layer is not None])


@torch.no_grad()
def write_reference(folder: Path, spec: Spec, images: dict[str, Path]) -> None:
    model = Blip2ForImageTextRetrieval.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = BertTokenizer.from_pretrained(folder)
    settings = read_settings(folder)
    rows = [tokenizer(text).input_ids for text in TEXTS]
    ids, mask = padded(rows)
    values: dict[str, torch.Tensor] = {}
    logits, similarities = [], []
    for i, path in enumerate(images.values()):
        pixels = pixel_values(Image.open(path), settings)
        features = model.vision_model(pixel_values=pixels).last_hidden_state
        queries = model.qformer(query_embeds=model.query_tokens, encoder_hidden_states=features).last_hidden_state
        matched = itm(model, pixels.expand(len(TEXTS), -1, -1, -1), ids, mask)
        compared = itc(model, pixels, ids, mask)
        vectors = F.normalize(model.vision_projection(queries), dim=-1)
        torch.testing.assert_close(vectors, compared.image_embeds)
        logits.append(matched.tolist())
        similarities.append(compared.logits_per_image[0].tolist())
        values[f"image{i}.pixel_values"] = pixels
        values[f"image{i}.image_features"] = features
        values[f"image{i}.query_output"] = queries
        values[f"image{i}.image_embeds"] = compared.image_embeds
        values[f"image{i}.cross_attention"] = cross_attention(model, features)
        values[f"image{i}.cross_attention_with_text"] = cross_attention(model, features, torch.tensor([rows[2]]))
        for t, row in enumerate(rows):
            one, seen = torch.tensor([row]), torch.ones(1, spec.queries + len(row), dtype=torch.long)
            hidden = model.qformer(
                query_embeds=model.embeddings(input_ids=one, query_embeds=model.query_tokens),
                query_length=spec.queries, attention_mask=seen, encoder_hidden_states=features,
            ).last_hidden_state[:, : spec.queries]
            values[f"pair{i}.{t}.multimodal_embeds"] = hidden
            torch.testing.assert_close(model.itm_head(hidden).mean(1), matched[t : t + 1], rtol=1e-4, atol=1e-5)
    for t, row in enumerate(rows):
        one = torch.tensor([row])
        output = model.qformer(query_embeds=model.embeddings(input_ids=one), query_length=0).last_hidden_state
        values[f"text{t}.text_output"] = output
        values[f"text{t}.text_embeds"] = F.normalize(model.text_projection(output), dim=-1)
    save_file({name: value.contiguous().clone() for name, value in values.items()}, folder / "reference.safetensors")
    cases = [{"text": text, "ids": tokenizer(text).input_ids} for text in TOKENIZER_TEXTS]
    write_json(
        folder / "reference.json",
        {"texts": TEXTS, "ids": rows, "itc": similarities, "itmLogits": logits, "tokenizerCases": cases}, None,
    )
    spread = torch.tensor(similarities)
    print(f"{folder.name}: ITC {spread.min():.3f} to {spread.max():.3f}, ITM {torch.tensor(logits).std():.2f}, lengths {[len(r) for r in rows]}")


def make_checkpoint(folder: Path, spec: Spec, images: dict[str, Path]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    words = vocabulary()
    config = make_config(spec, len(words) + 1)
    config_json = {key: value for key, value in config.to_dict().items() if key != "_name_or_path"}
    write_json(folder / "config.json", config_json)
    write_json(folder / "preprocessor_config.json", preprocessor_config(config.vision_config.image_size, CLIP_MEAN, CLIP_STD))
    write_tokenizer(folder, spec, words)
    write_weights(folder, make_tensors(spec, config), spec.shards)
    write_reference(folder, spec, images)


def draw_spec(seed: int) -> Spec:
    random = np.random.Generator(np.random.PCG64(seed))

    def draw(low: int, high: int) -> int:
        return int(random.integers(low, high + 1))

    def width(low: int, high: int) -> dict:
        heads = draw(1, 4)
        return {"num_attention_heads": heads, "hidden_size": heads * 4 * draw(low, high)}

    patch = draw(5, 16)
    return Spec(
        seed, {**width(2, 8), "intermediate_size": draw(30, 150), "num_hidden_layers": draw(1, 3), "patch_size": patch,
               "image_size": patch * draw(2, 6) + draw(0, patch - 1)},
        {**width(2, 6), "intermediate_size": draw(30, 120), "num_hidden_layers": draw(1, 6),
         "max_position_embeddings": draw(50, 90), "cross_attention_frequency": draw(1, 3)},
        draw(2, 20), draw(8, 70), [torch.float32, torch.float16, torch.bfloat16][draw(0, 2)], shards=draw(1, 2),
        only_words=bool(draw(0, 1)), image_token=bool(draw(0, 1)),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random", type=Path, metavar="DIR", help="must not exist yet")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.random is None:
        images = {p.stem: p for p in sorted((HERE / "images").glob("*.png"))}
        for name, spec in SPECS.items():
            make_checkpoint(HERE / name, spec, images)
        return
    if args.random.exists():
        raise SystemExit(f"{args.random} exists")
    images = write_images(args.random.parent / f"{args.random.name}-images")
    make_checkpoint(args.random, draw_spec(args.seed), images)
    print(draw_spec(args.seed))


if __name__ == "__main__":
    main()
