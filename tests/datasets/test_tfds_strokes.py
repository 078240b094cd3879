"""`tfds.load("strokes")` works without network, and holds what `load` gives."""

import numpy as np
import tensorflow_datasets as tfds

from keras_ae import datasets


def test_builder_prepares_and_loads_offline(tmp_path):
    import keras_ae.datasets.tfds_strokes  # noqa: F401

    sizes = {"num_train": 30, "num_test": 6}
    test, info = tfds.load("strokes", split="test", data_dir=tmp_path, builder_kwargs=sizes, with_info=True)
    assert info.splits["train"].num_examples == 30 and info.splits["test"].num_examples == 6
    examples = list(tfds.as_numpy(test))
    x, y = datasets.load("strokes", "test[:6]")
    np.testing.assert_array_equal([e["label"] for e in examples], y["digit"])
    np.testing.assert_array_equal([e["style"] for e in examples], y["style"])
    np.testing.assert_array_equal([e["slant"] for e in examples], y["slant"])
    np.testing.assert_allclose(np.stack([e["image"] for e in examples]) / 255.0, x, atol=0.5001 / 255)
