"""Short names of the tensors in a .tflite file.

OpenVINO refuses tensors without names, and Netron and compilers for accelerators show them. The converter's names are
so long that together they would be larger than a small decoder.
"""

import re
from collections.abc import Collection

from ai_edge_litert import schema_py_generated as schema


def short_names(graph: schema.SubGraphT, piece: str, outputs: dict[str, int], layers: Collection[str]) -> None:
    """Names the tensors of a piece by layer and operation, such as `decoder/dense/MatMul`, not yet uniquely.

    Args:
        graph: the graph of the piece, from the converter.
        piece: name of the piece, for tensors outside of layers.
        outputs: {name: number of the tensor} of the piece.
        layers: names of the layers of the model.
    """
    names = {index: f"{piece}/{name}" for name, index in outputs.items()}
    for index, tensor in enumerate(graph.tensors):
        *scope, last = tensor.name.decode().split(";")[0].split("/")
        path = [_layer(word, layers) for word in scope]
        path = path[: path.index(None)] if None in path else path
        operation = re.sub(r"^(tfl|arith)\.|:\d+$|_?\d+$", "", last)
        name = "/".join([*(path or [piece]), re.sub(r"\W", "_", operation) or "tensor"])
        tensor.name = names.get(index, name)


def name_tensors(graph: schema.SubGraphT, inputs: dict[str, int], outputs: dict[str, int]) -> None:
    """Makes the names of the tensors of a graph unique, and names inputs and outputs as in the signature.

    An output with the name of an input, such as the `x` of `reconstruct`, becomes `x_out`.

    Args:
        graph: a graph whose tensors have short names.
        inputs, outputs: {name in the signature: number of the tensor}.
    """
    given = {index: name for name, index in inputs.items()}
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


def _layer(word, layers):
    """Returns the layer that a word of the converter refers to; TensorFlow numbers repeated calls."""
    plain = re.sub(r"_\d+$", "", word)
    return plain if plain in layers else word if word in layers else None
