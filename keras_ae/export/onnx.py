import importlib.util
import logging
import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from keras_ae.autoencoder import Autoencoder
from keras_ae.export.card.card import Card, check_details, make_card, seal, versions, weight_bytes
from keras_ae.export.signatures.detector import model_and_detector
from keras_ae.export.signatures.signature import Signature, Signatures
from keras_ae.export.verification.comparison import FLOAT_TOLERANCE, compare
from keras_ae.export.verification.probes import onnx_probes
from keras_ae.io.paths import check_file
from keras_ae.io.writing import publish_files, staging
from keras_ae.validation.arguments import check_choice

if TYPE_CHECKING:
    from keras_ae.outliers import OutlierDetector

_EXTRA = ("tf2onnx", "onnx", "onnxruntime")
_ONE = "An ONNX file holds one function."
_OPSET = 18  # the first with the bitwise operations of the random number generator


def onnx(
    model: "Autoencoder | OutlierDetector",
    path: str | os.PathLike,
    *,
    signature: str | None = None,
    details: dict[str, dict[str, Any]] | None = None,
    license: str | None = None,
) -> Card:
    """Exports the decoder or a detector as an .onnx file, for ONNX Runtime and other readers of the format.

        decode(z[, condition]) -> x                    the mean of p(x|z)
        generate(seed, row[, condition]) -> x          sample `row` of `model.sample(..., seed=seed)`, both int32 [B]
        score(x[, condition]) -> score, p_value, outlier     of a fitted `OutlierDetector` in place of a model: minus
                                                       `score_samples`; `p_values`; 1 where `predict` is -1

    An ONNX file holds one function, selected by `signature`. The batch size is dynamic. An unknown label, NaN or
    infinity gives NaN. Before the file is published, ONNX Runtime verifies in a process without TensorFlow that the
    export reproduces the model's outputs. The card is written beside it: `<path>.card.json`, and `<path>.card.md` for
    people.

    Args:
        model: a built keras_ae model, or a fitted `OutlierDetector`. `fit` and `load` build models.
        path: path of the file, ending in `.onnx`. Missing parents are created, and an older file is replaced.
        signature: `"decode"` or `"generate"`, or for a detector also `"score"`. By default, `"decode"` of a model and
            `"score"` of a detector.
        details: data, training and metrics for the card: see `keras_ae.run.Run.details`.
        license: license of the weights, for the card.

    Returns:
        The `Card`.

    Raises:
        ImportError: without the extra: `pip install "keras_ae[onnx]"`.
        TypeError: if `model` is neither a keras_ae model nor a detector.
        ValueError: for an invalid argument, or a model that is not built, gives NaN, or has operations that ONNX lacks.
        RuntimeError: if the export does not reproduce the model's outputs. Nothing is changed then.
    """
    model, detector = model_and_detector(model)
    names = ("decode", "generate") if detector is None else ("score", "decode", "generate")
    signature = check_choice("signature", names[0] if signature is None else signature, names)
    fields, path = check_details(details, license), check_file(path, ".onnx")
    missing = [name for name in _EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(f'ONNX needs an extra, pip install "keras_ae[onnx]". Missing: {", ".join(missing)}')
    signatures = _Signatures(model, detector)
    chosen = next((each for each in signatures.all() if each.name == signature), None)
    if chosen is None:
        raise ValueError("`signature` must be 'decode': the model has no prior to sample from. Received: 'generate'")
    probes = onnx_probes(model, signature, detector)
    with staging(path) as stage:
        artifact = stage / "files" / path.name
        artifact.parent.mkdir()
        artifact.write_bytes(_convert(chosen))
        report = compare("onnx", artifact, probes, stage)
        encoder = model.encoder if signature == "score" else None
        parts = [part for part in (encoder, model.decoder, model.likelihood_layer) if part is not None]
        card = make_card(
            model,
            path,
            report,
            format="onnx",
            quantize="none",
            omitted={name: _ONE for name in names if name != signature} | signatures.omitted,
            bytes={"total": artifact.stat().st_size, "weights": sum(map(weight_bytes, parts))},
            versions=versions("tensorflow", "keras", "numpy", *_EXTRA),
            limits=_limits(len(probes), signature),
            detector=detector if signature == "score" else None,
            **fields,
        )
        card = seal(card, artifact, probes)
        publish_files(artifact.parent, path)
    return card


class _Signatures(Signatures):
    """Signatures with a dynamic batch size; `generate` takes one seed per row."""

    def __init__(self, model, detector):
        super().__init__(model, None)
        self.detector = detector

    def all(self):
        z, x = self.batched("z", [self.model.latent_dim]), self.batched("x", self.model.event_shape)
        pictures = [tf.TensorSpec([None], tf.int32, name=name) for name in ("seed", "row")]
        signatures = [Signature("decode", self.decode, [z, *self.properties])]
        if self.model.sampler is not None:
            signatures.append(Signature("generate", self.generate, [*pictures, *self.properties]))
        if self.detector is not None:
            signatures.append(Signature("score", self.score, [x, *self.properties]))
        return signatures

    def decode(self, z, *condition):
        return self._picture(z, self._context(condition))

    def generate(self, seed, row, *condition):
        context = self._context(condition)
        return self._picture(self.model.sampler.sample(seed, row, context), context)

    def score(self, x, *condition):
        context = self._context(condition)
        return self.detector(x, context, zero_or_nan=_zero_or_nan(tf.reshape(x, [tf.shape(x)[0], -1]), context))

    def _context(self, condition):
        return None if self.model.condition is None else self.model.condition(self.values(condition))

    def _picture(self, z, context):
        """Returns the mean of p(x|z); NaN in rows with NaN, infinity or an unknown label."""
        zero_or_nan = tf.reshape(_zero_or_nan(z, context), [-1] + [1] * len(self.model.event_shape))
        return {"x": self.mean(z, context) + zero_or_nan}


def _zero_or_nan(values, context):
    inputs = values if context is None else tf.concat([values, context], axis=-1)
    return tf.reduce_sum(inputs - inputs, axis=-1)  # [B]


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
    (x,), op = node.input, _operation(graph, node)
    _put(graph, node, "Mul", [op("Tanh", op("Mul", x, 0.5)), op("Add", op("Exp", x), 1.0)])


def _log1p(graph, node, name, args):
    op = _operation(graph, node)
    _put(graph, node, "Log", [op("Add", node.input[0], 1.0)])


def _xlogy(graph, node, name, args):
    """x log(y), and 0 where x is 0."""
    (x, y), op = node.input, _operation(graph, node)
    _put(graph, node, "Mul", [x, op("Log", op("Where", op("Equal", x, 0.0), 1.0, y))])


def _mul_no_nan(graph, node, name, args):
    """x y, and 0 where y is 0."""
    (x, y), op = node.input, _operation(graph, node)
    _put(graph, node, "Where", [op("Equal", y, 0.0), _constant(graph, node, np.float32(0.0)), op("Mul", x, y)])


def _lgamma(graph, node, name, args):
    """log Gamma(x) for x > 0: Stirling's series at z = x + 7, minus log x + ... + log(x + 6)."""
    (x,), op = node.input, _operation(graph, node)
    z = op("Add", x, 7.0)
    inverse = op("Reciprocal", z)
    square = op("Mul", inverse, inverse)
    terms = op("Sub", 1 / 12, op("Mul", square, op("Sub", 1 / 360, op("Mul", square, 1 / 1260))))
    power = op("Sub", op("Mul", op("Sub", z, 0.5), op("Log", z)), z)
    total = op("Add", op("Add", power, 0.5 * math.log(2 * math.pi)), op("Mul", inverse, terms))
    logs = op("Log", x)
    for k in range(1, 7):
        logs = op("Add", logs, op("Log", op("Add", x, float(k))))
    _put(graph, node, "Sub", [total, logs])


def _broadcast_args(graph, node, name, args):
    """Computes the shape that two shapes broadcast to: per axis, the length that is not 1."""
    from tf2onnx import utils

    ranks = [graph.get_shape(shape)[0] for shape in node.input]
    numpy_dtype = utils.map_onnx_to_numpy_type(graph.get_dtype(node.output[0]))
    padded = []
    for shape, rank in zip(node.input, ranks, strict=True):
        ones = _constant(graph, node, np.ones([max(ranks) - rank], numpy_dtype))
        padded.append(graph.make_node("Concat", [ones, shape], attr={"axis": 0}).output[0])
    one = _constant(graph, node, np.ones([1], numpy_dtype))
    is_one = graph.make_node("Equal", [padded[0], one]).output[0]
    _put(graph, node, "Where", [is_one, padded[1], padded[0]])


def _constant(graph, node, value):
    from tf2onnx import utils

    return graph.make_const(utils.make_name(node.name), value).output[0]


def _operation(graph, node):
    """Returns a function of (operation, inputs) that appends a node to the graph; numbers are float32 constants."""

    def op(operation, *inputs):
        inputs = [each if isinstance(each, str) else _constant(graph, node, np.float32(each)) for each in inputs]
        return graph.make_node(operation, inputs).output[0]

    return op


def _put(graph, node, operation, inputs):
    """Replaces a node by an operation."""
    shape, dtype, outputs = graph.get_shape(node.output[0]), graph.get_dtype(node.output[0]), node.output
    graph.remove_node(node.name)
    graph.make_node(operation, inputs, name=node.name, outputs=outputs, shapes=[shape], dtypes=[dtype])


# TensorFlow operations that tf2onnx does not know.
_HANDLERS = {
    "BroadcastArgs": _broadcast_args,
    "Expm1": _expm1,
    "Lgamma": _lgamma,
    "Log1p": _log1p,
    "MulNoNan": _mul_no_nan,
    "Xlogy": _xlogy,
}


def _limits(calls, signature):
    unsigned = "Seeds need uint32 arithmetic. ONNX Runtime has it; OpenVINO 2026.4 does not, and draws other samples."
    return (
        *((unsigned,) if signature == "generate" else ()),
        "An unknown label, NaN or infinity gives NaN, not an error. Other values are not checked.",
        f"Compared with the model in {calls} calls, with a tolerance of {FLOAT_TOLERANCE:g} of the largest value. "
        "Another processor or execution provider may round differently.",
    )
