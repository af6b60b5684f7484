"""The miniature's dimensions and parts, all of them transformers' own classes."""

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import Blip2Config, Blip2ForConditionalGeneration, Blip2QFormerConfig, Blip2VisionConfig, OPTConfig
from transformers.models.blip_2.modeling_blip_2 import Blip2QFormerModel, Blip2TextEmbeddings, Blip2VisionModel

from data import IMAGE_SIZE, PATCH_SIZE

QUERIES = 16
VISION_LAYERS = 6  # the encoder is trained with one more block; BLIP-2 takes the second-to-last block's output
BOS, PAD = 2, 1
ATTENTION = "eager"  # twice as fast as the fused kernel for sequences this short on a CPU


def vision_config(layers: int) -> Blip2VisionConfig:
    return Blip2VisionConfig(
        hidden_size=128, intermediate_size=512, num_hidden_layers=layers, num_attention_heads=2,
        image_size=IMAGE_SIZE, patch_size=PATCH_SIZE, hidden_act="gelu", layer_norm_eps=1e-6, qkv_bias=True,
        attn_implementation=ATTENTION,
        initializer_range=0.02,  # the published config says 1e-10, which is for loading, not for learning
    )


def qformer_config(vocabulary: int, text: bool) -> Blip2QFormerConfig:
    return Blip2QFormerConfig(
        vocab_size=vocabulary, hidden_size=128, num_hidden_layers=4, num_attention_heads=2, intermediate_size=512,
        encoder_hidden_size=128, cross_attention_frequency=2, max_position_embeddings=64, use_qformer_text_input=text,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, pad_token_id=PAD,
    )


def opt_config(vocabulary: int, newline: int) -> OPTConfig:
    return OPTConfig(
        vocab_size=vocabulary, hidden_size=192, word_embed_proj_dim=192, ffn_dim=768, num_hidden_layers=3,
        num_attention_heads=3, max_position_embeddings=512, do_layer_norm_before=True, activation_function="relu",
        dropout=0.0, attention_dropout=0.0, activation_dropout=0.0,
        attn_implementation=ATTENTION, bos_token_id=BOS, eos_token_id=newline, pad_token_id=PAD, prefix="</s>",
    )


class LabelledEncoder(nn.Module):
    """The vision encoder while it learns from labels: each patch says what it shows, and where that is. Without the
    place the features forget it, and queries that cannot tell two objects apart name one of them twice."""

    def __init__(self, kinds: int, colours: int):
        super().__init__()
        self.vision = Blip2VisionModel(vision_config(VISION_LAYERS + 1))
        for module in self.vision.modules():
            if isinstance(module, nn.LayerNorm):  # transformers initialises layer_norm1 with zeros
                nn.init.ones_(module.weight)
        self.kind_head = nn.Linear(128, kinds + 1)
        self.colour_head = nn.Linear(128, colours + 1)
        self.place_head = nn.Linear(128, 3)

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        patches = self.vision(pixels).last_hidden_state[:, 1:]
        return self.kind_head(patches), self.colour_head(patches), self.place_head(patches)


class StageOne(nn.Module):
    """Q-Former with its text half and the heads of ITC, ITM and ITG."""

    def __init__(self, vocabulary: int):
        super().__init__()
        config = qformer_config(vocabulary, text=True)
        self.qformer = Blip2QFormerModel(config)
        self.embeddings = Blip2TextEmbeddings(config)
        for table in (self.embeddings.word_embeddings, self.embeddings.position_embeddings):
            nn.init.normal_(table.weight, std=0.02)
        self.post_layernorm = nn.LayerNorm(128, eps=1e-6)
        self.query_tokens = nn.Parameter(torch.randn(1, QUERIES, 128) * 0.02)
        self.vision_projection = nn.Linear(128, 64)
        self.text_projection = nn.Linear(128, 64)
        self.itm_head = nn.Linear(128, 2)
        self.lm_transform = nn.Sequential(nn.Linear(128, 128), nn.GELU(), nn.LayerNorm(128))
        self.lm_bias = nn.Parameter(torch.zeros(vocabulary))
        self.temperature = nn.Parameter(torch.tensor(0.07))
        # As in the paper the query path starts as a copy of the text path.
        for layer in self.qformer.encoder.layer:
            layer.intermediate_query.load_state_dict(layer.intermediate.state_dict())
            layer.output_query.load_state_dict(layer.output.state_dict())

    def run(self, features, queries: bool, ids=None, mask=None) -> torch.Tensor:
        """Hidden states [B, (Q) + L, 128] under an additive self-attention mask [B, 1, from, to]."""
        batch = len(features) if features is not None else len(ids)
        query = self.query_tokens.expand(batch, -1, -1) if queries else None
        hidden = self.embeddings(input_ids=ids, query_embeds=query)
        hidden = self.qformer.layernorm(hidden)
        for layer in self.qformer.encoder.layer:
            hidden = layer(hidden, mask, features, None, QUERIES if queries else 0)
        return hidden


def blip2(vocabulary: int, newline: int, image_token: int) -> Blip2ForConditionalGeneration:
    config = Blip2Config(
        vision_config=vision_config(VISION_LAYERS).to_dict(),
        qformer_config=qformer_config(vocabulary, text=False).to_dict(),
        text_config=opt_config(vocabulary, newline).to_dict(),
        num_query_tokens=QUERIES, image_text_hidden_size=64, image_token_index=image_token,
    )
    return Blip2ForConditionalGeneration(config)


def newline_id(tokenizer: Tokenizer) -> int:
    return tokenizer.token_to_id("Ċ")
