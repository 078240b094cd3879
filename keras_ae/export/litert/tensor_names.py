"""Short names of the tensors in a .tflite file.

OpenVINO refuses tensors without names, and Netron and compilers for accelerators show them. The converter's names are
long: together they would weigh more than a small decoder.
"""

import re

from ai_edge_litert import schema_py_generated as schema

# Operations of layers that have weights: number of the input that has them -> what Keras calls it.
_KERNEL_AND_BIAS = {1: "kernel", 2: "bias"}
_LAYERS = {
    schema.BuiltinOperator.FULLY_CONNECTED: _KERNEL_AND_BIAS,
    schema.BuiltinOperator.CONV_2D: _KERNEL_AND_BIAS,
    schema.BuiltinOperator.CONV_3D: _KERNEL_AND_BIAS,
    schema.BuiltinOperator.DEPTHWISE_CONV_2D: _KERNEL_AND_BIAS,
    schema.BuiltinOperator.TRANSPOSE_CONV: {1: "kernel", 3: "bias"},
}


def short_names(graph, piece, outputs, codes, layers):
    """Calls the tensors of a piece by layer and operation, such as `decoder/dense/kernel`, else by piece and operation.

    Args:
        graph: a `schema.SubGraphT` of the converter; its tensors get other names. They are not yet unique.
        piece: the name of the piece.
        outputs: {name: number of the tensor} of what the piece gives.
        codes: the builtin operations of the file, in the order of its operator codes.
        layers: names of the layers of the model.
    """
    given = {index: name for name, index in outputs.items()}
    weights = _weights(graph, codes, layers)
    for index, tensor in enumerate(graph.tensors):
        scope, last = _scope(tensor.name, layers), re.split("[/;]", tensor.name.decode())[-1]
        if index in weights:  # the kernel's name has its layer; a bias that was folded may have another
            layer, word = weights[index]
            tensor.name = "/".join([*(scope or layer or [piece]), word])
        elif index in given:
            tensor.name = f"{piece}/{given[index]}"
        else:
            word = "const" if last.startswith("arith.constant") else re.sub(r"^tfl\.|:\d+$|_?\d+$", "", last)
            tensor.name = "/".join([*(scope or [piece]), re.sub(r"\W", "_", word) or "tensor"])


def name_tensors(graph, inputs, outputs):
    """Makes the names of the tensors of a graph unique; inputs and outputs are called as in the signature.

    An output that has the name of an input, such as the `x` of `reconstruct`, is `x_out`.

    Args:
        graph: a `schema.SubGraphT`, whose tensors have short names.
        inputs, outputs: {name in the signature: number of the tensor}.
    """
    given = {}
    for name, index in inputs.items():
        given[index] = name
    for name, index in outputs.items():
        given.setdefault(index, f"{name}_out" if name in inputs else name)
    taken, counts = set(given.values()), {}
    for index, tensor in enumerate(graph.tensors):
        name = given.get(index)
        if name is None:
            name = stem = tensor.name
            while name in taken:
                counts[stem] = counts.get(stem, 0) + 1
                name = f"{stem}_{counts[stem]}"
            taken.add(name)
        tensor.name = name


def _weights(graph, codes, layers):
    """{number of a tensor: (its layer, "kernel" or "bias")}"""
    makers = {int(index): operator for operator in graph.operators for index in operator.outputs}
    weights = {}
    for operator in graph.operators:
        for place, word in _LAYERS.get(codes[operator.opcodeIndex], {}).items():
            if place >= len(operator.inputs) or operator.inputs[place] < 0:
                continue
            found = int(operator.inputs[place]), _scope(graph.tensors[operator.outputs[0]].name, layers)
            maker = makers.get(found[0])
            if maker is None:
                weights.setdefault(found[0], (found[1], word))
            elif codes[maker.opcodeIndex] == schema.BuiltinOperator.DEQUANTIZE:  # of float16
                weights.setdefault(int(maker.inputs[0]), (found[1], word))
    return weights


def _scope(name, layers):
    """The layers, outermost first, that a name of the converter begins with, as a list."""
    found = []
    for word in name.decode().split(";")[0].split("/")[:-1]:
        plain = re.sub(r"_\d+$", "", word)  # TensorFlow numbers the calls of a layer
        layer = plain if plain != word and plain in layers else word if word in layers else None
        if layer is None:
            break
        found.append(layer)
    return found
