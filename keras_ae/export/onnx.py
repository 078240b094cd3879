import importlib.util
import logging

import numpy as np
import tensorflow as tf

from keras_ae.export.card.card import check_details, make_card, versions, weight_bytes
from keras_ae.export.signatures.signature import Signature, Signatures
from keras_ae.export.verification.comparison import FLOAT_TOLERANCE, compare
from keras_ae.export.verification.probes import onnx_probes
from keras_ae.io.paths import check_file
from keras_ae.io.writing import publish_files, staging
from keras_ae.validation.arguments import check_choice

_EXTRA = ("tf2onnx", "onnx", "onnxruntime")
_ONE = "An ONNX file holds one function."
_OPSET = 18  # the first with the bitwise operations of the generator


def onnx(model, path, *, signature="decode", details=None, license=None):
    """Exports the decoder as an .onnx file, for ONNX Runtime and other readers of the format.

        decode(z[, condition]) -> x                    the mean of p(x|z)
        generate(seed, row[, condition]) -> x          picture `row` of `model.sample(..., seed=seed)`, both int32 [B]

    An ONNX file holds one function, so `signature` says which. The batch is dynamic. An unknown label, NaN and infinity
    give pictures of NaN. The file is verified by ONNX Runtime in a process without TensorFlow before it gets its place.
    Its card comes with it, `<path>.card.json` and, for people, `<path>.card.md`.

    Args:
        model: a model of keras_ae that was built, as `fit` and `load` do.
        path: where to put it; the name ends in `.onnx`. Missing parents are made, an older file is replaced.
        signature: `"decode"` or `"generate"`.
        details: what the card says of data, training and metrics, as `keras_ae.run.Run.details` gives it.
        license: of the weights, for the card.

    Returns:
        The `Card`.

    Raises:
        ImportError: where the extra is missing: `pip install "keras_ae[onnx]"`.
        TypeError: if `model` is not a model of keras_ae.
        ValueError: for a model that is not built, gives NaN or has operations that ONNX lacks, or wrong arguments.
        RuntimeError: if another process computes other outputs than the model. Nothing is changed then.
    """
    signature = check_choice("signature", signature, ("decode", "generate"))
    fields, path = check_details(details, license), check_file(path, ".onnx")
    missing = [name for name in _EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(f'ONNX needs an extra, pip install "keras_ae[onnx]". Missing: {", ".join(missing)}')
    signatures = _Signatures(model)
    chosen = next((each for each in signatures.all() if each.name == signature), None)
    if chosen is None:
        raise ValueError("`signature` must be 'decode': the model has no prior to draw from. Received: 'generate'")
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
        ).seal(artifact, probes)
        publish_files(artifact.parent, path)
    return card


class _Signatures(Signatures):
    """Signatures with as many rows as are given; `generate` takes one seed per row."""

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
        """The mean of p(x|z); NaN where there is NaN or infinity, or an unknown label, in a row."""
        inputs = z if context is None else tf.concat([z, context], axis=-1)
        silence = tf.reduce_sum(inputs - inputs, axis=-1)  # [B]
        return {"x": self.mean(z, context) + tf.reshape(silence, [-1] + [1] * len(self.model.event_shape))}


def _convert(signature):
    """The bytes of an .onnx file with one signature, the name of its graph."""
    import tf2onnx
    from onnx import defs

    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)  # what fails raises as well
    function = tf.function(signature.function, input_signature=signature.inputs, autograph=False)
    try:
        converted, _ = tf2onnx.convert.from_function(
            function,
            input_signature=signature.inputs,
            opset=_OPSET,
            custom_op_handlers={name: (handler, []) for name, handler in _HANDLERS.items()},
        )
    except Exception as error:  # which one depends on the operation
        reason = " ".join(str(error).split())[:500]
        raise ValueError(f"`model` must consist of operations that ONNX has. Received: {reason}") from error
    unknown = sorted({node.op_type for node in converted.graph.node if not defs.has(node.op_type, node.domain)})
    if unknown:  # it is written as it is
        raise ValueError(f"`model` must consist of operations that ONNX has. Received: {', '.join(unknown)}")
    converted.graph.name = signature.name
    return converted.SerializeToString()


def _expm1(graph, node, name, args):
    """exp(x) - 1 = tanh(x / 2) (exp(x) + 1), in which nothing cancels near 0."""
    (x,), dtype = node.input, graph.get_dtype(node.output[0])
    half, one = (_constant(graph, node, np.float32(value)) for value in (0.5, 1.0))
    tanh = graph.make_node("Tanh", graph.make_node("Mul", [x, half]).output).output[0]
    more = graph.make_node("Add", [graph.make_node("Exp", [x]).output[0], one]).output[0]
    _put(graph, node, "Mul", [tanh, more], dtype)


def _broadcast_args(graph, node, name, args):
    """The shape that two shapes broadcast to: of each length the one that is not 1."""
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
    """Puts an operation in the place of a node."""
    shape, outputs = graph.get_shape(node.output[0]), node.output
    graph.remove_node(node.name)
    graph.make_node(operation, inputs, name=node.name, outputs=outputs, shapes=[shape], dtypes=[dtype])


# Operations of TensorFlow that tf2onnx does not know, as operations of ONNX.
_HANDLERS = {"BroadcastArgs": _broadcast_args, "Expm1": _expm1}


def _limits(calls, signature):
    unsigned = "Seeds need uint32 arithmetic: ONNX Runtime has it, OpenVINO 2026.4 draws other pictures."
    return (
        *((unsigned,) if signature == "generate" else ()),
        "An unknown label, NaN and infinity give a picture of NaN, not an error. Other values are not checked.",
        f"Compared with the model in {calls} calls: differences up to {FLOAT_TOLERANCE:g} of the largest value would "
        "have been accepted. Another processor or execution provider can round in other places.",
    )
