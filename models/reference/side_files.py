"""What transformers makes of altered side files: side-files.json, which the tests compare with.

    python side_files.py

Each case changes some files of one checkpoint and says what the processor then gives: the ids of the prompts without
image tokens and the text of some ids, or that loading fails. Where a case sets a value that transformers does not look
at, the result is that of the unchanged checkpoint, and that is what the test holds.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path

os.environ["TRANSFORMERS_VERBOSITY"] = "critical"

from PIL import Image
from transformers import Blip2Processor

HERE = Path(__file__).parent
PROMPTS = ["a photo of", " Two  dogs .", "It's 3 o'clock, xyzzy the END", "line\nbreak", "caf\u00e9 \u2603", "xyzzy", "\ufb01ne \uff21"]
PICTURE = Image.new("RGB", (20, 20), (10, 200, 90))


def token(content, id=None, **flags):
    added = dict(content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=False)
    return {**({} if id is None else {"id": id}), **added, **flags}


def put(file, *path):
    """`put(file, key, …, value)`: sets a value; `...` as the last key appends to a list."""
    *keys, value = path
    return {"file": file, "keys": ["+" if key is ... else key for key in keys], "value": value}


def without(file, *keys):
    return {"file": file, "keys": list(keys)}


TJ, TC, STM, ADDED, CONFIG = "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "config.json"
FAST = put(TC, "tokenizer_class", "PreTrainedTokenizerFast")
PLAIN = without(TC, "added_tokens_decoder")
BYTES = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
LIMIT = {"max_length": 1000, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
PADDING = {"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None, "pad_id": 1, "pad_type_id": 0, "pad_token": "<pad>"}


def opt_cases():
    yield "nothing", []
    yield "a normaliser", [put(TJ, "normalizer", {"type": "Lowercase"})]
    yield "a normaliser, the whole file counting", [FAST, put(TJ, "normalizer", {"type": "Lowercase"})]
    for kind in ("NFC", "NFD", "NFKC", "NFKD"):
        yield f"{kind}, the whole file counting", [FAST, put(TJ, "normalizer", {"type": kind})]
    yield "replacing, the whole file counting", [FAST, put(TJ, "normalizer", {"type": "Replace", "pattern": {"String": "dogs"}, "content": "cats"})]
    yield "a prefix, the whole file counting", [FAST, put(TJ, "normalizer", {"type": "Prepend", "prepend": "x"})]
    yield "a space in front by the file", [put(TJ, "pre_tokenizer", BYTES)]
    yield "a space in front by the file, the whole file counting", [FAST, put(TJ, "pre_tokenizer", BYTES)]
    yield "a space in front by the configuration", [put(TC, "add_prefix_space", True)]
    yield "digits apart, the whole file counting", [FAST, put(TJ, "pre_tokenizer", {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, {**BYTES, "add_prefix_space": False}]})]
    yield "no regular expression, the whole file counting", [FAST, put(TJ, "pre_tokenizer", {**BYTES, "add_prefix_space": False, "use_regex": False})]
    yield "no regular expression", [put(TJ, "pre_tokenizer", {**BYTES, "add_prefix_space": False, "use_regex": False})]
    yield "no post-processor", [put(TJ, "post_processor", None)]
    yield "a post-processor of bytes", [put(TJ, "post_processor", {**BYTES, "trim_offsets": False})]
    yield "RoBERTa's post-processor", [put(TJ, "post_processor", {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": True, "add_prefix_space": False})]
    yield "another beginning", [put(TJ, "post_processor", "special_tokens", "</s>", "ids", [1])]
    yield "add_bos_token beside a file", [put(TC, "add_bos_token", False)]
    yield "add_eos_token beside a file", [put(TC, "add_eos_token", True)]
    yield "vocabulary and merges", [without(TJ)]
    yield "vocabulary and merges, no beginning", [without(TJ), put(TC, "add_bos_token", False)]
    yield "vocabulary and merges, an ending", [without(TJ), put(TC, "add_eos_token", True)]
    yield "vocabulary and merges, a space in front", [without(TJ), put(TC, "add_prefix_space", True)]
    yield "vocabulary and merges without a configuration", [without(TJ), without(TC)]
    yield "vocabulary and merges, another beginning", [without(TJ), put(STM, "bos_token", "<pad>"), put(TC, "bos_token", "<pad>")]
    yield "no configuration", [without(TC)]
    yield "no class", [without(TC, "tokenizer_class")]
    yield "a fast class", [put(TC, "tokenizer_class", "GPT2TokenizerFast")]
    yield "dropout", [put(TJ, "model", "dropout", 0.9)]
    yield "ignore_merges", [put(TJ, "model", "ignore_merges", True)]
    yield "ignore_merges, the whole file counting", [FAST, put(TJ, "model", "ignore_merges", True)]
    yield "byte_fallback", [put(TJ, "model", "byte_fallback", True)]
    yield "fuse_unk", [put(TJ, "model", "fuse_unk", True)]
    yield "unk_token", [put(TJ, "model", "unk_token", "</s>")]
    yield "continuing_subword_prefix", [put(TJ, "model", "continuing_subword_prefix", "##")]
    yield "end_of_word_suffix", [put(TJ, "model", "end_of_word_suffix", "</w>")]
    yield "a decoder of another kind", [put(TJ, "decoder", {"type": "Fuse"})]
    yield "a decoder of another kind, the whole file counting", [FAST, put(TJ, "decoder", {"type": "Fuse"})]
    yield "a limit", [put(TJ, "truncation", LIMIT)]
    yield "padding of batches", [put(TJ, "padding", PADDING)]
    yield "model_max_length", [put(TC, "model_max_length", 4)]
    yield "padding_side", [put(TC, "padding_side", "left"), put(TC, "truncation_side", "left")]
    yield "errors", [put(TC, "errors", "strict")]
    yield "cleaning up", [put(TC, "clean_up_tokenization_spaces", True)]
    yield "cleaning up by force", [put(TC, "clean_up_tokenization_spaces", True), put(TC, "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output", True)]
    yield "keys of other tokenizers", [put(TC, "remove_space", True), put(TC, "do_lower_case", True), put(TC, "do_lowercase_and_remove_accent", True)]
    yield "an added word", [put(ADDED, "xyzzy", 351)]
    yield "an added word, only in tokenizer.json", [put(TJ, "added_tokens", ..., token("xyzzy", 351))]
    yield "an added word that takes white space along", [put(TJ, "added_tokens", ..., token("xyzzy", 351, lstrip=True, rstrip=True))]
    yield "an added word, the whole file counting", [FAST, put(TJ, "added_tokens", ..., token("xyzzy", 351))]
    yield "an added word by the configuration", [put(TC, "added_tokens_decoder", {"350": token("<image>", special=True), "351": token("xyzzy")})]
    yield "an added word with another id", [put(ADDED, "xyzzy", 355)]
    yield "an added word of the vocabulary", [put(TJ, "added_tokens", ..., token("the", 259))]
    yield "an added word with vocabulary and merges", [without(TJ), put(ADDED, "xyzzy", 351)]
    yield "an ending that is a word", [put(TC, "eos_token", "ing"), put(STM, "eos_token", "ing")]
    yield "added_tokens.json, no decoder", [PLAIN, put(ADDED, "xyzzy", 351)]
    yield "tokenizer.json, no decoder", [PLAIN, put(TJ, "added_tokens", ..., token("xyzzy", 351))]
    yield "a word that takes white space along, no decoder", [PLAIN, put(TJ, "added_tokens", ..., token("xyzzy", 351, lstrip=True, rstrip=True))]
    yield "another id, no decoder", [PLAIN, put(ADDED, "xyzzy", 355)]
    yield "a word of the vocabulary, no decoder", [PLAIN, put(TJ, "added_tokens", ..., token("ing", 5))]
    yield "vocabulary and merges, no decoder", [PLAIN, without(TJ), put(ADDED, "xyzzy", 351)]
    yield "an ending that is a word, no decoder", [PLAIN, put(TC, "eos_token", "ing"), put(STM, "eos_token", "ing")]
    yield "tokenizer.json, no decoder, the whole file counting", [PLAIN, FAST, put(TJ, "added_tokens", ..., token("xyzzy", 351))]
    yield "both, the whole file counting", [FAST, put(TJ, "added_tokens", ..., token("xyzzy", 351)), put(TC, "added_tokens_decoder", "351", token("xyzzy", lstrip=True))]
    yield "vocabulary and merges, no special tokens", [PLAIN, without(TJ), without(STM), without(TC, "bos_token"), without(TC, "eos_token"), without(TC, "unk_token")]
    yield "special tokens as objects", [put(STM, "eos_token", token("</s>"))]
    yield "num_query_tokens", [put("processor_config.json", "num_query_tokens", 5)]
    yield "no processor_config.json", [without("processor_config.json")]
    yield "a chat template", [put(TC, "chat_template", "{{ messages }}")]
    yield "the class in config.json", [without(TC, "tokenizer_class"), put(CONFIG, "tokenizer_class", "PreTrainedTokenizerFast"), put(TJ, "normalizer", {"type": "Lowercase"})]


def t5_cases():
    yield "nothing", []
    yield "NFKC", [put(TJ, "normalizer", {"type": "NFKC"})]
    yield "a normaliser", [put(TJ, "normalizer", {"type": "Lowercase"})]
    yield "a normaliser, the whole file counting", [FAST, put(TJ, "normalizer", {"type": "Lowercase"})]
    yield "no post-processor", [put(TJ, "post_processor", None)]
    yield "no pre-tokenizer", [put(TJ, "pre_tokenizer", None)]
    yield "another decoder", [put(TJ, "decoder", {"type": "Fuse"})]
    yield "another unknown piece", [put(TJ, "model", "unk_id", 3)]
    yield "byte_fallback", [put(TJ, "model", "byte_fallback", True)]
    yield "no cleaning up", [put(TC, "clean_up_tokenization_spaces", False)]
    yield "another ending", [put(TC, "eos_token", "<pad>"), put(STM, "eos_token", "<pad>")]
    yield "another number of sentinels", [put(TC, "extra_ids", 0), put(TC, "additional_special_tokens", None)]
    yield "the whole file counting", [FAST]
    yield "a fast class", [put(TC, "tokenizer_class", "T5TokenizerFast")]
    yield "an added word", [put(TJ, "added_tokens", ..., token("xyzzy", 192)), put(TC, "added_tokens_decoder", "192", token("xyzzy"))]
    yield "no map of special tokens", [without(STM)]


def alter(folder, changes):
    for change in changes:
        path, keys = folder / change["file"], change["keys"]
        if not keys:
            path.unlink(missing_ok=True)
            continue
        whole = target = json.loads(path.read_text()) if path.exists() else {}
        for key in keys[:-1]:
            target = target[key]
        if "value" not in change:
            target.pop(keys[-1], None)
        elif keys[-1] == "+":
            target.append(change["value"])
        else:
            target[keys[-1]] = change["value"]
        path.write_text(json.dumps(whole))


def outcome(folder, answer):
    try:
        processor = Blip2Processor.from_pretrained(folder)
        skip = processor.num_query_tokens or 0
        ids = [processor(images=PICTURE, text=text, return_tensors="np")["input_ids"][0].tolist()[skip:] for text in PROMPTS]
        return {"ids": ids, "text": processor.batch_decode([answer], skip_special_tokens=True)[0].strip()}
    except Exception as error:
        return {"error": type(error).__name__}


def case(base, name, changes, answer):
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for file in (HERE / base).iterdir():
            if file.suffix in (".json", ".txt") and not file.name.startswith(("reference", "generation.")):
                shutil.copy(file, folder)
        if base.startswith("t5"):
            # T5's class takes a compiled map of characters out of the file, and no other normaliser.
            changes = [put(TJ, "normalizer", None), *changes]
        alter(folder, changes)
        return {"base": base, "name": name, "changes": changes, **outcome(folder, answer)}


def main():
    answers = {"short-tied": [0, 39, 265, 224, 17, 351, 1, 2, 303, 224, 4, 350], "t5-untied": [0, 5, 6, 3, 8, 192, 2, 4, 1]}
    cases = [case("short-tied", *each, answers["short-tied"]) for each in opt_cases()]
    cases += [case("t5-untied", *each, answers["t5-untied"]) for each in t5_cases()]
    lines = ",\n".join("  " + json.dumps(each) for each in cases)
    head = json.dumps({"prompts": PROMPTS, "answers": answers})[:-1]
    (HERE / "side-files.json").write_text(f'{head}, "cases": [\n{lines}\n]}}\n')
    for each in cases:
        print(each["base"], each["name"], each.get("error", each.get("text")), each.get("ids", [[]])[2][:12])


if __name__ == "__main__":
    main()
