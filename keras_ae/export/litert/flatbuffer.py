"""Assembles one .tflite file from the pieces of several."""

import copy

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_ae.export.litert.tensor_names import name_tensors, short_names

# The options with which operations refer to other graphs.
_CALLS = ("condSubgraphIndex", "bodySubgraphIndex", "thenSubgraphIndex", "elseSubgraphIndex")
MIN_HALVED = 64  # size of a constant from which 16 bits save more than their conversion takes
_DTYPES = {schema.TensorType.FLOAT32: "float32", schema.TensorType.INT32: "int32", schema.TensorType.INT8: "int8"}


def assemble(
    files: list[bytes], chains: dict[str, tuple[list[str], list[str]]], layers: set[str] | tuple = ()
) -> schema.ModelT:
    """Assembles one file from the pieces in several files.

    Args:
        files: the contents of .tflite files, whose signatures are the pieces.
        chains: {signature: (names of its pieces, names of its outputs)}. An input of a piece that no previous piece
            computes is an input of the signature.
        layers: names of the layers of the model, for the names of the tensors.

    Returns:
        The file with these signatures.
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
    """Stores constants whose values are all float16 values in 16 bits, without changing the results.

    These are the weights of a model that was rounded before, and not constants of formulas such as 2 pi and 1/720. The
    file converts them to float32 when it runs.

    Args:
        content: the contents of a .tflite file.

    Returns:
        The contents of the new file.
    """
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    code, dequantize = len(model.operatorCodes), schema.BuiltinOperator.DEQUANTIZE
    halves = {}  # buffer: its 16-bit copy, or `None`
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


def tensors(model: schema.ModelT) -> dict[str, dict]:
    """Returns {signature: {"inputs" and "outputs": {name: {"dtype", "shape"}}}} of a file.

    An int8 tensor also has "scale" and "zero_point": it represents scale * (number - zero_point).
    """
    found = {}
    for definition in model.signatureDefs:
        graph = model.subgraphs[definition.subgraphIndex]
        found[definition.signatureKey] = {
            side: {entry.name: _described(graph.tensors[entry.tensorIndex]) for entry in maps}
            for side, maps in (("inputs", definition.inputs), ("outputs", definition.outputs))
        }
    return found


def float_operations(model: schema.ModelT) -> list[str]:
    """Returns the sorted names of the operations of a file with float32 inputs or outputs."""
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


def pack(model: schema.ModelT, metadata: dict[str, bytes]) -> bytes:
    """Returns the contents of a .tflite file with metadata."""
    for name, content in metadata.items():
        model.metadata.append(schema.MetadataT(name, len(model.buffers)))
        model.buffers.append(schema.BufferT(np.frombuffer(content, np.uint8)))
    builder = _Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _half(model, number):
    """Returns the number of a new buffer with the values of another in 16 bits; `None` if that would change them."""
    values = np.frombuffer(bytes(model.buffers[number].data), np.float32)
    if values.size < MIN_HALVED:
        return None
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    if not np.array_equal(half.astype(np.float32), values):
        return None
    model.buffers.append(schema.BufferT(np.frombuffer(half.tobytes(), np.uint8)))
    return len(model.buffers) - 1


def _take(model, content, called, first, layers):
    """Moves buffers and operations of a file into `model`, and returns {piece: (graph, inputs, outputs)}.

    Appends graphs that other graphs call to `called`; they will be numbered from `first`.
    """
    part = schema.ModelT.InitFromPackedBuf(content, 0)
    signed = {definition.subgraphIndex: definition for definition in part.signatureDefs}
    others = [index for index in range(len(part.subgraphs)) if index not in signed]
    numbers = {index: first + len(called) + place for place, index in enumerate(others)}
    for index, graph in enumerate(part.subgraphs):
        piece, outputs = "called", {}
        if index in signed:
            piece, outputs = signed[index].signatureKey.decode(), _table(signed[index].outputs)
        short_names(graph, piece, outputs, layers)
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
    """Concatenates pieces; returns their graph, its inputs {name: tensor}, and the last tensor of each name."""
    graph = schema.SubGraphT(tensors=[], operators=[], name=name)
    inputs, known = {}, {}
    for piece, asked, given in pieces:
        places = {index: known[key] for key, index in asked.items() if key in known}
        for index, tensor in enumerate(piece.tensors):
            if index not in places:
                places[index] = len(graph.tensors)
                graph.tensors.append(copy.copy(tensor))  # its name may differ in another graph
        inputs |= {key: places[index] for key, index in asked.items() if key not in known}
        known |= {key: places[index] for table in (asked, given) for key, index in table.items()}
        graph.operators += [_moved(operator, places) for operator in piece.operators]
    return graph, inputs, known


def _moved(operator, places):
    """Returns an operation with other tensors; -1 is an omitted tensor."""
    moved = copy.copy(operator)
    for field in ("inputs", "outputs", "intermediates"):
        indices = getattr(operator, field)
        if indices is not None:
            setattr(moved, field, np.int32([places.get(index, -1) for index in indices]))
    return moved


class _Builder(flatbuffers.Builder):
    """Writes equal strings and vectors only once, and aligns buffers at multiples of 16 bytes, as LiteRT requires."""

    def __init__(self):
        super().__init__(2**16)
        self.written = {}

    def CreateString(self, s, *arguments):  # noqa: N802  (the name of flatbuffers)
        if s not in self.written:
            self.written[s] = super().CreateString(s, *arguments)
        return self.written[s]

    def CreateNumpyVector(self, x):  # noqa: N802  (the name of flatbuffers)
        key = x.dtype.str, x.tobytes()
        if key not in self.written:
            if x.dtype == np.uint8:
                self.Prep(16, x.nbytes)
            self.written[key] = super().CreateNumpyVector(x)
        return self.written[key]
