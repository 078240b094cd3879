"""Image data sets of TensorFlow Datasets, downloaded only on request."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_ae.datasets.catalogue import DatasetInfo, close_matches
from keras_ae.datasets.splits import split_ranges
from keras_ae.io.closing import ClosedLater

if TYPE_CHECKING:
    import tensorflow as tf

# These hold 0 and 1, not 0 and 255.
_BINARY = ("binarized_mnist", "binary_alpha_digits", "dsprites")
_NUMBERS = (np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.float32, np.float64)
_LOAD_BATCH = 1024


class TfdsSource:
    """An image data set of TFDS, read in order.

    Args:
        name: the name, with a configuration if there are several, such as "emnist/letters".
        download: whether it may be downloaded and prepared.
        image_size: (H, W) to resize to, with antialiasing; required if image sizes differ.

    Raises:
        ValueError: for an unknown name, or a data set without images.
        FileNotFoundError: if the data set is missing; the message says what to run.
    """

    def __init__(self, name: str, *, download: bool = False, image_size: tuple[int, int] | None = None):
        self.builder = _builder(name)
        self.image_key, self.label_keys = _keys(name, self.builder.info)
        if not self.builder.is_prepared():
            if not download:
                raise FileNotFoundError(_missing(name, self.builder))
            self.builder.download_and_prepare()
        self.image_size = image_size
        self.divisor = 1.0 if name.split("/")[0].split(":")[0] in _BINARY else 255.0
        self.info = self._describe(name)

    def _describe(self, name):
        feature = self.builder.info.features[self.image_key]
        shape = (*self.image_size, feature.shape[-1]) if self.image_size else tuple(feature.shape)
        if None in shape or np.dtype(feature.np_dtype) != np.uint8:
            raise ValueError(
                f"`name` must be a set of 8-bit images of one size; otherwise, pass `image_size` (H, W). Received: "
                f"{name!r} with images {shape} of {feature.np_dtype}"
            )
        sizes = {key: split.num_examples for key, split in self.builder.info.splits.items()}
        more = {"splits": sizes, "source": "tfds", "description": self.builder.info.description.strip().split("\n")[0]}
        if isinstance(self.label_keys, str):
            label = self.builder.info.features[self.label_keys]
            return DatasetInfo(name, shape, label.num_classes, tuple(label.names), **more)
        return DatasetInfo(name, shape, properties=tuple(self.label_keys or ()), **more)

    def size(self, split: str) -> int:
        """Returns the number of examples in a split."""
        return sum(stop - start for _, start, stop in split_ranges(split, self.info.splits, self.info.name))

    def in_order(self, split: str, batch_size: int) -> "tf.data.Dataset":
        """Returns a `tf.data.Dataset` of batches (x, y) in the order of the split, x uint8; without y, (x, None)."""
        import tensorflow as tf
        import tensorflow_datasets as tfds

        self.size(split)  # raises for an invalid split
        config = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
        dataset = self.builder.as_dataset(split=split, shuffle_files=False, read_config=config)

        def pick(example):
            x = example[self.image_key]
            if self.image_size:
                x = tf.image.resize(tf.cast(x, tf.float32), self.image_size, antialias=True)
                x = tf.cast(tf.clip_by_value(tf.round(x), 0.0, 255.0), tf.uint8)
            if self.label_keys is None:
                return x, None
            if isinstance(self.label_keys, str):
                return x, tf.cast(example[self.label_keys], tf.int32)
            return x, {key: example[key] for key in self.label_keys}

        return dataset.map(pick, num_parallel_calls=2).batch(batch_size)

    def decode(self, x: "tf.Tensor", y: object) -> tuple:
        """Converts a batch of `in_order` to float32 images in [0, 1] and labels."""
        import tensorflow as tf

        return tf.cast(x, tf.float32) / self.divisor, y

    def load(self, split: str) -> tuple:
        """Returns (x, y) of a whole split."""
        import tensorflow as tf

        batches = list(ClosedLater(self.in_order(split, _LOAD_BATCH).as_numpy_iterator()))
        x = np.concatenate([batch[0] for batch in batches]).astype(np.float32)
        x /= np.float32(self.divisor)
        if self.label_keys is None:
            return x, None
        return x, tf.nest.map_structure(lambda *parts: np.concatenate(parts), *(batch[1] for batch in batches))


def _builder(name):
    import tensorflow_datasets as tfds

    try:
        return tfds.builder(name)
    except (tfds.core.DatasetNotFoundError, ValueError) as error:
        matches = close_matches(name, tfds.list_builders(with_community_datasets=False))
        hint = f" Did you mean {', '.join(map(repr, matches))}?" if matches else ""
        raise ValueError(
            f"`name` must be 'digits', 'strokes', an image set of TFDS, or a file or folder that exists.{hint} "
            f"Received: name={name!r}"
        ) from error
    except AssertionError as error:  # TFDS, whose message ends with the available versions
        reason = str(error).rpartition('": ')[2]
        raise ValueError(f"`name` must have a version that TFDS has. Received: name={name!r}. {reason}") from error


def _keys(name, info):
    """Returns the key of the image, and the key of the labels, a list of keys of properties, or `None`."""
    import tensorflow_datasets as tfds

    features = dict(info.features) if hasattr(info.features, "keys") else {}
    images = [key for key, feature in features.items() if isinstance(feature, tfds.features.Image)]
    if not images or ("image" not in images and len(images) > 1):
        raise ValueError(f"`name` must be a set of images. Received: {name!r} with features {list(features)}")
    image = "image" if "image" in images else images[0]
    if isinstance(features.get("label"), tfds.features.ClassLabel):
        return image, "label"
    # The remaining numbers describe the image; texts, boxes and the like are ignored.
    plain = [key for key, feature in features.items() if key != image and _is_property(feature)]
    return image, plain or None


def _is_property(feature):
    shape = getattr(feature, "shape", None)
    return isinstance(shape, tuple) and None not in shape and len(shape) < 2 and feature.np_dtype in _NUMBERS


def _missing(name, builder):
    root = next(folder.parent for folder in Path(builder.data_path).parents if folder.name == builder.name)
    return (
        f"{name!r} is not in {builder.data_path}, and nothing is downloaded by default. Pass download=True, or run "
        f"on a machine with network: python -c \"import tensorflow_datasets as tfds; tfds.load('{name}')\" and copy "
        f"{builder.name} into {root}. The environment variable TFDS_DATA_DIR selects another folder."
    )
