"""Writes a BERT encoder as an ONNX graph: the shape that both embedding models share.

Post-norm blocks, exact Gelu, float32. Inputs are `input_ids`, `attention_mask` and
`token_type_ids` ([batch, tokens], int64); the output is `last_hidden_state`.
"""

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

# Opset 20 is the first that has both LayerNormalization and Gelu; IR 9 came with it. Both are
# fixed, so that the same weights give the same bytes whatever version of `onnx` is installed.
OPSET = 20
IR_VERSION = 9


class Graph:
    """Collects nodes and weights; every method returns the name of a tensor."""

    def __init__(self):
        self.nodes = []
        self.weights = []

    def weight(self, name, array):
        # Not numpy.ascontiguousarray: it would turn a scalar into a vector of one element, and
        # ONNX Runtime's optimiser then fails when the model runs.
        array = array if array.flags["C_CONTIGUOUS"] else array.copy(order="C")
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def node(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def linear(self, name, x, matrix, bias):
        """`matrix` is stored [out, in], as PyTorch has it; MatMul wants [in, out]."""
        weight = self.weight(name + ".w", matrix.T.copy(order="C"))
        product = self.node("MatMul", [x, weight], name + ".product")
        return self.node("Add", [product, self.weight(name + ".b", bias)], name)

    def norm(self, name, x, scale, bias, epsilon):
        inputs = [x, self.weight(name + ".w", scale), self.weight(name + ".b", bias)]
        return self.node("LayerNormalization", inputs, name, axis=-1, epsilon=epsilon)


def embeddings(g, model):
    """Word + position + type, then a norm. A word matrix in half precision stays so on disk and
    in memory; only the rows that are looked up become float32."""
    rows = g.node("Gather", [g.weight("emb.word", model["emb.word"]), "input_ids"], "emb.word.stored")
    rows = g.node("Cast", [rows], "emb.word.rows", to=TensorProto.FLOAT)
    types = g.weight("emb.type", model["emb.type"])
    types = g.node("Gather", [types, "token_type_ids"], "emb.type.rows")

    shape = g.node("Shape", ["input_ids"], "shape")
    length = g.node("Gather", [shape, g.weight("one", numpy.array(1, numpy.int64))], "length")
    zero = g.weight("zero", numpy.array(0, numpy.int64))
    positions = g.node("Range", [zero, length, "one"], "positions")
    places = g.weight("emb.pos", model["emb.pos"])
    places = g.node("Gather", [places, positions], "emb.pos.rows")

    total = g.node("Add", [rows, types], "emb.sum.types")
    total = g.node("Add", [total, places], "emb.sum")
    return g.norm("emb.ln", total, model["emb.ln.w"], model["emb.ln.b"], model["epsilon"])


def padding_mask(g):
    """0 where there is a token, a large negative number where there is padding."""
    mask = g.node("Cast", ["attention_mask"], "mask.float", to=TensorProto.FLOAT)
    mask = g.node("Unsqueeze", [mask, g.weight("mask.axes", numpy.array([1, 2], numpy.int64))], "mask.wide")
    mask = g.node("Sub", [g.weight("mask.one", numpy.array(1.0, numpy.float32)), mask], "mask.padding")
    low = g.weight("mask.low", numpy.array(-10000.0, numpy.float32))
    return g.node("Mul", [mask, low], "mask.add")


def attention(g, model, layer, x, mask):
    def heads(part, order):
        y = g.linear(f"{layer}.{part}", x, model[f"{layer}.{part}.w"], model[f"{layer}.{part}.b"])
        y = g.node("Reshape", [y, "heads.split"], f"{layer}.{part}.split")
        return g.node("Transpose", [y], f"{layer}.{part}.heads", perm=order)

    scores = g.node("MatMul", [heads("q", [0, 2, 1, 3]), heads("k", [0, 2, 3, 1])], f"{layer}.dot")
    scores = g.node("Div", [scores, "heads.root"], f"{layer}.scaled")
    scores = g.node("Add", [scores, mask], f"{layer}.masked")
    weights = g.node("Softmax", [scores], f"{layer}.weights", axis=-1)
    mixed = g.node("MatMul", [weights, heads("v", [0, 2, 1, 3])], f"{layer}.mixed")
    mixed = g.node("Transpose", [mixed], f"{layer}.mixed.back", perm=[0, 2, 1, 3])
    mixed = g.node("Reshape", [mixed, "heads.join"], f"{layer}.mixed.joined")
    return g.linear(f"{layer}.ao", mixed, model[f"{layer}.ao.w"], model[f"{layer}.ao.b"])


def block(g, model, layer, x, mask):
    def norm(name, y):
        return g.norm(f"{layer}.{name}", y, model[f"{layer}.{name}.w"], model[f"{layer}.{name}.b"], model["epsilon"])

    y = attention(g, model, layer, x, mask)
    x = norm("aln", g.node("Add", [x, y], f"{layer}.residual.1"))
    y = g.linear(f"{layer}.fi", x, model[f"{layer}.fi.w"], model[f"{layer}.fi.b"])
    y = g.node("Gelu", [y], f"{layer}.gelu")
    y = g.linear(f"{layer}.fo", y, model[f"{layer}.fo.w"], model[f"{layer}.fo.b"])
    return norm("oln", g.node("Add", [x, y], f"{layer}.residual.2"))


def write(model, path):
    """`model` holds the numbers `layers`, `heads`, `epsilon` and one array for each weight."""
    hidden = model["emb.word"].shape[1]
    size = hidden // model["heads"]
    g = Graph()
    g.weight("heads.split", numpy.array([0, 0, model["heads"], size], numpy.int64))
    g.weight("heads.join", numpy.array([0, 0, hidden], numpy.int64))
    g.weight("heads.root", numpy.array(size**0.5, numpy.float32))
    x, mask = embeddings(g, model), padding_mask(g)
    for number in range(model["layers"]):
        x = block(g, model, f"l{number}", x, mask)
    g.node("Identity", [x], "last_hidden_state")

    def tokens(name):
        return helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])

    inputs = [tokens("input_ids"), tokens("attention_mask"), tokens("token_type_ids")]
    outputs = [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "tokens", hidden])]
    graph = helper.make_graph(g.nodes, "bert", inputs, outputs, initializer=g.weights)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="fuente")
    proto.ir_version = IR_VERSION
    onnx.checker.check_model(proto)
    onnx.save(proto, path)
