"""Reads all-MiniLM-L6-v2 from its safetensors file and writes what fastembed loads."""

import json
import struct

import numpy

import bert
import tokens

LAYERS, HEADS, EPSILON = 6, 12, 1e-12
# Our short names, and the publisher's.
EMBEDDINGS = {
    "emb.word": "word_embeddings.weight",
    "emb.pos": "position_embeddings.weight",
    "emb.type": "token_type_embeddings.weight",
    "emb.ln.w": "LayerNorm.weight",
    "emb.ln.b": "LayerNorm.bias",
}
PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def tensors(path):
    """A safetensors file is a length, a JSON header with offsets, and the arrays."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        body = file.read()
    arrays = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue  # position ids are integers, and the graph makes its own
        start, end = entry["data_offsets"]
        arrays[name] = numpy.frombuffer(body[start:end], "<f4").reshape(entry["shape"])
    return arrays


def convert(source, target):
    stored = tensors(source / "model.safetensors")
    model = {"layers": LAYERS, "heads": HEADS, "epsilon": EPSILON}
    for short, name in EMBEDDINGS.items():
        model[short] = stored["embeddings." + name]
    for layer in range(LAYERS):
        for short, name in PARTS.items():
            for ending, word in (("w", "weight"), ("b", "bias")):
                model[f"l{layer}.{short}.{ending}"] = stored[f"encoder.layer.{layer}.{name}.{word}"]
    bert.write(model, str(target / "model.onnx"))
    tokens.write_wordpiece(target, source / "source-tokenizer.json", places=len(model["emb.pos"]))
