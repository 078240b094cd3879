"""The sample metrics of a model, a representation function and a table."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ae as kae
from keras_ae.evaluate import METRICS, NotApplicableError, Subject
from keras_ae.evaluate.metric import chosen


class Echo(kae.models.ConditionalVAE):
    """A model that generates the examples it was given, in order, whatever the seed."""

    def sample(self, num=1, condition=None, **kwargs):
        return tf.constant(self.answers[:num])


@pytest.fixture(scope="module")
def subject(digits):
    """Generated, held-out and training examples are three parts of the digits."""
    x, labels = digits
    model = Echo(latent_dim=2, condition=kae.Categorical(10))
    model.build((None, 8, 8, 1))
    model.answers = x[600:1200]
    return Subject(model, x[:600], labels[:600], reference=(x[1200:], labels[1200:]), extractor="raw values")


def measured(subject, name, **options):
    return {each.name: each for each in METRICS[name].measure(subject, **options)}


def test_real_examples_pass_for_generated_ones(subject):
    found = measured(subject, "frechet_distance") | measured(subject, "kernel_distance")
    # Distances of three parts of one data set: the distance of generated examples is about its floor.
    assert 0.5 < found["frechet_distance"].value / found["frechet_distance.floor"].value < 2.0
    assert abs(found["kernel_distance"].value) < 0.1 and found["kernel_distance"].standard_error > 0
    overlap = measured(subject, "precision_recall")
    assert all(overlap[name].value > 0.5 for name in ("precision", "recall", "density", "coverage")), overlap
    assert 0.3 < measured(subject, "memorization")["memorization"].value < 0.7
    # The generated digits are of other classes than asked for, so each "class" has all of them.
    assert measured(subject, "class_diversity")["class_diversity"].value > 1.5


def test_the_data_itself_is_as_diverse_as_the_data(subject, digits):
    x, labels = digits
    copying = Subject(subject.model, x[600:1200], labels[600:1200], extractor="raw values")
    found = measured(copying, "class_diversity")["class_diversity"]
    assert found.value == pytest.approx(1.0) and len(found.details["per_class"]) == 10


def test_training_examples_are_found_as_copies(subject, digits):
    copying = Subject(
        subject.model, digits[0][:600], digits[1][:600], reference=digits[0][600:1200], extractor="raw values"
    )
    found = measured(copying, "memorization")["memorization"]
    assert found.value > 0.99 and found.details["training_rows"] == found.details["generated_rows"]


def nearest_mean_classifier(x, labels):
    """A Keras model that reads the class with the nearest mean image, without training."""
    means = np.stack([x[labels == digit].mean(axis=0).ravel() for digit in range(10)], axis=1)  # [64, 10]
    dense = keras.layers.Dense(10, activation="softmax")
    classifier = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.Flatten(), dense])
    dense.set_weights([means, -0.5 * (means**2).sum(axis=0)])
    return classifier


def test_classifiers_read_what_was_asked(subject, digits):
    x, labels = digits
    subject.model.answers = np.concatenate([x[labels == digit][:60] for digit in range(10)])
    subject.classifier = nearest_mean_classifier(x[1200:], labels[1200:])
    try:
        found = measured(subject, "conditional_accuracy", num_per_class=60)
        # The images that were asked for are real ones.
        assert found["conditional_accuracy"].value > 0.8 and found["conditional_accuracy.real"].value > 0.8
        confusion = np.array(found["conditional_accuracy"].details["confusion"])
        np.testing.assert_array_equal(confusion.sum(axis=1), 60)
    finally:
        subject.model.answers = x[600:1200]
        del subject.classifier


@pytest.mark.slow
def test_a_classifier_trained_on_generated_images_reads_real_ones(subject, digits):
    x, labels = digits
    subject.model.answers = np.concatenate([x[labels == digit][:60] for digit in range(10)])
    try:
        score = measured(subject, "classification_accuracy_score", num_per_class=60)
        assert score["classification_accuracy_score"].value > 0.8
    finally:
        subject.model.answers = x[600:1200]


def test_a_continuous_property_needs_its_true_values(subject):
    with pytest.raises(NotApplicableError, match="property_error needs a model with a continuous condition"):
        measured(subject, "property_error")


@pytest.mark.slow
def test_properties_are_measured_on_the_picture():
    x, y = kae.datasets.load("strokes", split="train[:1500]")
    model = Echo(latent_dim=2, condition={"slant": kae.Continuous(), "digit": kae.Categorical(10)})
    given = {name: y[name] for name in ("slant", "digit")}
    model.build((None, 28, 28, 1))
    held_out = {name: values[:300] for name, values in given.items()}
    model.answers = x[:300]
    subject = Subject(model, x[:300], condition=held_out, reference=(x[300:], {name: y[name][300:] for name in y}))
    found = measured(subject, "property_error")
    assert found["slant"].value == pytest.approx(found["slant.floor"].value) and found["slant"].value < 20.0
    model.answers = x[300:600]  # of other slants than asked for
    wrong = Subject(model, x[:300], condition=held_out, reference=(x[300:], {name: y[name][300:] for name in y}))
    assert measured(wrong, "property_error")["slant"].value > found["slant"].value


def test_rows_of_a_table(digits):
    rows = np.random.default_rng(0).normal(size=[300, 3]).astype("float32")
    model = Echo(latent_dim=2, likelihood="normal", condition=kae.Categorical(2))
    model.build((None, 3))
    model.answers = rows[150:]
    subject = Subject(model, rows[:150], np.arange(150) % 2)
    found = measured(subject, "column_distances") | measured(subject, "two_sample_classifier")
    assert found["marginal_distance"].value < 0.3 and found["correlation_distance"].value < 0.25
    assert found["two_sample_auroc"].interval[0] < 0.5 < found["two_sample_auroc"].interval[1]


def test_a_representation_function_has_no_samples(digits):
    subject = Subject(lambda x: x.reshape(len(x), -1), digits[0])
    for each in chosen("samples"):
        with pytest.raises(NotApplicableError, match=f"{each.name} needs"):
            each.measure(subject)
