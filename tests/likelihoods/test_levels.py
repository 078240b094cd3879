"""The likelihoods over levels give true probabilities."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from scipy import special
from tiers import first

import keras_ae as kae
from keras_ae import likelihoods, objectives

MAKERS = {
    "logistic_256": lambda: likelihoods.DiscretizedLogistic(),
    "logistic_17": lambda: likelihoods.DiscretizedLogistic(levels=17),
    "mixture_256": lambda: likelihoods.DiscretizedLogisticMixture(3),
    "mixture_2": lambda: likelihoods.DiscretizedLogisticMixture(2, levels=2),
    "categorical_256": lambda: likelihoods.Categorical(),
    "categorical_5": lambda: likelihoods.Categorical(levels=5),
}


def built(layer, event=(1,)):
    layer.set_event_shape(event)
    layer.build((None, 5))
    return layer


def random_params(layer, rows, seed=0, scale=2.0):
    rng = np.random.default_rng(seed)
    return rng.normal(scale=scale, size=(rows, 1, layer.parameters_per_value)).astype("float32")


def log_probs(layer, params):
    """The log-probability of every level, a row of parameters: [rows, levels]."""
    x = np.linspace(0, 1, layer.levels, dtype="float32")[:, np.newaxis, np.newaxis]  # [L, 1, 1]
    return layer.distribution(params).log_prob(x).numpy().astype("float64").T


@pytest.mark.parametrize("name", MAKERS)
def test_probabilities_sum_to_one(name):
    layer = built(MAKERS[name]())
    total = np.exp(log_probs(layer, random_params(layer, 50))).sum(axis=1)
    np.testing.assert_allclose(total, 1.0, atol=2e-5)  # 256 float32 terms with an error of 1e-7 to 1e-6 each


def softplus64(x):
    return np.logaddexp(0.0, x.astype("float64"))


def reference(raw_loc, raw_scale, levels):
    """log P of every level in float64, from the differences of the distribution function itself."""
    loc, scale = 0.5 + raw_loc.astype("float64"), softplus64(raw_scale) + 0.5 * np.exp(-7)
    edges = (np.arange(1, levels) - 0.5) / (levels - 1)
    below = special.expit((edges - loc[..., np.newaxis]) / scale[..., np.newaxis])  # P(x < edge)
    above = special.expit(-(edges - loc[..., np.newaxis]) / scale[..., np.newaxis])
    # Of the two differences that are equal on paper, the one of the smaller numbers keeps its digits.
    left = np.diff(below, axis=-1, prepend=0.0, append=1.0)
    right = -np.diff(above, axis=-1, prepend=1.0, append=0.0)
    with np.errstate(divide="ignore"):
        return np.log(np.where(below_is_smaller(edges, loc), left, right))


def below_is_smaller(edges, loc):
    centers = np.concatenate([[-np.inf], (edges[1:] + edges[:-1]) / 2, [np.inf]])
    return centers < loc[..., np.newaxis]


def test_log_prob_of_the_discretized_logistic_equals_the_formula_in_float64():
    layer = built(likelihoods.DiscretizedLogistic())
    params = random_params(layer, 40, seed=1)
    expected = reference(params[:, 0, 0], params[:, 0, 1], 256)
    np.testing.assert_allclose(log_probs(layer, params), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("raw_loc", [-30.0, -0.5, 0.1, 0.5, 30.0])
@pytest.mark.parametrize("raw_scale", [-60.0, -4.0, 8.0, 4000.0])
def test_extreme_locations_and_scales_give_finite_values_and_gradients(raw_loc, raw_scale):
    layer, params = built(likelihoods.DiscretizedLogistic()), tf.constant([[[raw_loc, raw_scale]]])
    x = np.linspace(0, 1, 256, dtype="float32")[:, np.newaxis, np.newaxis]
    with tf.GradientTape() as tape:
        tape.watch(params)
        log_prob = layer.distribution(params).log_prob(x)
    assert np.isfinite(log_prob).all() and np.isfinite(tape.gradient(log_prob, params)).all()
    expected = reference(params[:, 0, 0].numpy(), params[:, 0, 1].numpy(), 256)[0]
    known = np.isfinite(expected) & (expected > -700)  # where float64 has digits left for the difference
    np.testing.assert_allclose(log_prob.numpy()[known, 0], expected[known], rtol=2e-4, atol=2e-4)


def test_values_between_two_levels_count_as_the_nearer_one():
    for name in ("logistic_256", "categorical_256"):
        layer = built(MAKERS[name]())
        q = layer.distribution(random_params(layer, 1))
        np.testing.assert_array_equal(q.log_prob([[100.4 / 255]]), q.log_prob([[100 / 255]]))
        np.testing.assert_array_equal(q.log_prob([[99.6 / 255]]), q.log_prob([[100 / 255]]))


def test_mixture_equals_the_weighted_sum_of_its_components():
    layer = built(likelihoods.DiscretizedLogisticMixture(3))
    params = random_params(layer, 20, seed=2, scale=1.0)
    weights = special.softmax(params[:, 0, :3].astype("float64"), axis=-1)
    spread = np.float32([-1 / 3, 0, 1 / 3])
    parts = np.exp(reference(params[:, 0, 3:6] + spread, params[:, 0, 6:], 256))  # [20, 3, 256]
    expected = np.log((weights[..., np.newaxis] * parts).sum(axis=1))
    np.testing.assert_allclose(log_probs(layer, params), expected, rtol=1e-4, atol=1e-4)


def test_mixture_of_one_component_equals_the_discretized_logistic():
    mixture, single = built(likelihoods.DiscretizedLogisticMixture(1)), built(likelihoods.DiscretizedLogistic())
    params = random_params(single, 10, seed=3)
    with_weight = np.concatenate([np.full([10, 1, 1], 3.0, "float32"), params], axis=-1)
    np.testing.assert_allclose(log_probs(mixture, with_weight), log_probs(single, params), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(mixture.mean(with_weight), single.mean(params), rtol=1e-6)


def test_categorical_equals_the_softmax():
    layer = built(likelihoods.Categorical(levels=5))
    params = random_params(layer, 10)
    np.testing.assert_allclose(log_probs(layer, params), special.log_softmax(params[:, 0], axis=-1), rtol=1e-5)


@pytest.mark.parametrize("name", MAKERS)
def test_the_mean_is_that_of_the_probabilities(name):
    layer = built(MAKERS[name]())
    params = random_params(layer, 50, seed=4, scale=4.0)
    expected = np.exp(log_probs(layer, params)) @ np.linspace(0, 1, layer.levels)
    # That of a rounded logistic variable is that of the variable itself, within half a level.
    tolerance = 1e-5 if "categorical" in name else 0.5 / (layer.levels - 1) + 1e-5
    np.testing.assert_allclose(layer.mean(params)[:, 0], expected, atol=tolerance)
    assert layer.mean(params).numpy().min() >= 0 and layer.mean(params).numpy().max() <= 1


@pytest.mark.parametrize("name", MAKERS)
def test_samples_follow_the_probabilities(name):
    layer = built(MAKERS[name]())
    params = random_params(layer, 1, seed=5, scale=1.0)
    x = layer.distribution(params).sample(20000, seed=[1, 2]).numpy()[:, 0, 0]
    levels = np.round(x * (layer.levels - 1)).astype(int)
    np.testing.assert_allclose(levels / (layer.levels - 1), x, atol=1e-6)
    found = np.bincount(levels, minlength=layer.levels) / 20000
    # The largest distance of the distribution functions: 1.95 / sqrt(n) is passed by one sample in a thousand.
    assert np.abs(np.cumsum(found - np.exp(log_probs(layer, params)[0]))).max() < 1.95 / np.sqrt(20000)


@pytest.mark.parametrize("levels", [0, 1, 2.5, True, "many"])
@pytest.mark.parametrize("name", ["categorical", "discretized_logistic", "discretized_logistic_mixture"])
def test_a_number_of_levels_that_is_none_is_refused(name, levels):
    with pytest.raises(ValueError, match="`levels` must be an integer >= 2"):
        likelihoods.LIKELIHOODS[name](levels=levels)


@pytest.mark.parametrize(
    "likelihood",
    [functools.partial(likelihoods.Categorical, 3), functools.partial(likelihoods.DiscretizedLogisticMixture, 2)],
    ids=["categorical", "mixture"],
)
@pytest.mark.parametrize("event_shape", [(4,), (4, 4, 1), (4, 4, 4, 1)], ids=["vectors", "images", "volumes"])
def test_means_of_pictures_and_volumes_are_those_of_their_values(likelihood, event_shape):
    """TensorFlow's own softmax takes five axes at most on some CPUs; samples of codes and batches add two."""
    rng = np.random.default_rng(0)
    of_events, of_values = likelihood(event_shape=event_shape), likelihood(event_shape=(1,))
    params = rng.normal(size=(3, 2, *event_shape, of_events.parameters_per_value)).astype("float32")
    found = of_events.distribution(params).mean()
    assert found.shape == (3, 2, *event_shape)
    flat = of_values.distribution(params.reshape(-1, 1, params.shape[-1])).mean()
    np.testing.assert_allclose(found, tf.reshape(flat, found.shape), rtol=1e-5)


@pytest.mark.parametrize("objective", first(1, ["learned_similarity", objectives.Regularized("gradient")]))
def test_objectives_that_take_the_mean_of_images_train_with_levels(objective):
    x = (np.random.default_rng(0).integers(0, 3, (8, 8, 8, 1)) / 2).astype("float32")
    pointed = {"posterior": "deterministic", "prior": None} if objective != "learned_similarity" else {}
    arguments = {"latent_dim": 2, "likelihood": likelihoods.Categorical(3), "objective": objective, **pointed}
    model = kae.Autoencoder(kae.networks.MLP([8]), kae.networks.MLP([8]), **arguments)
    model.compile(jit_compile=False)
    assert np.isfinite(model.fit(x, verbose=0).history["loss"]).all()
