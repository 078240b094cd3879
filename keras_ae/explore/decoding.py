from typing import Any

import keras
import numpy as np

from keras_ae.conditions.properties import for_each_property
from keras_ae.input_checks import batches_of
from keras_ae.training.streams import rebatched


def examples(model: keras.Model, x: Any, condition: Any, num: int) -> tuple:
    """Returns the first `num` examples of anything that `fit` takes, validated, and their condition."""
    return next(rebatched(batches_of(model, x, condition), num))


def first_value(condition: Any) -> Any:
    """Returns a single value of a condition as an array with one row; `None` stays `None`."""
    return for_each_property(lambda value: value[np.newaxis], condition)


def decode_grid(model: keras.Model, codes: np.ndarray, condition: Any) -> np.ndarray:
    """Decodes codes [R, C, D] under one condition, or one for each row: float32 array [R, C, *event]."""
    rows, columns, dim = codes.shape
    condition = for_each_property(lambda v: np.repeat(v, rows * columns // len(v), axis=0), condition)
    x = model.decode(codes.reshape(rows * columns, dim), condition)
    return np.asarray(x).reshape(rows, columns, *x.shape[1:])
