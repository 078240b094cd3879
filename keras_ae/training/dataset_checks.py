"""Checks the structure of a `tf.data.Dataset` of batches."""

from collections.abc import Callable

import tensorflow as tf

from keras_ae.keras_internals import inputs_of
from keras_ae.training.data_adapter import EMPTY, Expected, parts_of_batch


def opened(
    dataset: tf.data.Dataset, expected: Expected, check_first: Callable[[tf.Tensor], object] | None = None
) -> tf.data.Dataset:
    """Returns the batches as (x, condition, weight), with `None` for missing parts, and x float32 [B, *event].

    Args:
        dataset: batches in any form.
        expected: the data that the model expects.
        check_first: function of the x of the first batch, called if x holds integers.

    Raises:
        ValueError: for an empty dataset, single examples instead of batches, and x that are not numbers.
    """
    x, condition, weight = map(present, parts_of_batch(dataset.element_spec, expected))
    if dataset.cardinality() == 0:
        raise ValueError(EMPTY)
    _check_x(x)
    shape, event_shape = x.shape, expected.event_shape
    unsure = shape.rank is None or (event_shape is None and None in shape[1:])
    check_first = check_first if x.dtype.is_integer else None
    first = _first_x(dataset, expected) if unsure or check_first else None
    if unsure:
        shape = tf.TensorShape(first.shape)
    _check_batched(dataset, shape, [condition, weight], event_shape)
    if event_shape is not None and not shape[1:].is_compatible_with(event_shape):
        raise ValueError(
            f"`x` must be batches [B, {', '.join(map(str, event_shape))}]. "
            f"Received: a dataset of {x.dtype.name} {x.shape}"
        )
    if check_first:
        check_first(first)
    event = shape[1:] if event_shape is None else event_shape

    @tf.autograph.experimental.do_not_convert
    def open_batch(*batch):
        x, condition, weight = parts_of_batch(batch if len(batch) > 1 else batch[0], expected)
        return tf.ensure_shape(tf.cast(x, tf.float32), [None, *event]), condition, weight

    return mapped(dataset, open_batch)


def mapped(dataset: tf.data.Dataset, function: Callable) -> tf.data.Dataset:
    """As `dataset.map(function)`, and keeps the attribute `epoch` of `by_epoch`."""
    result = dataset.map(function, num_parallel_calls=2)
    if hasattr(dataset, "epoch"):
        result.epoch = dataset.epoch
    return result


def present(spec):
    """Returns a spec, or `None` for the spec of `None`."""
    return spec if isinstance(spec, dict) or hasattr(spec, "shape") else None


def _check_x(spec):
    kind = type(spec).__name__
    if not isinstance(spec, tf.TensorSpec):
        way = {"RaggedTensorSpec": "x.to_tensor(shape=...)", "SparseTensorSpec": "tf.sparse.to_dense(x)"}.get(kind)
        hint = f": map the dataset with {way}" if way else ""
        raise ValueError(f"`x` must be batches of dense tensors{hint}. Received: {spec}")
    if not (spec.dtype.is_floating or spec.dtype.is_integer or spec.dtype.is_bool):
        raise ValueError(f"`x` must hold numbers. Received: a dataset of {spec.dtype.name}")


def _first_x(dataset, expected):
    """Returns the x of the first batch, without a change of the dataset's `epoch`."""
    epoch = getattr(dataset, "epoch", None)
    before = None if epoch is None else epoch.numpy()
    batch = next(iter(dataset.take(1)), None)
    if epoch is not None:
        epoch.assign(before)
    if batch is None:
        raise ValueError(EMPTY)
    return parts_of_batch(batch, expected)[0]


def _check_batched(dataset, shape, others, event_shape):
    """Raises a `ValueError` for a dataset of single examples, so that rows of pixels do not pass for examples.

    The event shape decides, if the model knows it. Otherwise elements are single examples if they are vectors, if a
    label is a scalar, or if a label has another number of rows; and batches if their first axis is unknown or as long
    as the label's. Tensors of fixed shape without labels are batches only if a step of the dataset makes batches.
    """
    ranks = [getattr(getattr(part, "shape", None), "rank", None) for part in tf.nest.flatten(others)]
    lengths = [part.shape[0] for part, rank in zip(tf.nest.flatten(others), ranks, strict=True) if rank]
    way_out = ""
    if event_shape is not None:
        single = shape.rank == len(event_shape) and shape.is_compatible_with(event_shape)
    elif 0 in ranks or shape.rank < 2:
        single = True
    elif shape[0] is None:
        single = False
    elif lengths:
        single = any(length not in (None, shape[0]) for length in lengths)
    else:
        single = not _makes_batches(dataset)
        way_out = (
            f" If these are batches, build the model first: model.build((None, {', '.join(map(str, shape[1:]))}))."
        )
    if single:
        raise ValueError(
            f"`x` must come in batches: call .batch(128) on the dataset.{way_out} "
            f"Received: a dataset of elements {tuple(shape)}"
        )


def _makes_batches(dataset):
    """Whether the last steps of a dataset make batches, as far as TensorFlow knows."""
    pending = [dataset]
    while pending:
        node = pending.pop()
        kind = type(node).__name__
        if "Batch" in kind or kind == "_TensorDataset":
            return True
        if "Unbatch" not in kind:
            pending += inputs_of(node)
    return False
