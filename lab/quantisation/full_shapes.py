"""The arithmetic of full-shapes.ts: BLIP-2's layers one at a time, each with several kinds of weights.

Reads a line of JSON for each layer, with a safetensors file of its weights: floats under their names, matrices as
NAME.f32 and, as the converter stores them, NAME.q4 and NAME.q8 with NAME.q4.scales and NAME.q8.scales. Every *chain* has
a state of its own (what the layers before made of the same picture and prompt) and its own weights and arithmetic; the
chain `fp32` is the reference. Answers each line with one of JSON: the error of each chain, and the largest magnitudes.

Arithmetic `f16` is that of ONNX Runtime 1.30's WebGPU kernels where `shader-f16` is used: values are float16 between
operations; MatMulNBits adds products of four in float16, one after the other (WideTile); layer norms take mean and
variance in float32, attention scores and softmax are float32. In `f16, sums f32` products are summed in float32.
`int8` is accuracy_level 4: the input of a matrix product is rounded to 8 bits in blocks of 128.
"""

import json
import math
import sys

import numpy as np
import torch
from safetensors.torch import load_file

torch.set_grad_enabled(False)

CHAINS = {
    "fp32": ("f32", "f32"),
    "fp16": ("f16", "f16, sums f32"),
    "q8": ("q8", "f32"),
    "q4": ("plan", "f32"),
    "q4f16": ("plan", "f16"),
    "q4, level 4": ("plan", "int8"),
}

def rounded(x, arithmetic):
    return x.half().float() if arithmetic.startswith("f16") else x


def dequantised(packed, scales, bits):
    """The converter's blocks of 32 -> float32 [outputs, inputs]."""
    packed = packed.view(len(packed), -1, 32 * bits // 8)
    if bits == 4:
        integers = torch.stack([packed & 15, packed >> 4], -1).flatten(-2).float() - 8
    else:
        integers = packed.float() - 128
    return (integers * scales.float().view(len(packed), -1, 1)).flatten(1)


class Layer:
    """One layer's weights as one chain sees them, its arithmetic, and a note of the largest magnitudes."""

    def __init__(self, tensors, kind, arithmetic, largest):
        self.tensors, self.kind, self.arithmetic, self.largest = tensors, kind, arithmetic, largest

    def note(self, name, x):
        self.largest[name] = max(self.largest.get(name, 0.0), float(x.abs().max()))
        return x

    def float(self, name):
        return rounded(self.tensors[name], "f16" if self.kind == "f16" else self.arithmetic)

    def matrix(self, name):
        if self.kind == "f32":
            return self.tensors[f"{name}.f32"]
        if self.kind == "f16":
            return self.tensors[f"{name}.f32"].half().float()
        bits = 4 if self.kind == "plan" and f"{name}.q4" in self.tensors else 8
        return dequantised(self.tensors[f"{name}.q{bits}"], self.tensors[f"{name}.q{bits}.scales"], bits)

    def linear(self, x, name, label, bias=True):
        weight = self.matrix(f"{name}.weight")
        if self.arithmetic == "int8" and x.shape[-1] % 128 == 0 and len(weight) % 16 == 0:
            blocks = x.view(len(x), -1, 128)
            step = (blocks.abs().amax(-1, keepdim=True) / 127).clamp(min=1e-30)
            x = ((blocks / step).round() * step).view_as(x)
        if self.arithmetic == "f16":
            y, most = product_in_f16(x, rounded(weight, "f16"))
            self.largest["partial sums"] = max(self.largest.get("partial sums", 0.0), most)
        else:
            y = x @ weight.T
        y = self.note(label, rounded(y, self.arithmetic))
        return rounded(y + self.float(f"{name}.bias"), self.arithmetic) if bias else y

    def add(self, x, residual, bias=None):
        total = rounded(x + residual, self.arithmetic)
        if bias is not None:
            total = rounded(total + self.float(bias), self.arithmetic)
        return self.note("residual sum", total)

    def norm(self, x, name, epsilon):
        mean = x.mean(-1, keepdim=True)
        inverse = 1 / ((x * x).mean(-1, keepdim=True) - mean * mean + epsilon).sqrt()
        mean, inverse = rounded(mean, self.arithmetic), rounded(inverse, self.arithmetic)
        normal = rounded(rounded(x - mean, self.arithmetic) * inverse, self.arithmetic)
        scaled = rounded(normal * self.float(f"{name}.weight"), self.arithmetic)
        return self.note("normed", rounded(scaled + self.float(f"{name}.bias"), self.arithmetic))

    def attention(self, query, key, value, heads, causal=False):
        def split(x):
            return x.view(len(x), heads, -1).transpose(0, 1)

        q, k, v = split(query), split(key), split(value)
        scores = rounded(q * q.shape[-1] ** -0.5, self.arithmetic) @ k.transpose(1, 2)
        self.note("scores before scaling", scores * q.shape[-1] ** 0.5)
        if causal:
            scores = scores + torch.full(scores.shape[1:], -math.inf).triu(1)
        return rounded((scores.softmax(-1) @ v).transpose(0, 1).flatten(1), self.arithmetic)


def product_in_f16(x, weight):
    """x [T, K] times weight [N, K], summed as WideTile does it: [T, N], and the largest partial sum."""
    steps, tokens, outputs = x.shape[1] // 8, len(x), len(weight)
    if x.shape[1] % 8 != 0:
        raise ValueError("inputs must be a multiple of 8")
    left = x.view(tokens, steps, 2, 4).permute(1, 2, 0, 3)
    right = weight.view(outputs, steps, 2, 4).permute(1, 2, 3, 0)
    total = torch.zeros(tokens, outputs, dtype=torch.float16)
    most = 0.0
    # At most 64 MiB of products at once.
    together = max(1, 2**23 // (tokens * outputs))
    for start in range(0, steps, together):
        fours = (left[start : start + together] @ right[start : start + together]).half()
        for first, second in fours:
            total = total + (first + second)
        most = max(most, float(total.abs().max()))
    return total.float(), most


def patches(layer, x, _):
    """pixels [3, size, size] -> the vision encoder's stream behind the first norm's sum, [tokens, hidden]."""
    weight = layer.float("vision_model.embeddings.patch_embedding.weight")
    cut = torch.nn.functional.conv2d(rounded(x[None], layer.arithmetic), weight, stride=weight.shape[-1])
    rows = rounded(cut[0].flatten(1).T + layer.float("vision_model.embeddings.patch_embedding.bias"), layer.arithmetic)
    tokens = torch.cat([layer.float("vision_model.embeddings.class_embedding")[0], rows])
    return layer.add(tokens, layer.float("vision_model.embeddings.position_embedding")[0])


def vision_block(layer, x, facts):
    at = facts["prefix"]
    qkv = layer.linear(layer.norm(x, f"{at}.layer_norm1", 1e-6), f"{at}.self_attn.qkv", "qkv")
    attended = layer.attention(*qkv.chunk(3, -1), facts["heads"])
    mixed = layer.linear(attended, f"{at}.self_attn.projection", "attention output", bias=False)
    x = layer.add(mixed, x, f"{at}.self_attn.projection.bias")
    wide = layer.linear(layer.norm(x, f"{at}.layer_norm2", 1e-6), f"{at}.mlp.fc1", "fc1")
    wide = rounded(torch.nn.functional.gelu(wide), layer.arithmetic)
    narrow = layer.linear(wide, f"{at}.mlp.fc2", "fc2", bias=False)
    return layer.add(narrow, x, f"{at}.mlp.fc2.bias")


def vision_end(layer, x, _):
    return layer.norm(x, "vision_model.post_layernorm", 1e-6)


def q_former_start(layer, features, _):
    return layer.norm(layer.float("query_tokens")[0], "qformer.layernorm", 1e-12), features


def q_former_block(layer, state, facts):
    x, features = state
    at, heads = facts["prefix"], facts["heads"]

    def close(y, residual, name):
        return layer.norm(layer.linear(y, f"{name}.dense", "dense") + residual, f"{name}.LayerNorm", 1e-12)

    qkv = layer.linear(x, f"{at}.attention.attention.query_key_value", "qkv")
    x = close(layer.attention(*qkv.chunk(3, -1), heads), x, f"{at}.attention.output")
    if facts["crosses"]:
        query = layer.linear(x, f"{at}.crossattention.attention.query", "qkv")
        key, value = layer.linear(features, f"{at}.crossattention.attention.key_value", "qkv").chunk(2, -1)
        x = close(layer.attention(query, key, value, heads), x, f"{at}.crossattention.output")
    wide = torch.nn.functional.gelu(layer.linear(x, f"{at}.intermediate_query.dense", "fc1"))
    return close(wide, x, f"{at}.output_query"), features


def projection(layer, state, _):
    return layer.linear(state[0], "language_projection", "projection")


def prompt(layer, queries, facts):
    """Query embeddings, and the prompt's behind them -> the decoder's stream, [tokens, hidden]."""
    table = layer.matrix("embed_tokens.weight")
    tokens = torch.cat([rounded(queries, layer.arithmetic), rounded(table[facts["ids"]], layer.arithmetic)])
    positions = layer.float("embed_positions")
    return layer.add(tokens, positions[2 : 2 + len(tokens)])


def decoder_block(layer, x, facts):
    at = facts["prefix"]
    qkv = layer.linear(layer.norm(x, f"{at}.self_attn_layer_norm", 1e-5), f"{at}.self_attn.qkv_proj", "qkv")
    attended = layer.attention(*qkv.chunk(3, -1), facts["heads"], causal=True)
    mixed = layer.linear(attended, f"{at}.self_attn.out_proj", "attention output", bias=False)
    x = layer.add(mixed, x, f"{at}.self_attn.out_proj.bias")
    wide = layer.linear(layer.norm(x, f"{at}.final_layer_norm", 1e-5), f"{at}.fc1", "fc1").relu()
    narrow = layer.linear(wide, f"{at}.fc2", "fc2", bias=False)
    return layer.add(narrow, x, f"{at}.fc2.bias")


def decoder_end(layer, x, facts):
    """Logits behind each id of the prompt, [ids, vocabulary]."""
    normed = layer.norm(x, "language_model.model.decoder.final_layer_norm", 1e-5)[-len(facts["ids"]) :]
    return layer.linear(normed, "embed_tokens", "logits", bias=False)


STEPS = {
    step.__name__: step
    for step in (patches, vision_block, vision_end, q_former_start, q_former_block, projection, prompt)
    + (decoder_block, decoder_end)
}
IN_F32 = ("q_former_start", "q_former_block", "projection")


def error(ours, reference):
    if isinstance(reference, tuple):
        return error(ours[0], reference[0])
    if not torch.isfinite(ours).all():
        return None
    return float((ours - reference).double().norm() / reference.double().norm())


def main():
    torch.set_num_threads(1)
    wanted = sys.argv[1].split(";") if len(sys.argv) > 1 else list(CHAINS)
    states = {}
    for line in sys.stdin:
        facts = json.loads(line)
        if facts["step"] == "pixels":
            pixels = torch.from_numpy(np.random.default_rng(1).normal(size=(3, facts["size"], facts["size"])))
            # Neighbours alike, as in a picture, and about as bright.
            smooth = torch.nn.functional.avg_pool2d(pixels.float()[None], 15, 1, 7)[0]
            states = {chain: smooth / smooth.std() for chain in wanted}
            print(json.dumps({"errors": {}, "largest": {}}), flush=True)
            continue
        tensors = load_file(facts["file"])
        largest = {}
        for chain in wanted:
            kind, arithmetic = CHAINS[chain]
            if facts["step"] in IN_F32 and arithmetic.startswith("f16"):
                arithmetic = "f32"
            own = largest.setdefault(chain, {})
            states[chain] = STEPS[facts["step"]](Layer(tensors, kind, arithmetic, own), states[chain], facts)
        errors = {chain: error(states[chain], states["fp32"]) for chain in wanted if chain != "fp32"}
        print(json.dumps({"errors": errors, "largest": largest}), flush=True)


if __name__ == "__main__":
    main()
