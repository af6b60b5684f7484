"""How well the retrieval checkpoint finds pictures by captions and captions by pictures, with transformers' own
`Blip2ForImageTextRetrieval` on held-out scenes (blip2.md section 5):

    npx tsx models/drawn-scenes/training/render-scenes.ts --from 1000000 --count 1000 --clean --out work/trained
    python measure_retrieval.py --checkpoint fp32=models/drawn-scenes/retrieval-checkpoint --scenes trained=work/trained

Each scene has its first caption, and every caption equal to the right one counts as right: some scenes are described
alike. Others that would be true of the picture count as wrong. Prints JSON: for each checkpoint and set of scenes counts
as `{"right": n, "of": n}`. `npm run card` calls it for every precision.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import Blip2ForImageTextRetrieval

from data import Scenes

RERANKED = 16  # as many of the best by contrast are looked at again by matching
RANKS = (1, 5, 10)
BATCH, PAIRS = 50, 128


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--checkpoint", nargs="+", required=True, metavar="NAME=FOLDER")
    parser.add_argument("--scenes", nargs="+", required=True, metavar="NAME=FOLDER")
    parser.add_argument("--count", type=int, default=1000)
    args = parser.parse_args()
    found = {}
    for name, folder in named(args.checkpoint):
        model = Retriever(folder)
        found[name] = {}
        for kind, scenes in named(args.scenes):
            started = time.time()
            found[name][kind] = measured(model, scenes, args.count)
            print(f"{name}, {kind}: {time.time() - started:.0f} s", file=sys.stderr)
    print(json.dumps(found))


def named(entries: list[str]) -> list[tuple[str, Path]]:
    return [(name, Path(folder)) for name, folder in (entry.split("=", 1) for entry in entries)]


class Retriever:
    """The model's own parts, each run once per picture or text, where `forward` would run all of them per pair."""

    def __init__(self, folder: Path):
        self.model = Blip2ForImageTextRetrieval.from_pretrained(folder, dtype=torch.float32).eval()
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(self.model.config.qformer_config.max_position_embeddings)
        self.tokenizer.enable_padding(pad_id=0)
        self.size = self.model.config.vision_config.image_size

    def encode(self, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids and mask, [B, L], padded on the right."""
        rows = self.tokenizer.encode_batch(texts)
        return torch.tensor([row.ids for row in rows]), torch.tensor([row.attention_mask for row in rows])

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """[B, patches + 1, width]"""
        return self.model.vision_model(pixel_values=pixels).last_hidden_state

    def image_vectors(self, features: torch.Tensor) -> torch.Tensor:
        """[B, Q, 64], of length 1."""
        queries = self.model.query_tokens.expand(len(features), -1, -1)
        hidden = self.model.qformer(query_embeds=queries, encoder_hidden_states=features).last_hidden_state
        return F.normalize(self.model.vision_projection(hidden), dim=-1)

    def text_vectors(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """[B, 64], of length 1."""
        embedded = self.model.embeddings(input_ids=ids)
        hidden = self.model.qformer(query_embeds=embedded, query_length=0, attention_mask=mask).last_hidden_state
        return F.normalize(self.model.text_projection(hidden[:, 0]), dim=-1)

    def matching(self, features: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Logits [B, 2]; class 1 is a match."""
        queries = self.model.query_tokens.expand(len(features), -1, -1)
        seen = torch.cat([torch.ones(queries.shape[:2], dtype=mask.dtype), mask], 1)
        hidden = self.model.qformer(
            query_embeds=self.model.embeddings(input_ids=ids, query_embeds=queries), query_length=queries.shape[1],
            attention_mask=seen, encoder_hidden_states=features,
        ).last_hidden_state
        return self.model.itm_head(hidden[:, : queries.shape[1]]).mean(1)

    def check(self, pixels: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor) -> None:
        """That the parts put together are what `forward` computes."""
        features = self.features(pixels)
        inputs = {"pixel_values": pixels, "input_ids": ids, "attention_mask": mask}
        itc = self.model(**inputs, use_image_text_matching_head=False).logits_per_image
        torch.testing.assert_close(cosines(self.image_vectors(features), self.text_vectors(ids, mask)), itc)
        itm = self.model(**inputs, use_image_text_matching_head=True).logits_per_image
        torch.testing.assert_close(self.matching(features, ids, mask), itm)


def cosines(images: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
    """[images, texts]: the best query counts."""
    return torch.einsum("iqd,td->itq", images, texts).amax(-1)


@torch.no_grad()
def measured(model: Retriever, folder: Path, count: int) -> dict:
    scenes = Scenes([folder], model.size)
    count = min(count, len(scenes))
    captions = [line["captions"][0] for line in scenes.lines[:count]]
    ids, mask = model.encode(captions)
    model.check(scenes.images(torch.arange(4)), ids[:4], mask[:4])
    batches = torch.arange(count).split(BATCH)
    features = torch.cat([model.features(scenes.images(rows)) for rows in batches])
    images = torch.cat([model.image_vectors(features[rows]) for rows in batches])
    texts = torch.cat([model.text_vectors(ids[rows], mask[rows]) for rows in batches])
    similarity = cosines(images, texts)
    number = {caption: i for i, caption in enumerate(dict.fromkeys(captions))}
    said = torch.tensor([number[caption] for caption in captions])
    right = said[:, None] == said[None]
    wrong = wrong_captions(similarity, right)
    pairs = wanted_pairs(similarity, [torch.arange(count), *wrong.values()])
    logits = pair_logits(model, features, ids, mask, pairs)
    scores = similarity + logits[..., 1]
    by_itself = logits[torch.arange(count), torch.arange(count)]
    return {
        "scenes": count, "captions": len(number),
        "image to text": recalls(similarity, right), "text to image": recalls(similarity.T, right),
        "image to text, re-ranked": recalls(reranked(scores, similarity), right),
        "text to image, re-ranked": recalls(reranked(scores.T, similarity.T), right),
        "matching": {
            kind: accuracy(by_itself, logits[torch.arange(count), others]) for kind, others in wrong.items()
        },
    }


def wrong_captions(similarity: torch.Tensor, right: torch.Tensor) -> dict[str, torch.Tensor]:
    """For each picture a caption of another, differently worded scene: by chance, and the most similar one."""
    chance = torch.rand(similarity.shape, generator=torch.Generator().manual_seed(0))
    return {
        "random": chance.masked_fill(right, -1).argmax(1),
        "most similar": similarity.masked_fill(right, -2).argmax(1),
    }


def wanted_pairs(similarity: torch.Tensor, others: list[torch.Tensor]) -> torch.Tensor:
    """Picture and text, [N, 2]: the best of each picture and of each text, and those of `others` by picture."""
    wanted = torch.zeros(similarity.shape, dtype=torch.bool)
    best = min(RERANKED, len(similarity))
    wanted.scatter_(1, similarity.topk(best, 1).indices, True)
    wanted.scatter_(0, similarity.topk(best, 0).indices, True)
    for texts in others:
        wanted[torch.arange(len(wanted)), texts] = True
    return wanted.nonzero()


def pair_logits(model: Retriever, features, ids, mask, pairs: torch.Tensor) -> torch.Tensor:
    """[pictures, texts, 2]; NaN where a pair was not looked at. Texts of similar length run together."""
    logits = torch.full((len(features), len(ids), 2), float("nan"))
    lengths = mask.sum(1)
    for batch in pairs[lengths[pairs[:, 1]].argsort()].split(PAIRS):
        image, text = batch.unbind(1)
        longest = int(lengths[text].max())
        logits[image, text] = model.matching(features[image], ids[text, :longest], mask[text, :longest])
    return logits


def reranked(scores: torch.Tensor, similarity: torch.Tensor) -> torch.Tensor:
    """The scores of each row's best by contrast; the rest, which were not looked at again, follow in their order."""
    best = torch.zeros(scores.shape, dtype=torch.bool)
    best.scatter_(1, similarity.topk(min(RERANKED, scores.shape[1]), 1).indices, True)
    return torch.where(best, scores, similarity - 100)


def recalls(scores: torch.Tensor, right: torch.Tensor) -> dict[str, dict[str, int]]:
    """For how many rows a right one is among the best 1, 5 and 10."""
    hits = right.gather(1, scores.topk(min(RANKS[-1], scores.shape[1]), 1).indices)
    return {str(rank): {"right": int(hits[:, :rank].any(1).sum()), "of": len(hits)} for rank in RANKS}


def accuracy(of_right: torch.Tensor, of_wrong: torch.Tensor) -> dict[str, int]:
    """Of as many right pairs as wrong ones, those that are told for what they are."""
    told = (of_right.argmax(1) == 1).sum() + (of_wrong.argmax(1) == 0).sum()
    return {"right": int(told), "of": len(of_right) + len(of_wrong)}


if __name__ == "__main__":
    main()
