import keras
import numpy as np
import pytest

import keras_ae as kae


class ContextAlone(keras.layers.Layer):
    def call(self, inputs):
        return inputs[1]


@pytest.fixture
def obedient():
    """A model that draws its condition, [3] values, whatever the code is; and a judge that reads the largest value."""
    model = kae.models.ConditionalVAE(kae.networks.MLP([4]), ContextAlone(), latent_dim=2, condition=kae.Categorical(3))
    model.build((None, 3))
    model.likelihood_layer.dense.set_weights([20 * np.eye(3) - 10, np.zeros(3)])
    return model, keras.Sequential([keras.Input([3]), keras.layers.Identity()])


def test_obedient_model_is_read_as_asked(obedient):
    report = kae.evaluate.conditional_accuracy(*obedient, num_per_class=7)
    assert report.accuracy == 1.0
    np.testing.assert_array_equal(report.confusion, 7 * np.eye(3))


def test_model_that_swaps_two_classes_is_found_out(obedient):
    model, judge = obedient
    model.likelihood_layer.dense.set_weights([(20 * np.eye(3) - 10)[[0, 2, 1]], np.zeros(3)])
    report = kae.evaluate.conditional_accuracy(model, judge, num_per_class=7)
    assert report.accuracy == pytest.approx(1 / 3)
    np.testing.assert_array_equal(report.per_class, [1, 0, 0])
    assert "7 as 2" in str(report)


def test_model_without_the_property_is_refused(obedient):
    with pytest.raises(ValueError, match="`name` must be a categorical property"):
        kae.evaluate.conditional_accuracy(kae.models.VAE(), obedient[1])
    with pytest.raises(ValueError, match="Received: 'slant'"):
        kae.evaluate.conditional_accuracy(*obedient, name="slant")


@pytest.mark.slow
def test_classifier_learns_the_digits(digits):
    x, labels = digits
    classifier = kae.evaluate.train_classifier(x[:1500], labels[:1500], epochs=15)
    assert classifier.evaluate(x[1500:], labels[1500:], verbose=0)[1] > 0.9


@pytest.mark.parametrize("labels", [np.zeros(3), np.zeros(4, int) - 1, np.zeros(5, int)])
def test_bad_labels_are_refused(labels):
    with pytest.raises(ValueError, match="`labels` must be 4 integers >= 0"):
        kae.evaluate.train_classifier(np.zeros([4, 8, 8, 1]), labels)
