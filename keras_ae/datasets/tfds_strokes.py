"""TFDS builder of the strokes. After importing this module, `tfds.load("strokes")` works without network access.

Example:
    >>> import tensorflow_datasets as tfds
    >>> import keras_ae.datasets.tfds_strokes
    >>> tfds.builder("strokes").info.features["image"].shape
    (28, 28, 1)
"""

import numpy as np
import tensorflow_datasets as tfds

from keras_ae.datasets import strokes
from keras_ae.datasets.catalogue import EMBEDDED
from keras_ae.datasets.sources.strokes_source import SEEDS

_BATCH = 1000


class Strokes(tfds.core.GeneratorBasedBuilder):
    """Digits drawn from pen strokes, with known properties.

    The images equal `keras_ae.datasets.load("strokes")`, in 8 bits.

    Args:
        num_train, num_test: number of examples in each split. TFDS does not distinguish data sets of different sizes:
            give each size a separate `data_dir`.
        **kwargs: arguments of every TFDS builder: `data_dir`, `version`, `config`.
    """

    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, *, num_train=60_000, num_test=10_000, **kwargs):
        self.sizes = {"train": num_train, "test": num_test}
        super().__init__(**kwargs)

    def _info(self):
        scalars = dict.fromkeys(("slant", "thickness", "size", "rotation"), np.float32)
        return self.dataset_info_from_configs(
            description=EMBEDDED[1].description,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(28, 28, 1)),
                    "label": tfds.features.ClassLabel(num_classes=10),
                    "variant": np.int32,
                    **scalars,
                    "style": tfds.features.Tensor(shape=(len(strokes.STYLE),), dtype=np.float32),
                }
            ),
            supervised_keys=("image", "label"),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(split) for split in self.sizes}

    def _generate_examples(self, split):
        for start in range(0, self.sizes[split], _BATCH):
            numbers = np.arange(start, min(start + _BATCH, self.sizes[split]))
            images, properties = strokes.generate(numbers, SEEDS[split])
            images = np.round(images * 255.0).astype(np.uint8)
            properties["label"] = properties.pop("digit")
            for row, number in enumerate(numbers):
                yield int(number), {"image": images[row], **{key: value[row] for key, value in properties.items()}}
