import numpy as np

from keras_ae.training.data_adapter import rebatched


def examples(model, x, condition, num):
    """Returns the first `num` examples of anything that `fit` takes, validated, and their condition."""
    return next(rebatched(model.batches_of(x, condition), num))


def first_value(condition):
    """Returns a single value of a condition as an array with one row; `None` stays `None`."""
    return for_each_property(lambda value: value[np.newaxis], condition)


def for_each_property(function, condition):
    """Applies a function to the array of a condition, or of each of its properties; `None` stays `None`."""
    if isinstance(condition, dict):
        return {name: function(np.asarray(values)) for name, values in condition.items()}
    return None if condition is None else function(np.asarray(condition))


def decode_grid(model, codes, condition):
    """Decodes codes [R, C, D] under one condition, or one for each row: float32 array [R, C, *event]."""
    rows, columns, dim = codes.shape
    condition = for_each_property(lambda v: np.repeat(v, rows * columns // len(v), axis=0), condition)
    x = model.decode(codes.reshape(rows * columns, dim), condition)
    return np.asarray(x).reshape(rows, columns, *x.shape[1:])
