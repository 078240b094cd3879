"""The signatures of an export: methods of a model as functions of named tensors."""

import contextlib
import inspect
import keyword
import logging
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_ae.autoencoder import Autoencoder
from keras_ae.keras_internals import add_function

NO_PRIOR = "The model has no prior to sample from."
_RESERVED = ("num", "row", "seed", "self", "temperature", "x", "z")


class Signature(NamedTuple):
    """A name, a function of tensors that returns a dictionary, and the named specs of its inputs."""

    name: str
    function: Callable[..., dict[str, tf.Tensor]]
    inputs: list[tf.TensorSpec]


class Signatures:
    """Base class of the signatures of a format.

    Args:
        model: a built model.
        rows: number of rows of every batched input; `None` for any.

    Attributes:
        omitted: {signature, or "signature.output": why it is omitted}.
    """

    def __init__(self, model: Autoencoder, rows: int | None):
        check_model(model)
        self.model = model
        self.rows = rows
        self.omitted = {} if model.sampler is not None else {"generate": NO_PRIOR}
        specs = {} if model.condition is None else model.condition.specs()
        for name in specs:
            _check_name(name)
        if len({name.lower() for name in specs}) < len(specs):  # TensorFlow's arguments are case-insensitive
            raise ValueError(f"Properties of an export must not differ only by case. Received: {sorted(specs)}")
        self.properties = [tf.TensorSpec([rows, *shape], dtype, name=name) for name, (dtype, shape) in specs.items()]

    def values(self, tensors: Iterable[tf.Tensor]) -> Any:
        """Returns the values of the condition from the inputs in `properties`."""
        if self.model.condition is None:
            return None
        return self.model.condition.from_named(dict(zip(self.model.condition.properties, tensors, strict=True)))

    def mean(self, z: tf.Tensor, context: tf.Tensor | None) -> tf.Tensor:
        """Returns the mean of p(x|z), [B, *event]."""
        return self.model.likelihood_layer.mean(self.model.likelihood_params(z, context))

    def batched(self, name: str, event_shape: Iterable[int]) -> tf.TensorSpec:
        """Returns the spec of a float input [rows, *event]."""
        return tf.TensorSpec([self.rows, *event_shape], tf.float32, name=name)


def check_model(model: Any) -> None:
    """Raises a `TypeError` or a `ValueError` unless `model` is a built `Autoencoder` in float32."""
    if not isinstance(model, Autoencoder):
        given = model.__name__ if inspect.isclass(model) else type(model).__name__
        raise TypeError(f"`model` must be a keras_ae model. Received: {given}")
    if not model.built:
        raise ValueError(
            f"`model` must be built: call `fit` before the export. Received: a {type(model).__name__} that is not built"
        )
    _check_precision(model)


def _check_precision(model):
    for part in (model.encoder, model.decoder, model.posterior_layer, model.likelihood_layer):
        for layer in (part, *getattr(part, "layers", ())):
            if layer.compute_dtype != "float32":
                raise ValueError(
                    "`model` must compute in float32 to be exported: copy its weights to a float32 model. "
                    f"Received: {layer.name} computes in {layer.compute_dtype}"
                )


def _check_name(name):
    if name in _RESERVED or keyword.iskeyword(name) or not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name):
        raise ValueError(
            "The name of a property in an export must consist of ASCII letters, digits and _, start with a letter, and "
            f"be neither a Python keyword nor one of {_RESERVED}. Received: {name!r}"
        )


def write(directory: pathlib.Path, signatures: Iterable[Signature]) -> None:
    """Writes a SavedModel with these signatures; the first is also `serving_default`.

    As in exports of Keras, a function `serve` is a call of the model, for `tf.saved_model.load` and
    `keras.layers.TFSMLayer`: it is `reconstruct`, but not a signature. The model is not tracked, because its weights
    would be stored twice (keras#23553); the functions hold them.
    """
    archive = keras.export.ExportArchive()
    for name, function, inputs in signatures:
        endpoint = archive.add_endpoint(name, function, inputs)
        if name == "reconstruct":
            add_function(archive, "serve", _without_name(endpoint, inputs))
    with _without_messages():
        archive.write_out(str(directory), verbose=False)


@contextlib.contextmanager
def _without_messages() -> Iterator[None]:
    """Context without the log messages of notebooks and Python shells, which name a temporary folder."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(max(level, logging.WARNING))
    try:
        yield
    finally:
        logger.setLevel(level)


def _without_name(function, inputs):
    """Returns a function of tensors that returns only the output x of another function."""
    return tf.function(lambda *tensors: function(*tensors)["x"], input_signature=inputs, autograph=False)
