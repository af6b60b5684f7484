"""What transformers computes from short-tied when it looks at pictures of another size than it was trained on:
interpolated/cases.json and interpolated/values.safetensors.

    python make_interpolated.py
"""

import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer

from make_reference import HERE, NEW_TOKENS, SMALLEST_MARGIN
from oracle import greedy, load_model, pixel_values, read_settings, run_stages
from tokenizer_files import write_json

NAME, PICTURE, PROMPT = "short-tied", "images/smooth-300x200.png", "a photo of"

# More patches, fewer patches, and a side that is no multiple of a patch's.
SIZES = [84, 28, 100]


def main() -> None:
    torch.set_num_threads(1)
    folder = HERE / NAME
    model = load_model(folder)
    ids = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(PROMPT).ids
    eos = model.config.text_config.eos_token_id
    values, cases = {}, []
    for size in SIZES:
        settings = {**read_settings(folder), "size": {"height": size, "width": size}}
        pixels = pixel_values(Image.open(HERE / PICTURE), settings)
        stages = run_stages(model, pixels, interpolate=True)
        answer = greedy(model, stages.query_embeddings, ids, eos, NEW_TOKENS)
        assert min(answer.margins) > SMALLEST_MARGIN, (size, answer.margins)
        inputs = [model.config.image_token_index] * model.config.num_query_tokens + ids
        generated = model.generate(
            pixel_values=pixels, input_ids=torch.tensor([inputs]), interpolate_pos_encoding=True,
            max_new_tokens=NEW_TOKENS, do_sample=False,
        )
        assert generated[0, len(inputs):].tolist() == answer.token_ids
        stages = {"pixel_values": pixels, **vars(stages), "logits": answer.logits}
        values |= {f"size{size}.{name}": tensor.contiguous() for name, tensor in stages.items()}
        cases.append({"size": size, "image": PICTURE, "prompt": PROMPT, "newIds": answer.token_ids})
    target = HERE / "interpolated"
    target.mkdir(exist_ok=True)
    save_file(values, target / "values.safetensors")
    write_json(target / "cases.json", cases)
    print(cases)


if __name__ == "__main__":
    main()
