"""Adapts users' data, arrays or streams, at every entry point, and identifies their parts.

Data are arrays in memory, or a stream of batches: a `tf.data.Dataset`, a generator or a `keras.utils.PyDataset`. Either
may be x alone, (x, condition[, weight]), a list of these, or a dictionary with their names.
"""

import itertools
import numbers
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_ae.keras_internals import inputs_of
from keras_ae.training.shuffling import EpochSetter
from keras_ae.validation.arguments import MAX_ROWS, check_size

X_NAMES = ("x", "image")
CONDITION_NAMES = ("condition", "label", "y")
WEIGHT_NAME = "sample_weight"


class Wanted(NamedTuple):
    """The data that a model expects.

    Args:
        event_shape: the shape of an example, `None` if the model does not know it yet.
        properties: names of the properties of its condition; `("condition",)` for a single property, empty without.
    """

    event_shape: tuple | None = None
    properties: tuple = ()


def is_stream(x) -> bool:
    """Whether `x` is a stream of batches, as opposed to data in memory."""
    return isinstance(x, (tf.data.Dataset, keras.utils.PyDataset)) or hasattr(x, "__next__")


def parts_of(x, condition, weight, wanted: Wanted) -> tuple:
    """Returns (x, condition, weight) from data, or their specs, that may combine these in a list or a dictionary.

    Raises:
        ValueError: if the parts cannot be identified.
    """
    if isinstance(x, Mapping):
        found = _by_name(x, condition, wanted)
    elif isinstance(x, (list, tuple)):
        found = _by_place(x, wanted)
    elif isinstance(x, numbers.Number) or hasattr(x, "__array__") or hasattr(x, "shape"):
        return x, condition, weight
    else:
        raise ValueError(
            "`x` must be an array, a tf.data.Dataset, a generator or a keras.utils.PyDataset. "
            f"Received: {type(x).__name__}"
        )
    x, *others = found
    for name, given, own in zip(("y", "sample_weight"), (condition, weight), others, strict=True):
        if given is not None and own is not None:
            raise ValueError(f"`{name}` must be left out where `x` holds it already. Received: both")
    return x, condition if others[0] is None else others[0], weight if others[1] is None else others[1]


def parts_of_batch(batch, wanted: Wanted) -> tuple:
    """The same for one batch of a stream, or for its spec."""
    x, condition, weight = keras.utils.unpack_x_y_sample_weight(batch)
    return parts_of(x, condition, weight, wanted)


def _by_name(data, condition, wanted):
    named = [name for name in X_NAMES if name in data]
    if len(named) != 1:
        raise ValueError(f"`x` must be named {_words(X_NAMES)} in a dictionary. Received: the names {_words(data)}")
    single = wanted.properties == ("condition",)
    missing = [name for name in wanted.properties if name not in data]
    if single:
        name = next((name for name in CONDITION_NAMES if name in data), None)
        own, missing = (None, ["condition"]) if name is None else (data[name], [])
    else:
        own = None if missing else {name: data[name] for name in wanted.properties} or None
    if missing and condition is None:
        names = _words(CONDITION_NAMES) if single else _words(wanted.properties, " and ")
        raise ValueError(
            f"`condition` must be named {names} in a dictionary, or be given as `y`. Received: the names {_words(data)}"
        )
    return data[named[0]], own if condition is None else None, data.get(WEIGHT_NAME)


def _by_place(parts, wanted):
    """Of a list of arrays, as Keras' inputs are: [x] and, for a conditional model, [x, condition]."""
    shapes = [_shape(part) for part in parts]
    if not parts or shapes[0] is None:  # nested lists of numbers
        return parts, None, None
    pair = len(parts) == 2 and bool(wanted.properties)
    if not (pair and isinstance(parts, tuple)) and _are_examples(shapes, wanted.event_shape):
        return parts, None, None
    if len(parts) == 1:
        return parts[0], None, None
    if pair:
        return *parts, None
    kinds = ", ".join("a dictionary" if shape is None else str(list(shape)) for shape in shapes)
    raise ValueError(
        "`x` must be one array, and a condition be given as `y`: fit(x, y). "
        f"Received: a {type(parts).__name__} of {len(parts)} arrays, {kinds}"
    )


def _are_examples(shapes, event_shape):
    """Whether a list of arrays is one of single examples; where the shape of an example is not known yet, vectors are,
    and so are more than three arrays."""
    if event_shape is not None:
        return shapes[0] == event_shape or len(shapes) > 3
    return len(shapes[0]) < 2 or len(shapes) > 3


def _shape(part):
    shape = getattr(part, "shape", None)
    if isinstance(shape, tf.TensorShape):
        return None if shape.rank is None else tuple(shape)
    return None if shape is None else tuple(shape)


def _words(names, last=" or "):
    names = [f'"{name}"' for name in names]
    return last.join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


# Datasets.


def opened(dataset: tf.data.Dataset, wanted: Wanted, check_first=None) -> tf.data.Dataset:
    """A dataset of batches as one of (x, condition, weight), with `None` for what is absent, and x float32 [B, *event].

    Args:
        dataset: batches in any form.
        wanted: what the model takes.
        check_first: function of the x of the first batch, called where x are integers.

    Raises:
        ValueError: for an empty dataset, single examples in place of batches, and x that are no numbers.
    """
    x, condition, weight = (_present(part) for part in parts_of_batch(dataset.element_spec, wanted))
    if dataset.cardinality() == 0:
        raise ValueError(EMPTY)
    _check_x(x)
    shape = x.shape
    unsure = shape.rank is None or (wanted.event_shape is None and None in shape[1:])
    if unsure or (x.dtype.is_integer and check_first is not None):
        first = _first_x(dataset, wanted)
        if unsure:
            shape = tf.TensorShape(first.shape)
    _check_batched(dataset, shape, [condition, weight], wanted.event_shape)
    if wanted.event_shape is not None and not shape[1:].is_compatible_with(wanted.event_shape):
        raise ValueError(
            f"`x` must be batches [B, {', '.join(map(str, wanted.event_shape))}]. "
            f"Received: a dataset of {x.dtype.name} {x.shape}"
        )
    if x.dtype.is_integer and check_first is not None:
        check_first(first)
    event = shape[1:] if wanted.event_shape is None else wanted.event_shape

    @tf.autograph.experimental.do_not_convert
    def open_batch(*batch):
        x, condition, weight = parts_of_batch(batch if len(batch) > 1 else batch[0], wanted)
        return tf.ensure_shape(tf.cast(x, tf.float32), [None, *event]), condition, weight

    result = dataset.map(open_batch, num_parallel_calls=2)
    if hasattr(dataset, "epoch"):
        result.epoch = dataset.epoch
    return result


EMPTY = "`x` must have at least one example. Received: an empty stream"


def _check_x(spec):
    kind = type(spec).__name__
    if not isinstance(spec, tf.TensorSpec):
        way = {"RaggedTensorSpec": "x.to_tensor(shape=...)", "SparseTensorSpec": "tf.sparse.to_dense(x)"}.get(kind)
        hint = f": map the dataset with {way}" if way else ""
        raise ValueError(f"`x` must be batches of dense tensors{hint}. Received: {spec}")
    if not (spec.dtype.is_floating or spec.dtype.is_integer or spec.dtype.is_bool):
        raise ValueError(f"`x` must hold numbers. Received: a dataset of {spec.dtype.name}")


def _first_x(dataset, wanted):
    """The x of the first batch; a dataset that counts its epochs does not count this one."""
    epoch = getattr(dataset, "epoch", None)
    before = None if epoch is None else epoch.numpy()
    batch = next(iter(dataset.take(1)), None)
    if epoch is not None:
        epoch.assign(before)
    if batch is None:
        raise ValueError(EMPTY)
    return parts_of_batch(batch, wanted)[0]


def _check_batched(dataset, shape, others, event_shape):
    """Raises a `ValueError` for a dataset of single examples: rows of pixels must not pass for examples.

    Where the model knows the shape of an example, that decides. Elsewhere they are single examples if they are vectors,
    if a label has no axis, or if its first axis has another length; batches, if their first axis is open or as long as
    that of the label. What is left are tensors of fixed shape without labels: batches only where the dataset has a step
    that makes some.
    """
    known = [part.shape for part in tf.nest.flatten(others) if getattr(getattr(part, "shape", None), "rank", None)]
    scalar = any(getattr(getattr(part, "shape", None), "rank", None) == 0 for part in tf.nest.flatten(others))
    way_out = ""
    if event_shape is not None:
        single = shape.rank == len(event_shape) and shape.is_compatible_with(event_shape)
    elif scalar or shape.rank < 2:
        single = True
    elif shape[0] is None:
        single = False
    elif known:
        single = any(other[0] not in (None, shape[0]) for other in known)
    else:
        single = not _makes_batches(dataset)
        way_out = f" Where these are batches, say so first: model.build((None, {', '.join(map(str, shape[1:]))}))."
    if single:
        raise ValueError(
            f"`x` must come in batches: call .batch(128) on the dataset.{way_out} "
            f"Received: a dataset of elements {tuple(shape)}"
        )


def _makes_batches(dataset):
    """Whether the steps of a dataset end in batches, as far as TensorFlow tells."""
    pending = [dataset]
    while pending:
        node = pending.pop()
        kind = type(node).__name__
        if "Batch" in kind or kind == "_TensorDataset":
            return True
        if "Unbatch" not in kind:
            pending += inputs_of(node)
    return False


def _present(spec):
    """Returns a spec, or `None` for the spec of `None`."""
    return spec if isinstance(spec, dict) or hasattr(spec, "shape") else None


# Streams, read.


def ending(source) -> Any:
    """The batches of a stream, as an iterable that is read once.

    Raises:
        ValueError: for an infinite stream.
    """
    if isinstance(source, tf.data.Dataset):
        if source.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise ValueError("`x` must be a finite dataset: dataset.take(num). Received: one that repeats forever")
        return source
    if isinstance(source, keras.utils.PyDataset):
        if source.num_batches is None:
            raise ValueError("`x` must be a PyDataset that knows its length. Received: one without")
        return (source[index] for index in range(source.num_batches))
    return source


def joined(batches) -> tuple:
    """Concatenates all batches (x, condition).

    Raises:
        ValueError: where there are none.
    """
    batches = list(batches)
    if not batches:
        raise ValueError(EMPTY)
    if len(batches) == 1:
        return batches[0]
    x, conditions = zip(*batches, strict=True)
    if conditions[0] is None:
        return np.concatenate(x), None
    return np.concatenate(x), tf.nest.map_structure(lambda *values: np.concatenate(values), *conditions)


def rebatched(batches, size: int):
    """Yields batches (x, condition) with `size` examples each; the last batch has the rest."""
    kept, rows = [], 0
    for batch in batches:
        kept.append(batch)
        rows += len(batch[0])
        while rows >= size:
            x, condition = joined(kept)
            yield _rows(x, condition, slice(0, size))
            rows -= size
            kept = [_rows(x, condition, slice(size, None))] if rows else []
    if rows:
        yield joined(kept)


def _rows(x, condition, rows):
    return x[rows], None if condition is None else tf.nest.map_structure(lambda values: values[rows], condition)


class CheckedBatches(keras.utils.PyDataset):
    """A `PyDataset` whose batches are checked as they are asked for.

    Args:
        source: the `PyDataset`.
        check: function of (x, condition, weight) to the same, which raises for wrong values.
        form: function of these three to a batch as it is wanted.
    """

    def __init__(self, source, check, form):
        parallel = {"workers": source.workers, "use_multiprocessing": source.use_multiprocessing}
        super().__init__(**parallel, max_queue_size=source.max_queue_size)
        self.source = source
        self.check = check
        self.form = form

    @property
    def num_batches(self):
        return self.source.num_batches

    def __getitem__(self, index):
        return self.form(*self.check(*keras.utils.unpack_x_y_sample_weight(self.source[index])))

    def on_epoch_begin(self):
        self.source.on_epoch_begin()

    def on_epoch_end(self):
        self.source.on_epoch_end()


def as_keras(x, condition, weight):
    """A batch as Keras' `fit` takes it."""
    if weight is not None:
        return x, condition, weight
    return (x,) if condition is None else (x, condition)


def checked_batches(source, check, form=as_keras):
    """A generator or a `PyDataset` of batches, each checked when it is needed."""
    if isinstance(source, keras.utils.PyDataset):
        if source.num_batches == 0:
            raise ValueError(EMPTY)
        return CheckedBatches(source, check, form)
    return (form(*check(*keras.utils.unpack_x_y_sample_weight(batch))) for batch in source)


class Filling:
    """The form of batches that are filled up to the largest so far, with rows of their own that have weight 0.

    A step of which XLA compiles a program has one for every size. These batches need no second one for the last.
    """

    largest = 0

    def __call__(self, x, condition, weight):
        num = len(x)
        self.largest = max(self.largest, num)
        rows = np.arange(self.largest)
        weight = np.ones(num, np.float32) if weight is None else np.ravel(weight)
        batch = {"x": x, "weight": weight} | ({} if condition is None else {"condition": condition})
        if num < self.largest:
            batch = tf.nest.map_structure(lambda values: np.take(values, rows % num, axis=0), batch)
            batch["weight"] = batch["weight"] * (rows < num)
        return ({**batch, "count": np.array([num], np.int32)},)


def rechecked(source, check, form):
    """A checked generator or `PyDataset` with one more check, and its batches in another form."""
    if isinstance(source, CheckedBatches):
        return CheckedBatches(source.source, lambda *batch: check(*source.check(*batch)), form)
    return (form(*check(*keras.utils.unpack_x_y_sample_weight(batch))) for batch in source)


def filled(source):
    """A checked generator or `PyDataset` with batches in the form of `Filling`."""
    return rechecked(source, lambda *batch: batch, Filling())


def first_batches(source, num):
    """The first batches of a source, with about `num` examples, and the source with nothing lost.

    Raises:
        ValueError: where there are none.
    """
    if isinstance(source, keras.utils.PyDataset):
        batches, size = [], 0
        for index in range(source.num_batches or 1):
            batches.append(source[index])
            size += len(tf.nest.flatten(batches[-1])[0])
            if size >= num:
                break
        return batches, source
    batches, size = [], 0
    for batch in source:
        batches.append(batch)
        size += len(tf.nest.flatten(batch)[0])
        if size >= num:
            break
    if not batches:
        raise ValueError(EMPTY)
    return batches, (batch for batch in itertools.chain(batches, source))


def unpacked(data):
    """What `validation_data` may be, as (x, condition, weight): arrays in a tuple, or a source by itself."""
    return keras.utils.unpack_x_y_sample_weight(data) if isinstance(data, tuple) else (data, None, None)


def refused(x, name, value, instead):
    """Returns the error for an argument that only applies to arrays."""
    return ValueError(
        f"`{name}` must be left out where `x` is not an array: {instead}. "
        f"Received: {name}={value} with a {type(x).__name__}"
    )


def check_batch_size(batch_size, name="batch_size", default=128):
    """Returns the batch size or its default, or raises a `ValueError`."""
    return default if batch_size is None else check_size(name, batch_size, high=MAX_ROWS)


def with_epochs(callbacks, training, validation):
    """The callbacks of the user with one that knows the epoch and tells the datasets, and this one."""
    setter = EpochSetter(*(getattr(dataset, "epoch", None) for dataset in (training, validation)))
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.append(setter)
        callbacks.callbacks[:] = _in_order(callbacks.callbacks)
        return callbacks, setter
    return _in_order([*tf.nest.flatten(callbacks or []), setter]), setter


def warn_of_warm_up(model, callbacks):
    """Warns of callbacks of Keras that compare losses of different epochs while a schedule of the loss still moves."""
    moving = model.schedules_end is None or int(tf.convert_to_tensor(model.optimizer.iterations)) < model.schedules_end
    kinds = (keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau)
    for callback in getattr(callbacks, "callbacks", callbacks) if moving else ():
        name = type(callback).__name__
        plain = isinstance(callback, kinds) and type(callback).__module__.startswith("keras.")
        if plain and callback.monitor in ("loss", "val_loss"):
            warnings.warn(
                f"keras.callbacks.{name} compares losses of different epochs while a schedule of the objective still "
                f"moves: take keras_ae.callbacks.{name}, which waits for its end.",
                stacklevel=3,
            )
            return


def _in_order(callbacks):
    """Puts callbacks that must see what others made of an epoch last, and tells them which others there are."""
    last = [callback for callback in callbacks if getattr(callback, "comes_last", False)]
    others = [callback for callback in callbacks if callback not in last]
    if last and not any(isinstance(callback, keras.callbacks.History) for callback in others):
        others.append(keras.callbacks.History())  # Keras would add its own behind all others
    for callback in last:
        callback.others = others
    return [*others, *last]
