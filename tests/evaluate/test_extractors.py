import keras
import numpy as np
import pytest

from keras_ae.evaluate import image_extractor, register_extractor


def test_gray_images_become_color_images_of_the_size_that_the_model_takes():
    network = keras.Sequential(
        [keras.Input((16, 12, 3)), keras.layers.AveragePooling2D((8, 6)), keras.layers.Flatten()]
    )
    x = np.kron(np.array([[0.0, 0.2], [0.4, 1.0]]), np.ones([4, 3]))[np.newaxis, ..., np.newaxis]
    found = image_extractor(network, lambda x: x / 255 - 1)(x)
    # Bilinear resizing mixes values across the middle: as much of each neighbor as of the other.
    np.testing.assert_allclose(found.reshape(4, 3)[:, 0], [-1.0, -0.8, -0.6, 0.0], atol=0.1)
    np.testing.assert_array_equal(found.reshape(4, 3)[:, 0], found.reshape(4, 3)[:, 2])


def test_what_is_no_extractor_is_refused():
    with pytest.raises(ValueError, match=r"`extractor` must be a Keras model or a function. Received: int"):
        register_extractor("three", 3)
