import importlib.util
import logging
import os
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ae.autoencoder import Autoencoder
from keras_ae.export.card.card import Card, check_details, make_card, seal, versions, weight_bytes
from keras_ae.export.signatures.signature import Signature, Signatures
from keras_ae.export.verification.comparison import FLOAT_TOLERANCE, compare
from keras_ae.export.verification.probes import onnx_probes
from keras_ae.io.paths import check_file
from keras_ae.io.writing import publish_files, staging
from keras_ae.validation.arguments import check_choice

_EXTRA = ("tf2onnx", "onnx", "onnxruntime")
_ONE = "An ONNX file holds one function."
_OPSET = 18  # the first with the bitwise operations of the random number generator


def onnx(
    model: Autoencoder,
    path: str | os.PathLike,
    *,
    signature: str = "decode",
    details: dict[str, dict[str, Any]] | None = None,
    license: str | None = None,
) -> Card:
    """Exports the decoder as an .onnx file, for ONNX Runtime and other readers of the format.

        decode(z[, condition]) -> x                    the mean of p(x|z)
        generate(seed, row[, condition]) -> x          sample `row` of `model.sample(..., seed=seed)`, both int32 [B]

    An ONNX file holds one function, selected by `signature`. The batch size is dynamic. An unknown label, NaN or
    infinity gives NaN. Before the file is published, ONNX Runtime verifies in a process without TensorFlow that the
    export reproduces the model's outputs. The card is written beside it: `<path>.card.json`, and `<path>.card.md` for
    people.

    Args:
        model: a built keras_ae model. `fit` and `load` build models.
        path: path of the file, ending in `.onnx`. Missing parents are created, and an older file is replaced.
        signature: `"decode"` or `"generate"`.
        details: data, training and metrics for the card: see `keras_ae.run.Run.details`.
        license: license of the weights, for the card.

    Returns:
        The `Card`.

    Raises:
        ImportError: without the extra: `pip install "keras_ae[onnx]"`.
        TypeError: if `model` is not a keras_ae model.
        ValueError: for an invalid argument, or a model that is not built, gives NaN, or has operations that ONNX lacks.
        RuntimeError: if the export does not reproduce the model's outputs. Nothing is changed then.
    """
    signature = check_choice("signature", signature, ("decode", "generate"))
    fields, path = check_details(details, license), check_file(path, ".onnx")
    missing = [name for name in _EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(f'ONNX needs an extra, pip install "keras_ae[onnx]". Missing: {", ".join(missing)}')
    signatures = _Signatures(model)
    chosen = next((each for each in signatures.all() if each.name == signature), None)
    if chosen is None:
        raise ValueError("`signature` must be 'decode': the model has no prior to sample from. Received: 'generate'")
    probes = onnx_probes(model, signature)
    with staging(path) as stage:
        artifact = stage / "files" / path.name
        artifact.parent.mkdir()
        artifact.write_bytes(_convert(chosen))
        report = compare("onnx", artifact, probes, stage)
        parts = [part for part in (model.decoder, model.likelihood_layer) if part is not None]
        card = make_card(
            model,
            path,
            report,
            format="onnx",
            quantize="none",
            omitted={name: _ONE for name in ("decode", "generate") if name != signature} | signatures.omitted,
            bytes={"total": artifact.stat().st_size, "weights": sum(map(weight_bytes, parts))},
            versions=versions("tensorflow", "keras", "numpy", *_EXTRA),
            limits=_limits(len(probes), signature),
            **fields,
        )
        card = seal(card, artifact, probes)
        publish_files(artifact.parent, path)
    return card


class _Signatures(Signatures):
    """Signatures with a dynamic batch size; `generate` takes one seed per row."""

    def __init__(self, model):
        super().__init__(model, None)

    def all(self):
        z = self.batched("z", [self.model.latent_dim])
        pictures = [tf.TensorSpec([None], tf.int32, name=name) for name in ("seed", "row")]
        signatures = [Signature("decode", self.decode, [z, *self.properties])]
        if self.model.sampler is not None:
            signatures.append(Signature("generate", self.generate, [*pictures, *self.properties]))
        return signatures

    def decode(self, z, *condition):
        return self._picture(z, self._context(condition))

    def generate(self, seed, row, *condition):
        context = self._context(condition)
        return self._picture(self.model.sampler.sample(seed, row, context), context)

    def _context(self, condition):
        return None if self.model.condition is None else self.model.condition(self.values(condition))

    def _picture(self, z, context):
        """Returns the mean of p(x|z); NaN in rows with NaN, infinity or an unknown label."""
        inputs = z if context is None else tf.concat([z, context], axis=-1)
        zero_or_nan = tf.reduce_sum(inputs - inputs, axis=-1)  # [B]
        return {"x": self.mean(z, context) + tf.reshape(zero_or_nan, [-1] + [1] * len(self.model.event_shape))}


def _convert(signature):
    """Returns the bytes of an .onnx file with one signature, which is the name of its graph."""
    import tf2onnx
    from onnx import defs

    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)  # failures raise an error too
    function = tf.function(signature.function, input_signature=signature.inputs, autograph=False)
    try:
        converted, _ = tf2onnx.convert.from_function(
            function,
            input_signature=signature.inputs,
            opset=_OPSET,
            custom_op_handlers={name: (handler, []) for name, handler in _HANDLERS.items()},
        )
    except Exception as error:  # the class depends on the operation
        reason = " ".join(str(error).split())[:500]
        raise ValueError(f"`model` must consist of operations that ONNX has. Received: {reason}") from error
    unknown = sorted({node.op_type for node in converted.graph.node if not defs.has(node.op_type, node.domain)})
    if unknown:  # tf2onnx writes operations that it does not know unchanged
        raise ValueError(f"`model` must consist of operations that ONNX has. Received: {', '.join(unknown)}")
    converted.graph.name = signature.name
    return converted.SerializeToString()


def _expm1(graph, node, name, args):
    """exp(x) - 1 = tanh(x / 2) (exp(x) + 1), without cancellation near 0."""
    (x,), dtype = node.input, graph.get_dtype(node.output[0])
    half, one = (_constant(graph, node, np.float32(value)) for value in (0.5, 1.0))
    tanh = graph.make_node("Tanh", graph.make_node("Mul", [x, half]).output).output[0]
    more = graph.make_node("Add", [graph.make_node("Exp", [x]).output[0], one]).output[0]
    _put(graph, node, "Mul", [tanh, more], dtype)


def _broadcast_args(graph, node, name, args):
    """Computes the shape that two shapes broadcast to: per axis, the length that is not 1."""
    from tf2onnx import utils

    dtype, ranks = graph.get_dtype(node.output[0]), [graph.get_shape(shape)[0] for shape in node.input]
    numpy_dtype = utils.map_onnx_to_numpy_type(dtype)
    padded = []
    for shape, rank in zip(node.input, ranks, strict=True):
        ones = _constant(graph, node, np.ones([max(ranks) - rank], numpy_dtype))
        padded.append(graph.make_node("Concat", [ones, shape], attr={"axis": 0}).output[0])
    one = _constant(graph, node, np.ones([1], numpy_dtype))
    is_one = graph.make_node("Equal", [padded[0], one]).output[0]
    _put(graph, node, "Where", [is_one, padded[1], padded[0]], dtype)


def _constant(graph, node, value):
    from tf2onnx import utils

    return graph.make_const(utils.make_name(node.name), value).output[0]


def _put(graph, node, operation, inputs, dtype):
    """Replaces a node by an operation."""
    shape, outputs = graph.get_shape(node.output[0]), node.output
    graph.remove_node(node.name)
    graph.make_node(operation, inputs, name=node.name, outputs=outputs, shapes=[shape], dtypes=[dtype])


# TensorFlow operations that tf2onnx does not know.
_HANDLERS = {"BroadcastArgs": _broadcast_args, "Expm1": _expm1}


def _limits(calls, signature):
    unsigned = "Seeds need uint32 arithmetic. ONNX Runtime has it; OpenVINO 2026.4 does not, and draws other samples."
    return (
        *((unsigned,) if signature == "generate" else ()),
        "An unknown label, NaN or infinity gives NaN, not an error. Other values are not checked.",
        f"Compared with the model in {calls} calls, with a tolerance of {FLOAT_TOLERANCE:g} of the largest value. "
        "Another processor or execution provider may round differently.",
    )
