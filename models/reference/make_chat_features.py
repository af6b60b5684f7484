"""What transformers gives of a chat model beside its answers: the pooled class token of the vision tower, and the hidden
states of a text by itself, of every layer of OPT. Writes chat-features.safetensors and .json beside the checkpoints.

    python make_chat_features.py
"""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from oracle import load_model

HERE = Path(__file__).parent
NAMES = ["short-tied", "untied", "t5-untied"]


@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    for name in NAMES:
        folder = HERE / name
        model = load_model(folder)
        reference = json.loads((folder / "reference.json").read_text())
        stored = load_file(folder / "reference.safetensors")
        pixels = stored[f"{reference['cases'][0]['imageKey']}.pixel_values"]
        values = {"pixel_values": pixels, "pooler_output": model.vision_model(pixel_values=pixels).pooler_output}
        ids: list[int] = []
        if name != "t5-untied":
            longest = max(reference["cases"], key=lambda case: len(case["promptIds"]))
            ids = longest["promptIds"] + longest["newIds"]
            out = model.language_model(input_ids=torch.tensor([ids]), output_hidden_states=True)
            values["hidden_states"] = torch.cat(out.hidden_states)
        save_file({k: v.contiguous().clone() for k, v in values.items()}, folder / "chat-features.safetensors")
        (folder / "chat-features.json").write_text(json.dumps({"ids": ids}) + "\n")
        print(name, len(ids), {k: tuple(v.shape) for k, v in values.items()})


if __name__ == "__main__":
    main()
