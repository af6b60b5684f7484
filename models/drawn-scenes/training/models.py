"""The miniature's dimensions and parts, all of them transformers' own classes."""

import torch
from torch import nn
from transformers import Blip2Config, Blip2ForConditionalGeneration, Blip2ForImageTextRetrieval
from transformers import Blip2QFormerConfig, Blip2VisionConfig, OPTConfig
from transformers.models.blip_2.modeling_blip_2 import Blip2QFormerModel, Blip2TextEmbeddings, Blip2VisionModel

from data import SETTINGS

IMAGE_SIZE, PATCH_SIZE = 112, 14
GRID = IMAGE_SIZE // PATCH_SIZE
VISION_WIDTH, VISION_HEADS = 192, 3
VISION_LAYERS = 5  # the encoder is trained with one more block; BLIP-2 takes the second-to-last block's output
QUERIES, QFORMER_WIDTH, QFORMER_HEADS, QFORMER_LAYERS = 32, 160, 4, 4
PROJECTED = 64  # width of the vectors that image-text contrast compares
TEXT_LENGTH = 64  # positions of the Q-Former's text half
OPT_WIDTH, OPT_HEADS, OPT_LAYERS, OPT_POSITIONS = 160, 2, 4, 512
BOS, PAD = 2, 1
ATTENTION = "eager"  # faster than the fused kernel for sequences this short on a CPU


def vision_config(layers: int) -> Blip2VisionConfig:
    return Blip2VisionConfig(
        hidden_size=VISION_WIDTH, intermediate_size=4 * VISION_WIDTH, num_hidden_layers=layers,
        num_attention_heads=VISION_HEADS, image_size=IMAGE_SIZE, patch_size=PATCH_SIZE, hidden_act="gelu",
        layer_norm_eps=1e-6, qkv_bias=True, attn_implementation=ATTENTION,
        initializer_range=0.02,  # the published config says 1e-10, which is for loading, not for learning
    )


def qformer_config(vocabulary: int, text: bool) -> Blip2QFormerConfig:
    return Blip2QFormerConfig(
        vocab_size=vocabulary, hidden_size=QFORMER_WIDTH, num_hidden_layers=QFORMER_LAYERS,
        num_attention_heads=QFORMER_HEADS, intermediate_size=4 * QFORMER_WIDTH, encoder_hidden_size=VISION_WIDTH,
        cross_attention_frequency=2, max_position_embeddings=TEXT_LENGTH, use_qformer_text_input=text,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, pad_token_id=0,
    )


def opt_config(vocabulary: int, newline: int) -> OPTConfig:
    return OPTConfig(
        vocab_size=vocabulary, hidden_size=OPT_WIDTH, word_embed_proj_dim=OPT_WIDTH, ffn_dim=4 * OPT_WIDTH,
        num_hidden_layers=OPT_LAYERS, num_attention_heads=OPT_HEADS, max_position_embeddings=OPT_POSITIONS,
        do_layer_norm_before=True, activation_function="relu", dropout=0.0, attention_dropout=0.0,
        activation_dropout=0.0, attn_implementation=ATTENTION, bos_token_id=BOS, eos_token_id=newline,
        pad_token_id=PAD, prefix="</s>",
    )


class LabelledEncoder(nn.Module):
    """The vision encoder while it learns from labels: each patch says what it shows, in which colour, where that is and
    what is before or behind it, and the class token what the background is. Without the place the features forget it,
    and queries that cannot tell two objects apart name one of them twice."""

    def __init__(self, kinds: int, colours: int):
        super().__init__()
        self.vision = Blip2VisionModel(vision_config(VISION_LAYERS + 1))
        for module in self.vision.modules():
            if isinstance(module, nn.LayerNorm):  # transformers initialises layer_norm1 with zeros
                nn.init.ones_(module.weight)
        self.heads = nn.ModuleDict({
            "kind": nn.Linear(VISION_WIDTH, kinds + 1), "colour": nn.Linear(VISION_WIDTH, colours + 1),
            "place": nn.Linear(VISION_WIDTH, 3), "depth": nn.Linear(VISION_WIDTH, 5),
            "setting": nn.Linear(VISION_WIDTH, len(SETTINGS)),
        })

    def forward(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Per patch `kind`, `colour`, `place`, `depth` [B, patches, n]; per picture `setting` [B, n]."""
        hidden = self.vision(pixels).last_hidden_state
        return {name: head(hidden[:, 0] if name == "setting" else hidden[:, 1:]) for name, head in self.heads.items()}

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """The second-to-last block's output, [B, patches + 1, width], before the post-layernorm."""
        hidden = self.vision.embeddings(pixels)
        for layer in self.vision.encoder.layers[:VISION_LAYERS]:
            hidden = layer(hidden)
        return hidden


class StageOne(nn.Module):
    """Q-Former with its text half and the heads of ITC, ITM and ITG."""

    def __init__(self, vocabulary: int):
        super().__init__()
        config = qformer_config(vocabulary, text=True)
        self.qformer = Blip2QFormerModel(config)
        self.embeddings = Blip2TextEmbeddings(config)
        for table in (self.embeddings.word_embeddings, self.embeddings.position_embeddings):
            nn.init.normal_(table.weight, std=0.02)
        self.post_layernorm = nn.LayerNorm(VISION_WIDTH, eps=1e-6)
        self.query_tokens = nn.Parameter(torch.randn(1, QUERIES, QFORMER_WIDTH) * 0.02)
        self.vision_projection = nn.Linear(QFORMER_WIDTH, PROJECTED)
        self.text_projection = nn.Linear(QFORMER_WIDTH, PROJECTED)
        self.itm_head = nn.Linear(QFORMER_WIDTH, 2)
        self.lm_transform = nn.Sequential(
            nn.Linear(QFORMER_WIDTH, QFORMER_WIDTH), nn.GELU(), nn.LayerNorm(QFORMER_WIDTH)
        )
        self.lm_bias = nn.Parameter(torch.zeros(vocabulary))
        self.temperature = nn.Parameter(torch.tensor(0.07))
        # As in the paper the query path starts as a copy of the text path.
        for layer in self.qformer.encoder.layer:
            layer.intermediate_query.load_state_dict(layer.intermediate.state_dict())
            layer.output_query.load_state_dict(layer.output.state_dict())

    def run(self, features, queries: bool, ids=None, mask=None) -> torch.Tensor:
        """Hidden states [B, (Q) + L, width] under an additive self-attention mask [B, 1, from, to]."""
        batch = len(features) if features is not None else len(ids)
        query = self.query_tokens.expand(batch, -1, -1) if queries else None
        hidden = self.embeddings(input_ids=ids, query_embeds=query)
        return run_qformer(self.qformer, hidden, features, mask, QUERIES if queries else 0)


def run_qformer(qformer: Blip2QFormerModel, hidden, features, mask, queries: int) -> torch.Tensor:
    hidden = qformer.layernorm(hidden)
    for layer in qformer.encoder.layer:
        hidden = layer(hidden, mask, features, None, queries)
    return hidden


def blip2_config(vocabulary: int, newline: int, image_token: int) -> Blip2Config:
    return Blip2Config(
        vision_config=vision_config(VISION_LAYERS).to_dict(),
        qformer_config=qformer_config(vocabulary, text=False).to_dict(),
        text_config=opt_config(vocabulary, newline).to_dict(),
        num_query_tokens=QUERIES, image_text_hidden_size=PROJECTED, image_token_index=image_token,
    )


def generator(vocabulary: int, newline: int, image_token: int) -> Blip2ForConditionalGeneration:
    return Blip2ForConditionalGeneration(blip2_config(vocabulary, newline, image_token))


def retriever(vocabulary: int) -> Blip2ForImageTextRetrieval:
    config = Blip2Config(
        vision_config=vision_config(VISION_LAYERS).to_dict(),
        qformer_config=qformer_config(vocabulary, text=True).to_dict(),
        num_query_tokens=QUERIES, image_text_hidden_size=PROJECTED,
    )
    return Blip2ForImageTextRetrieval(config)
