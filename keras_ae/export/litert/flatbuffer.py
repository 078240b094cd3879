"""Takes .tflite files apart and assembles one file from their pieces."""

import copy

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_ae.export.litert.tensor_names import name_tensors, short_names

# Operations that call other graphs, and where they keep their numbers.
_CALLS = ("condSubgraphIndex", "bodySubgraphIndex", "thenSubgraphIndex", "elseSubgraphIndex")
HALVED = 64  # values of a constant, from which on 16 bits save more than reading them takes
_DTYPES = {schema.TensorType.FLOAT32: "float32", schema.TensorType.INT32: "int32", schema.TensorType.INT8: "int8"}


def assemble(files, chains, layers=()):
    """Makes one file of the pieces in several files.

    Args:
        files: the contents of .tflite files, whose signatures are the pieces.
        chains: {signature: (names of its pieces, names of its outputs)}. What a piece is not given by one before it is
            an input of the signature.
        layers: names of the layers of the model, that tensors are called by.

    Returns:
        A `schema.ModelT` with these signatures, for `tensors` and `pack`.
    """
    model = schema.ModelT(
        version=3, operatorCodes=[], subgraphs=[], buffers=[schema.BufferT()], signatureDefs=[], metadata=[]
    )
    pieces, called = {}, []
    for content in files:
        pieces |= _take(model, content, called, len(chains), layers)
    for number, (name, (names, outputs)) in enumerate(chains.items()):
        graph, inputs, known = _chain(name, [pieces[piece] for piece in names])
        outputs = {key: known[key] for key in outputs}
        graph.inputs, graph.outputs = (np.int32(list(table.values())) for table in (inputs, outputs))
        name_tensors(graph, inputs, outputs)
        model.subgraphs.append(graph)
        maps = ([schema.TensorMapT(key, index) for key, index in table.items()] for table in (inputs, outputs))
        model.signatureDefs.append(schema.SignatureDefT(*maps, signatureKey=name, subgraphIndex=number))
    for graph in called:
        name_tensors(graph, {}, {})
    model.subgraphs += called
    return model


def halve(content: bytes) -> bytes:
    """Stores constants in 16 bits where they lose nothing: those whose every value is a float16.

    They are the weights of a model that was rounded before; 2 pi, 1/720 and other constants of formulas are none. They
    become float32 again as they are read.

    Args:
        content: a .tflite file.

    Returns:
        The file, which computes the same.
    """
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    code, dequantize = len(model.operatorCodes), schema.BuiltinOperator.DEQUANTIZE
    halves = {}  # number of a buffer: number of its half
    for graph in model.subgraphs:
        reading = []
        for index, tensor in enumerate(list(graph.tensors)):
            number = tensor.buffer
            if tensor.type != schema.TensorType.FLOAT32 or model.buffers[number].data is None:
                continue
            if number not in halves:
                halves[number] = _half(model, number)
            if halves[number] is None:
                continue
            stored = copy.copy(tensor)
            stored.type, stored.buffer, tensor.buffer = schema.TensorType.FLOAT16, halves[number], 0
            inputs, outputs = np.int32([len(graph.tensors)]), np.int32([index])
            reading.append(schema.OperatorT(opcodeIndex=code, inputs=inputs, outputs=outputs))
            graph.tensors.append(stored)
        graph.operators[:0] = reading
    if not any(halves.values()):
        return content
    model.operatorCodes.append(schema.OperatorCodeT(dequantize, builtinCode=dequantize, version=3))
    for number, half in halves.items():
        if half is not None:
            model.buffers[number] = schema.BufferT()
    return pack(model, {})


def tensors(model):
    """{signature: {"inputs" and "outputs": {name: {"dtype", "shape"}}}} of a file.

    A tensor of int8 has "scale" and "zero_point" too: it stands for scale * (number - zero_point).
    """

    def table(graph, maps):
        found = {entry.name: graph.tensors[entry.tensorIndex] for entry in maps}
        return {name: _described(tensor) for name, tensor in found.items()}

    graphs = [(model.subgraphs[definition.subgraphIndex], definition) for definition in model.signatureDefs]
    return {
        definition.signatureKey: {
            "inputs": table(graph, definition.inputs),
            "outputs": table(graph, definition.outputs),
        }
        for graph, definition in graphs
    }


def float_operations(model):
    """The names of the operations of a file that take or give float32, sorted."""
    names = {value: name for name, value in vars(schema.BuiltinOperator).items()}
    found = set()
    for graph in model.subgraphs:
        for operator in graph.operators:
            used = [graph.tensors[index] for index in (*operator.inputs, *operator.outputs) if index >= 0]
            if any(tensor.type == schema.TensorType.FLOAT32 for tensor in used):
                found.add(names[model.operatorCodes[operator.opcodeIndex].builtinCode])
    return sorted(found)


def _described(tensor):
    described = {"dtype": _DTYPES[tensor.type], "shape": tensor.shape.tolist()}
    if described["dtype"] == "int8":
        steps = tensor.quantization
        described |= {"scale": float(steps.scale[0]), "zero_point": int(steps.zeroPoint[0])}
    return described


def pack(model, metadata):
    """The contents of a .tflite file, with {name: bytes} as its metadata."""
    for name, content in metadata.items():
        model.metadata.append(schema.MetadataT(name, len(model.buffers)))
        model.buffers.append(schema.BufferT(np.frombuffer(content, np.uint8)))
    builder = _Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _half(model, number):
    """The number of a new buffer with the values of another one in 16 bits; `None` where it would lose any."""
    values = np.frombuffer(bytes(model.buffers[number].data), np.float32)
    if values.size < HALVED:
        return None
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    if not np.array_equal(half.astype(np.float32), values):
        return None
    model.buffers.append(schema.BufferT(np.frombuffer(half.tobytes(), np.uint8)))
    return len(model.buffers) - 1


def _take(model, content, called, first, layers):
    """Moves buffers and operations of a file into `model`, and returns {piece: (graph, inputs, outputs)}.

    `called` gets the graphs that others call; they will be numbered from `first` on.
    """
    part = schema.ModelT.InitFromPackedBuf(content, 0)
    signed = {definition.subgraphIndex: definition for definition in part.signatureDefs}
    others = [index for index in range(len(part.subgraphs)) if index not in signed]
    numbers = {index: first + len(called) + place for place, index in enumerate(others)}
    for index, graph in enumerate(part.subgraphs):
        piece, outputs = "called", {}
        if index in signed:
            piece, outputs = signed[index].signatureKey.decode(), _table(signed[index].outputs)
        short_names(graph, piece, outputs, [code.builtinCode for code in part.operatorCodes], layers)
        for tensor in graph.tensors:
            tensor.buffer += len(model.buffers)
        for operator in graph.operators:
            operator.opcodeIndex += len(model.operatorCodes)
            for key in _CALLS:
                if hasattr(operator.builtinOptions, key):
                    setattr(operator.builtinOptions, key, numbers[getattr(operator.builtinOptions, key)])
    model.buffers += part.buffers
    model.operatorCodes += part.operatorCodes
    called += [part.subgraphs[index] for index in others]
    return {
        definition.signatureKey.decode(): (part.subgraphs[index], _table(definition.inputs), _table(definition.outputs))
        for index, definition in signed.items()
    }


def _table(maps):
    return {entry.name.decode(): entry.tensorIndex for entry in maps or ()}


def _chain(name, pieces):
    """The graph of pieces after each other, its inputs {name: tensor}, and {name: tensor} of the last of each name."""
    graph = schema.SubGraphT(tensors=[], operators=[], name=name)
    inputs, known = {}, {}
    for piece, asked, given in pieces:
        places = {index: known[key] for key, index in asked.items() if key in known}
        for index, tensor in enumerate(piece.tensors):
            if index not in places:
                places[index] = len(graph.tensors)
                graph.tensors.append(copy.copy(tensor))  # another graph may call it otherwise
        inputs |= {key: places[index] for key, index in asked.items() if key not in known}
        known |= {key: places[index] for table in (asked, given) for key, index in table.items()}
        graph.operators += [_moved(operator, places) for operator in piece.operators]
    return graph, inputs, known


def _moved(operator, places):
    """An operation on other tensors; -1 stands for one that is left out."""
    moved = copy.copy(operator)
    for field in ("inputs", "outputs", "intermediates"):
        indices = getattr(operator, field)
        if indices is not None:
            setattr(moved, field, np.int32([places.get(index, -1) for index in indices]))
    return moved


class _Builder(flatbuffers.Builder):
    """Writes what is equal once, such as the names and scales of weights that several graphs share; and the contents of
    buffers where LiteRT wants them, at multiples of 16 bytes."""

    def __init__(self):
        super().__init__(2**16)
        self.written = {}

    def CreateString(self, s, *arguments):  # noqa: N802  (the name is given)
        if s not in self.written:
            self.written[s] = super().CreateString(s, *arguments)
        return self.written[s]

    def CreateNumpyVector(self, x):  # noqa: N802  (the name is given)
        key = x.dtype.str, x.tobytes()
        if key not in self.written:
            if x.dtype == np.uint8:
                self.Prep(16, x.nbytes)
            self.written[key] = super().CreateNumpyVector(x)
        return self.written[key]
