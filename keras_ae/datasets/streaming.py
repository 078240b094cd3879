"""Streams data sets without holding them in memory, in an order drawn from (seed, epoch)."""

import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_ae.datasets import binarization
from keras_ae.datasets.checks import check, check_labels
from keras_ae.datasets.loading import open_source
from keras_ae.datasets.sources.indexed_source import IndexedSource
from keras_ae.datasets.sources.sharded_source import ShardedSource
from keras_ae.random import check_seed, random_bits
from keras_ae.training import shuffling
from keras_ae.validation.arguments import MAX_ROWS, check_size

_READ = 256  # examples read at once on the way to the shuffle buffer


def stream(
    name: str | os.PathLike,
    split: str = "train",
    batch_size: int = 128,
    seed: int = 0,
    *,
    binarize: str | None = None,
    labels: bool = True,
    shuffle_buffer: int = 10_000,
    download: bool = False,
    image_size: Sequence[int] | None = None,
    channels: int | None = None,
    service: str | None = None,
) -> tf.data.Dataset:
    """Streams a data set, reshuffled in each epoch.

    The order is a pure function of (seed, epoch). Data sets with random access (strokes, digits, folders, files) are
    shuffled completely. TFDS data sets, and all with binarize="fixed", pass through a shuffle buffer: data sorted by
    class need a large buffer. Shards ("data/*.tfrecord", "data/*.parquet") are read in a new order of the files in each
    epoch, and then pass through the buffer. Only `.npz` and `.csv` files are first read into memory.

    Args:
        name, split, download, image_size, channels: as in `load`.
        batch_size: examples per batch; the last batch of an epoch may be smaller.
        seed: seed of the order and the binarization, an integer in [0, 2**31).
        binarize: `None`; "fixed", which equals `load(..., binarize="fixed", seed=seed)`; or "fresh", drawn from (seed,
            epoch, index of the example).
        labels: `False` for x alone, for an unconditional model.
        shuffle_buffer: number of examples in the buffer.
        service: address of the dispatcher of a tf.data service, "grpc://host:port", whose workers then read and decode
            TFRecord shards, each file once per epoch. The order depends on which worker is faster, so a resume is not
            exact. If a worker dies, examples of its file are missing from that epoch.

    Returns:
        A `tf.data.Dataset` of x or, if there are labels, of (x, y), with the attribute `epoch` of
        `keras_ae.training.by_epoch`.

    Raises:
        ValueError, FileNotFoundError: as `load`.

    Example:
        >>> x, y = next(iter(stream("digits", batch_size=32)))
        >>> x.shape, y.shape
        (TensorShape([32, 8, 8, 1]), TensorShape([32]))
    """
    check_seed(seed)
    binarization.check_mode(binarize)
    check_size("batch_size", batch_size, high=MAX_ROWS)
    check_size("shuffle_buffer", shuffle_buffer, high=MAX_ROWS)
    source = open_source(name, download=download, image_size=image_size, channels=channels)
    if service is not None and not getattr(source, "in_graph", False):
        raise ValueError(
            "`service` needs TFRecord shards, which its workers read: name='data/*.tfrecord'. "
            f"Received: name={os.fspath(name)!r}"
        )
    whole = isinstance(source, IndexedSource) and binarize != "fixed"
    if isinstance(source, ShardedSource):
        if binarize == "fixed":
            raise ValueError("`binarize` must be None or 'fresh' for shards. Received: binarize='fixed'")
        make = _sharded(source, split, seed, shuffle_buffer, service)
    else:
        make = _whole(source, split, seed) if whole else _buffered(source, split, seed, binarize, shuffle_buffer)

    def one_epoch(epoch):
        def finish(indices, batch):
            x, y = batch
            if binarize == "fresh":
                x = binarization.fresh(x, seed, epoch, indices)
            return (x, y) if labels and y is not None else x

        return make(epoch, batch_size).map(finish, num_parallel_calls=2).prefetch(4)

    return shuffling.by_epoch(one_epoch, cardinality=-(-source.size(split) // batch_size))


def _whole(source, split, seed):
    """Yields batches (indices, (x, y)) in a permutation of the whole split."""
    size, read = source.size(split), source.batch_reader(split)

    def make(epoch, batch_size):
        order = tf.data.Dataset.from_tensor_slices(shuffling.permutation(size, seed, epoch)).batch(batch_size)
        return order.map(lambda indices: (indices, read(indices)), num_parallel_calls=2)

    return make


def _buffered(source, split, seed, binarize, shuffle_buffer):
    """Yields batches (indices, (x, y)), read in order and shuffled in a buffer."""
    examples = source.in_order(split, _READ)
    if binarize == "fixed":
        examples = _fixed(examples.map(source.decode, num_parallel_calls=2), source, split, seed)
    examples = examples.unbatch().enumerate()

    def make(epoch, batch_size):
        batches = _through_buffer(examples, shuffle_buffer, seed, epoch).batch(batch_size)
        if binarize == "fixed":
            return batches
        return batches.map(lambda indices, batch: (indices, source.decode(*batch)), num_parallel_calls=2)

    return make


def _through_buffer(examples, shuffle_buffer, seed, epoch):
    if not tf.executing_eagerly():
        # Only in this function's graph: the user's global seed must not affect the order.
        tf.random.set_seed(1)
    bits = random_bits([seed], tf.reshape(tf.cast(epoch, tf.int32), [1]), 1, stream=4)
    return examples.shuffle(shuffle_buffer, tf.cast(bits[0, 0], tf.int64), reshuffle_each_iteration=False)


def _sharded(source, split, seed, shuffle_buffer, service):
    """Yields batches (indices, (x, y)), read in a new order of the files or by a service, and shuffled in a buffer."""
    read = source.in_order(split, _READ)
    if service is not None:
        each_file_once = tf.data.experimental.service.ShardingPolicy.DYNAMIC
        read = read.apply(tf.data.experimental.service.distribute(each_file_once, service))

    def make(epoch, batch_size):
        order = shuffling.permutation(len(source.files), seed, epoch)
        parts = read if service is not None else source.read(tf.gather(source.files, order), _READ)
        examples = _through_buffer(parts.unbatch().enumerate(), shuffle_buffer, seed, epoch)
        return examples.batch(batch_size).map(lambda indices, batch: (indices, source.decode(*batch)))

    return make


def _fixed(batches, source, split, seed):
    """Binarizes batches in the order of the split, with the same draws as `binarization.binarize`."""
    size, shape = source.size(split), source.info.image_shape
    sizes = [min(_READ, size - start) for start in range(0, size, _READ)]
    noise = tf.data.Dataset.from_generator(
        lambda: binarization.uniform_rows(shape, sizes, seed),
        output_signature=tf.TensorSpec([None, *shape], tf.float64),
    )

    def compare(batch, uniform):
        x, y = batch
        return tf.cast(uniform < tf.cast(x, tf.float64), tf.float32), y

    return tf.data.Dataset.zip(batches, noise).map(compare, num_parallel_calls=2)


def batches(
    x: np.ndarray,
    y: np.ndarray | dict[str, np.ndarray] | None = None,
    batch_size: int = 128,
    seed: int = 0,
    *,
    binarize: str | None = None,
    shuffle: bool = True,
) -> tf.data.Dataset:
    """Streams batches of arrays, reshuffled in each epoch.

    Args:
        x: float array [N, ...] in [0, 1].
        y: labels [N], with -1 for unknown ones; a dict of arrays [N, ...]; or `None`.
        batch_size, seed, binarize: as in `stream`.
        shuffle: `False` keeps the order of the arrays.

    Returns:
        A `tf.data.Dataset` of x or (x, y), with the attribute `epoch`.

    Raises:
        ValueError: as `check`, or if `y` does not fit `x`.

    Example:
        >>> import numpy as np
        >>> [batch.shape[0] for batch in batches(np.zeros([5, 4]), batch_size=2)]
        [2, 2, 1]
    """
    binarization.check_mode(binarize)
    check_size("batch_size", batch_size, high=MAX_ROWS)
    x = binarization.binarize(x, seed) if binarize == "fixed" else check(x)
    arrays = x if y is None else (x, check_labels(y, len(x)))

    def redraw(batch, epoch, indices):
        if y is None:
            return binarization.fresh(batch, seed, epoch, indices)
        return binarization.fresh(batch[0], seed, epoch, indices), batch[1]

    transform = redraw if binarize == "fresh" else None
    return shuffling.batches(arrays, batch_size, seed=check_seed(seed), shuffle=shuffle, transform=transform)
