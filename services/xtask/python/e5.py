"""Reads multilingual-e5-small from its 4-bit file and writes what fastembed loads.

The file is little-endian: a header, the pieces and scores of the Unigram tokenizer, a map that
normalises single characters, and the tensors (float32, or blocks of 32 weights of 4 bits).
"""

import struct

import numpy

import bert
import tokens

BLOCK = 32  # weights in one block: a half-precision scale, then 16 bytes of two weights each


class Reader:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = file.read()
        self.at = 0

    def take(self, layout):
        values = struct.unpack_from("<" + layout, self.bytes, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def array(self, kind, count):
        values = numpy.frombuffer(self.bytes, kind, count, self.at)
        self.at += values.nbytes
        return values

    def skip(self, count):
        start = self.at
        self.at += count
        return self.bytes[start : self.at]


def unpack(data):
    """Blocks of 4 bits to float32: the low halves of the bytes are weights 0 to 15 of a block,
    the high halves are 16 to 31, and a value is (half - 8) x scale."""
    blocks = numpy.frombuffer(data, numpy.uint8).reshape(-1, 2 + BLOCK // 2)
    scale = blocks[:, :2].copy().view("<f2").astype(numpy.float32)
    nibbles = numpy.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
    return (nibbles.astype(numpy.float32) - 8.0) * scale


def read(path):
    """Returns (numbers and weights for `bert.write`, pieces, scores)."""
    r = Reader(path)
    magic, version = r.skip(4), r.take("I")[0]
    if magic != b"E5S1" or version != 1:
        raise SystemExit(f"{path} is not an E5S1 file of version 1")
    hidden, layers, heads, inner, vocabulary, places, types = r.take("7i")
    epsilon, block = r.take("fi")
    if block != BLOCK:
        raise SystemExit(f"{path} has blocks of {block} weights; {BLOCK} expected")
    count, begin, end, pad, unknown = r.take("5i")
    if (begin, pad, end, unknown) != (0, 1, 2, 3):
        raise SystemExit(f"{path} numbers its special tokens in an unknown way")
    (length,) = r.take("Q")
    offsets, scores = r.array("<u4", count + 1), r.array("<f4", count)
    text = r.skip(length)
    pieces = [text[offsets[i] : offsets[i + 1]].decode() for i in range(count)]
    _, length = r.take("iI")
    r.skip(length)  # the map of characters: `tokens.NORMALIZER` says the same by rules

    shapes = {"emb.word": (vocabulary, hidden), "emb.pos": (places, hidden), "emb.type": (types, hidden)}
    for layer in range(layers):
        for part in ("q", "k", "v", "ao"):
            shapes[f"l{layer}.{part}.w"] = (hidden, hidden)
        shapes[f"l{layer}.fi.w"], shapes[f"l{layer}.fo.w"] = (inner, hidden), (hidden, inner)
    model = {"layers": layers, "heads": heads, "epsilon": epsilon}
    for _ in range(r.take("i")[0]):
        name = r.skip(r.take("H")[0]).decode()
        kind, size, start, stored = r.take("BIQQ")
        data = r.bytes[start : start + stored]
        values = unpack(data) if kind == 1 else numpy.frombuffer(data, "<f4")
        model[name] = values.reshape(shapes.get(name, (size,)))
    # 250,000 words: half precision keeps all that 4 bits said, in half the space.
    model["emb.word"] = model["emb.word"].astype(numpy.float16)
    return model, pieces, scores


def convert(source, target):
    model, pieces, scores = read(source / "e5-small-q4.bin")
    bert.write(model, str(target / "model.onnx"))
    tokens.write_unigram(target, pieces, scores, places=len(model["emb.pos"]))
