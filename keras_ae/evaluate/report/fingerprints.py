"""Hashes of models and data: a metric is measured again only where something that it depends on has changed."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ae.evaluate.subject import Subject
from keras_ae.io.json_files import plain
from keras_ae.training.data_adapter import is_stream

_LENGTH = 16  # hexadecimal digits
_TRIED = 32  # examples by which a function is known


def hash_of_model(model: keras.Model | Callable, examples: np.ndarray) -> str:
    """Returns the hash of a model's config and weights, or of what a function makes of the first examples."""
    digest = hashlib.sha256()
    if isinstance(model, keras.Model):
        digest.update(json.dumps(plain(model.get_config()), sort_keys=True, default=repr).encode())
        for weight in model.weights:
            _add(digest, "weight", keras.ops.convert_to_numpy(weight))
    else:
        _add(digest, "codes", np.asarray(model(examples[:_TRIED])))
    return digest.hexdigest()[:_LENGTH]


def hash_of_data(subject: Subject) -> tuple[str, str]:
    """Returns the hash of examples, labels, factors and reference, and the hash of the condition, of a subject."""
    digest, conditions = hashlib.sha256(), hashlib.sha256()
    for x, condition in subject.batches("reading"):
        digest.update(np.ascontiguousarray(x).tobytes())
        for values in tf.nest.flatten(condition):
            if values is not None:
                _add(conditions, "condition", np.asarray(values))
    _add(digest, "shape", np.asarray(subject.examples.shape[1:]))
    if subject.labels is not None:
        _add(digest, "labels", subject.labels)
    for name, values in sorted(subject.factors.items()):
        _add(digest, name, values)
    for part in (subject.reference, subject.reference_labels):
        for values in part if is_stream(part) else () if part is None else (part,):
            for each in tf.nest.flatten(values):
                _add(digest, "reference", np.asarray(each))
    return digest.hexdigest()[:_LENGTH], conditions.hexdigest()[:_LENGTH]


def hash_of_values(**values: Any) -> str:
    """Returns the hash of values in their JSON form; values without one count by their text."""
    text = json.dumps(plain(values), sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def _add(digest, name, values):
    """Adds the name, the type, the shape and the values of an array."""
    if values.dtype.kind in "OU":
        values = np.asarray([str(value) for value in np.ravel(values)], np.bytes_)
    digest.update(f"{name} {values.dtype.str} {values.shape}".encode())
    digest.update(np.ascontiguousarray(values).tobytes())
