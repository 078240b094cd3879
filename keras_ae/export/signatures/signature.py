"""The signatures of an export: the verbs of a model as functions of named tensors."""

import inspect
import keyword
import re
from typing import NamedTuple

import keras
import tensorflow as tf

from keras_ae.autoencoder import Autoencoder
from keras_ae.keras_internals import add_function

NO_PRIOR = "The model has no prior to draw from."
_RESERVED = ("num", "row", "seed", "self", "temperature", "x", "z")


class Signature(NamedTuple):
    """One entry point: a name, a function of tensors that gives a dictionary, and the named specs of its inputs."""

    name: str
    function: object
    inputs: list


class Signatures:
    """Base of the two families of signatures, for a server and for a device.

    Args:
        model: a built `Autoencoder`.
        rows: the number of rows of every batched input; `None` for any.

    Attributes:
        omitted: {signature, or "signature.output": why it is not there}.
    """

    def __init__(self, model, rows):
        check_model(model)
        self.model = model
        self.rows = rows
        self.omitted = {} if model.sampler is not None else {"generate": NO_PRIOR}
        specs = {} if model.condition is None else model.condition.specs()
        for name in specs:
            _check_name(name)
        if len({name.lower() for name in specs}) < len(specs):  # TensorFlow knows arguments by their lower case
            raise ValueError(f"To be exported, properties must differ by more than case. Received: {sorted(specs)}")
        self.properties = [tf.TensorSpec([rows, *shape], dtype, name=name) for name, (dtype, shape) in specs.items()]

    def values(self, tensors):
        """The values of the condition, as the model takes them, from the tensors of the inputs in `properties`."""
        if self.model.condition is None:
            return None
        return self.model.condition.from_named(dict(zip(self.model.condition.properties, tensors, strict=True)))

    def mean(self, z, context):
        """The mean of p(x|z): [B, *event]."""
        return self.model.likelihood_layer.mean(self.model.likelihood_params(z, context))

    def batched(self, name, event_shape):
        """The spec of a float input [rows, *event]."""
        return tf.TensorSpec([self.rows, *event_shape], tf.float32, name=name)


def check_model(model):
    """Raises a `TypeError` or a `ValueError` where `model` is not a built `Autoencoder`."""
    if not isinstance(model, Autoencoder):
        given = model.__name__ if inspect.isclass(model) else type(model).__name__
        raise TypeError(f"`model` must be a keras_ae model. Received: {given}")
    if not model.built:
        raise ValueError(
            "`model` must know the shape of its data: call `fit` before the export. "
            f"Received: a {type(model).__name__} that is not built"
        )
    _check_precision(model)


def _check_precision(model):
    for part in (model.encoder, model.decoder, model.posterior_layer, model.likelihood_layer):
        for layer in (part, *getattr(part, "layers", ())):
            if layer.compute_dtype != "float32":
                raise ValueError(
                    "`model` must compute in float32 to be exported: give its weights to one made in float32. "
                    f"Received: {layer.name} computes in {layer.compute_dtype}"
                )


def _check_name(name):
    if name in _RESERVED or keyword.iskeyword(name) or not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name):
        raise ValueError(
            "To be exported, a property must be called by ASCII letters, digits and _, a letter first, but not by a "
            f"word of Python's or one of {_RESERVED}. Received: {name!r}"
        )


def write(directory, signatures):
    """Writes a SavedModel with these signatures; the first is also `serving_default`.

    As in exports of Keras, a function `serve` does what a call of the model does, for `tf.saved_model.load` and
    `keras.layers.TFSMLayer`: it is `reconstruct`, and no signature.
    The model itself is not tracked: the functions hold its weights, and a tracked model would store them a second time.
    """
    archive = keras.export.ExportArchive()
    for name, function, inputs in signatures:
        endpoint = archive.add_endpoint(name, function, inputs)
        if name == "reconstruct":
            add_function(archive, "serve", _without_name(endpoint, inputs))
    archive.write_out(str(directory), verbose=False)


def _without_name(function, inputs):
    """The function of tensors that gives the output x alone of a function that gives a dictionary."""
    return tf.function(lambda *tensors: function(*tensors)["x"], input_signature=inputs, autograph=False)
