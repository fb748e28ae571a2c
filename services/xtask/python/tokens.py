"""Writes the four JSON files that stand beside an ONNX model: the tokenizer and what fastembed
wants to know of it (a numeric `model_max_length`, a string `pad_token`, `pad_token_id`)."""

import json

# What XLM-R's tokenizer does to a character before it looks for pieces: control characters go,
# every kind of space (line ends and zero-width marks too) is a space, the rest is NFKC. NFKC
# alone would leave a line end as an unknown token.
NORMALIZER = {
    "type": "Sequence",
    "normalizers": [
        {"type": "Replace", "pattern": {"Regex": r"[\x{01}-\x{08}\x{0B}\x{0E}-\x{1F}\x{7F}\x{8F}\x{9F}]"}, "content": ""},
        {
            "type": "Replace",
            "pattern": {"Regex": r"[\x{09}\x{0A}\x{0C}\x{0D}\x{1680}\x{200B}-\x{200F}\x{2028}\x{2029}\x{2581}\x{FEFF}\x{FFFD}]"},
            "content": " ",
        },
        {"type": "NFKC"},
    ],
}
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]


def added(number, word, left=False):
    return {
        "id": number,
        "content": word,
        "single_word": False,
        "lstrip": left,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }


def write_unigram(target, pieces, scores, places):
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [added(i, word) for i, word in enumerate(SPECIAL)]
        + [added(len(pieces) - 1, "<mask>", left=True)],
        "normalizer": NORMALIZER,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "WhitespaceSplit"},
                {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
            ],
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": "<s>", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "</s>", "type_id": 0}},
            ],
            "pair": [
                {"SpecialToken": {"id": "<s>", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "</s>", "type_id": 0}},
                {"SpecialToken": {"id": "</s>", "type_id": 0}},
                {"Sequence": {"id": "B", "type_id": 0}},
                {"SpecialToken": {"id": "</s>", "type_id": 0}},
            ],
            "special_tokens": {
                word: {"id": word, "ids": [SPECIAL.index(word)], "tokens": [word]} for word in ("<s>", "</s>")
            },
        },
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "model": {
            "type": "Unigram",
            "unk_id": SPECIAL.index("<unk>"),
            "vocab": [[piece, float(score)] for piece, score in zip(pieces, scores)],
            "byte_fallback": False,
        },
    }
    named = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "</s>"}
    named.update({"pad_token": "<pad>", "cls_token": "<s>", "mask_token": "<mask>"})
    write(target, tokenizer, named, pad=SPECIAL.index("<pad>"), places=places)


def write_wordpiece(target, source, places):
    """The publisher's tokenizer, less its padding and truncation to 128: the embedder decides."""
    tokenizer = json.loads(source.read_text(encoding="utf-8"))
    tokenizer["padding"] = tokenizer["truncation"] = None
    named = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]"}
    named["mask_token"] = "[MASK]"
    write(target, tokenizer, named, pad=tokenizer["model"]["vocab"]["[PAD]"], places=places)


def write(target, tokenizer, named, pad, places):
    def save(name, value):
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        (target / name).write_text(text + "\n", encoding="utf-8")

    save("tokenizer.json", tokenizer)
    save("config.json", {"model_type": "bert", "max_position_embeddings": places, "pad_token_id": pad})
    save("special_tokens_map.json", named)
    save("tokenizer_config.json", {"model_max_length": places, "pad_token": named["pad_token"]})
