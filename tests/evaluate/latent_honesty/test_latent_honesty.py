"""Codes that are likely and decode to what is unlike data: a planted hole is found, and nothing without one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ae as kae
from keras_ae.evaluate import METRICS, NotApplicableError, Subject
from keras_ae.evaluate.latent_honesty import Likeness, search_codes


@keras.saving.register_keras_serializable(package="tests")
class Hole(keras.layers.Layer):
    """Codes [B, 2], and a third value that is 8 where the first is larger than `edge`, else 0."""

    def __init__(self, edge=np.inf, steepness=4.0, **kwargs):
        super().__init__(**kwargs)
        self.edge, self.steepness = edge, steepness

    def call(self, z):
        if np.isinf(self.edge):
            return tf.pad(z, [[0, 0], [0, 1]])
        return tf.concat([z, 8.0 * tf.sigmoid(self.steepness * (z[:, :1] - self.edge))], axis=-1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 3)


def with_hole(*given):
    model = kae.models.VAE(keras.layers.Identity(), Hole(*given), latent_dim=2, likelihood=kae.likelihoods.Normal(1.0))
    model.build((None, 3))
    model.likelihood_layer.dense.set_weights([np.eye(3), np.zeros(3)])
    return model


@pytest.fixture(scope="module")
def data():
    """What a model without a hole generates."""
    return with_hole().sample(1400, seed=9).numpy()


@pytest.fixture(scope="module")
def likeness(data):
    return Likeness(data[:1000], data[1000:])


def test_score_is_the_distance_to_the_kth_neighbor(data):
    from sklearn.neighbors import NearestNeighbors

    likeness = Likeness(data[:700], data[700:], k=3, quantile=0.9)
    expected = NearestNeighbors(n_neighbors=3).fit(data[:700]).kneighbors(data[700:])[0][:, -1]
    np.testing.assert_allclose(likeness.held_out, expected, atol=1e-3)  # differences of squares, in float32
    np.testing.assert_allclose(likeness.unlike(data[700:]).mean(), 0.1, atol=0.01)


def test_model_without_a_hole_has_the_fraction_of_the_data(data):
    subject = Subject(with_hole(), data[1000:], reference=data[:1000], seed=4)
    (found,) = METRICS["unlike_data"].measure(subject, quantile=0.95)
    # 400 generated and 400 held-out examples: two deviations of sqrt(2 * 0.05 * 0.95 / 400) = 0.015.
    assert abs(found.value - 0.05) < 0.031
    assert "400 training examples, threshold from 400 held-out examples" in found.protocol


def test_samples_of_a_planted_hole_are_counted_and_named(data):
    model = with_hole(1.5, 20.0)
    subject = Subject(model, data[1000:], reference=data[:1000], seed=4)
    (found,) = METRICS["unlike_data"].measure(subject)
    first = model.sample_codes(400, seed=4).numpy()[:, 0]
    # The hole is complete at 1.7 and has begun at 1.2; at most a few others are rare by themselves.
    assert np.mean(first > 1.7) <= found.value <= np.mean(first > 1.2) + 0.03
    assert (first[found.details["worst_samples"]] > 1.5).all()
    assert found.details["worst_scores"][0] > 5 > found.details["threshold"] > found.details["median_score_of_data"]


def test_search_finds_a_hole_that_samples_miss_and_stays_typical(likeness):
    model = with_hole(2.1)
    found = search_codes(model, likeness, num=40, steps=50, seed=1)
    assert np.mean(found.starts > likeness.threshold) < 0.1 and found.unlike.mean() >= 0.2
    assert (np.diff(found.scores) <= 0).all() and (found.codes[found.unlike][:, 0] > 1.5).all()
    np.testing.assert_allclose(found.examples, model.decode(found.codes), atol=1e-5)
    # The typical set of a standard normal prior in two dimensions is a ring: |z|^2 / 2 is exponentially distributed.
    squares = (found.codes**2).sum(axis=1) / 2
    low, high = -np.log([0.975, 0.025])
    # Quantiles of 2,000 samples: deviations of 0.0035 and 0.14.
    assert squares.min() > low - 0.02 and squares.max() < high + 0.5
    np.testing.assert_allclose(found.log_density, -squares - np.log(2 * np.pi), atol=1e-4)


def test_search_finds_nothing_in_a_model_without_a_hole_and_repeats_itself(likeness):
    found, again = (search_codes(with_hole(), likeness, num=40, steps=20, seed=1) for _ in range(2))
    np.testing.assert_array_equal(found.codes, again.codes)
    assert found.unlike.mean() < 0.05
    assert (found.scores >= found.starts - 1e-6).all()


def test_metric_reports_the_search(data):
    subject = Subject(with_hole(2.1), data[1000:], reference=data[:1000], seed=1)
    hits, score = METRICS["searched_codes"].measure(subject, num=10, steps=3)
    assert hits.name == "searched_codes" and np.shape(hits.details["codes"]) == (10, 2)
    assert 0 <= hits.details["unlike_at_the_start"] <= hits.value <= 1 and score.value > 0
    assert "10 searches of 3 steps" in hits.protocol and "raw values" in hits.protocol


def test_search_under_conditions_and_in_the_features_of_a_network(data):
    mlp, x = kae.networks.MLP, np.clip(data, 0, 1)
    model = kae.models.ConditionalPriorVAE(mlp([4]), mlp([4]), latent_dim=2, condition=kae.Categorical(2))
    model.build((None, 3))
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    labels = np.arange(40) % 2
    subject = Subject(model, x[:40], labels, reference=x[40:100], extractor=network)
    hits, _ = METRICS["searched_codes"].measure(subject, num=6, steps=2)
    assert np.isfinite(hits.details["scores"]).all()
    with pytest.raises(NotApplicableError, match="an extractor that is a Keras model or a function of tensors"):
        search_codes(model, Likeness(x[40:100], x[:40]), labels[:6], extractor=np.asarray, num=6)


def test_codes_that_cannot_be_moved_are_refused(likeness):
    mlp = kae.networks.MLP
    model = kae.models.SphericalVAE(mlp([4]), mlp([4]), latent_dim=2)
    model.build((None, 3))
    with pytest.raises(NotApplicableError, match="SphericalVAE has no search of codes: they are the unit sphere"):
        search_codes(model, likeness)
    plain = kae.models.AE(mlp([4]), mlp([4]), latent_dim=2)
    plain.build((None, 3))
    with pytest.raises(NotApplicableError, match="AE has no search of codes: it has no prior and no sampler"):
        search_codes(plain, likeness)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "`k` must be a positive integer"),
        ({"k": 8}, "`reference` must have at least k = 8 examples"),
        ({"quantile": 1.0}, r"`quantile` must be in \(0, 1\)"),
        ({"held_out": np.zeros([3, 4])}, "`features` must have 2 values per example"),
        ({"reference": np.full([7, 2], np.nan)}, "`reference` must be finite"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Likeness(**{"reference": np.zeros([7, 2]), "held_out": np.zeros([3, 2]), **options})


def test_equal_examples_and_single_ones_have_finite_scores():
    likeness = Likeness(np.ones([7, 2]), np.ones([1, 2]))
    assert likeness.threshold < 1e-5 and likeness.unlike([[1.0, 2.0]]).all()
