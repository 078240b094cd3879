"""Weights of classes as weights of examples; `test_input_pipeline.py` trains with them."""

import numpy as np
import pytest
import tensorflow as tf

from keras_ae.training.class_weights import ClassWeights


@pytest.mark.parametrize("as_labels", [np.asarray, tf.constant], ids=["array", "tensor"])
def test_weights_of_classes_are_exact(as_labels):
    weights = ClassWeights({2: 1e-9, 0: 3e8, 1: 0})(None, as_labels(np.array([0, 1, 2, 3, -1], "int32")), None)[2]
    np.testing.assert_array_equal(weights, np.array([3e8, 0, 1e-9, 1, 1], "float32"))
