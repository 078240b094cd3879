import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, optimize, special, stats

from keras_ae import likelihoods

EVENT = (4, 3, 2)


def built(likelihood, features=(None, 5), event=EVENT):
    likelihood.set_event_shape(event)
    likelihood.build(features)
    return likelihood


def test_bernoulli_log_prob_of_gray_values_is_the_cross_entropy():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(6, *EVENT)).astype("float32")
    x = rng.random((6, *EVENT)).astype("float32")  # NumPy, gray: the default int32 dtype would truncate it to 0
    mean = special.expit(logits.astype("float64"))
    expected = (x * np.log(mean) + (1 - x) * np.log1p(-mean)).sum(axis=(1, 2, 3))
    log_prob = built(likelihoods.Bernoulli()).distribution(logits).log_prob(x)
    np.testing.assert_allclose(log_prob, expected, rtol=2e-6)


@pytest.mark.parametrize("leading", [(), (5,), (3, 5)])
@pytest.mark.parametrize("event_shape", [(4,), (3, 2, 1), (2, 2, 3)])
def test_bernoulli_log_prob_and_its_gradient_are_those_of_each_value(event_shape, leading):
    """Against float64; z may have samples in front (K, B) that x (B) does not have."""
    random = np.random.default_rng(0)
    logits = random.normal(scale=30.0, size=(*leading, *event_shape))  # to where a sigmoid is 0 or 1
    x = random.random((*leading[-1:], *event_shape))
    head = likelihoods.Bernoulli()
    head.set_event_shape(event_shape)
    head.build((None, 7))
    params = tf.constant(logits, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(params)
        log_prob = head.distribution(params).log_prob(tf.constant(x, tf.float32))
        total = tf.reduce_sum(log_prob)
    each = x * -np.logaddexp(0, -logits) + (1 - x) * -np.logaddexp(0, logits)
    np.testing.assert_allclose(log_prob, each.reshape(*leading, -1).sum(-1), rtol=1e-5)
    gradient = x - special.expit(logits)
    np.testing.assert_allclose(tape.gradient(total, params), gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("logit", [-8.0, -1.0, -1e-3, 0.0, 1e-4, 0.7, 9.0])
def test_continuous_bernoulli_integrates_to_one_and_has_the_mean_of_its_density(logit):
    layer = built(likelihoods.ContinuousBernoulli(), event=(1,))
    grid = np.linspace(0, 1, 4001, dtype="float32")[:, np.newaxis]
    density = np.exp(layer.distribution(np.full([4001, 1], logit, "float32")).log_prob(grid).numpy().astype("float64"))
    # float32 log-densities: relative error of a few 1e-6, and Simpson's error is far below.
    assert integrate.simpson(density, x=grid[:, 0]) == pytest.approx(1, abs=1e-4)
    mean = layer.mean(np.full([1, 1], logit, "float32")).numpy()[0, 0]
    assert mean == pytest.approx(integrate.simpson(density * grid[:, 0], x=grid[:, 0]), abs=1e-4)


def test_normal_of_fixed_scale_equals_scipy():
    rng = np.random.default_rng(1)
    loc, x = rng.normal(size=(2, 6, *EVENT)).astype("float32")
    log_prob = built(likelihoods.Normal(0.3)).distribution(loc).log_prob(x)
    np.testing.assert_allclose(log_prob, stats.norm(loc, 0.3).logpdf(x).sum(axis=(1, 2, 3)), rtol=1e-5)


def test_normal_of_pixel_scale_equals_scipy():
    rng = np.random.default_rng(2)
    params = rng.normal(size=(6, *EVENT, 2)).astype("float32")
    x = rng.normal(size=(6, *EVENT)).astype("float32")
    scale = np.log1p(np.exp(params[..., 1])) + 1e-3
    expected = stats.norm(params[..., 0], scale).logpdf(x).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(built(likelihoods.Normal("pixel")).distribution(params).log_prob(x), expected, rtol=1e-5)


def learned(layer, x):
    """The parameters [1, *event, P] of p(x|z) after its weights alone were trained, on features that tell nothing."""
    features = tf.zeros([1, 3])
    built(layer, (None, 3), x.shape[1:])

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(layer.distribution(layer(features)).log_prob(x))
        for weight, gradient in zip(layer.trainable_weights, tape.gradient(loss, layer.trainable_weights), strict=True):
            weight.assign_sub(0.02 * gradient)

    for _ in range(700):
        step()
    return layer(features)


@pytest.mark.parametrize("scale", ["shared", "pixel"])
@pytest.mark.parametrize(
    ("likelihood", "center", "spread"),
    [
        (likelihoods.Normal, np.mean, lambda error, axis: np.sqrt(np.mean(error**2, axis))),
        (likelihoods.Laplace, np.median, lambda error, axis: np.mean(np.abs(error), axis)),
    ],
)
def test_learned_scale_is_that_of_the_largest_likelihood(likelihood, center, spread, scale):
    """The root mean squared error of normal values and the mean absolute one of Laplace values, by pixel or of all."""
    x = np.random.default_rng(3).normal([0.5, -0.2, 0.1], [0.2, 0.4, 0.7], size=(201, 3)).astype("float32")
    layer = likelihood(scale)
    loc, found = layer.loc_and_scale(learned(layer, x))
    np.testing.assert_allclose(loc[0], center(x, axis=0), atol=0.01)  # steps around a median do not get smaller
    error = x - center(x, axis=0)
    expected = spread(error, 0) if scale == "pixel" else spread(error, None)
    np.testing.assert_allclose(tf.squeeze(found), expected, rtol=1e-3)


def test_learned_scale_of_levels_is_that_of_the_largest_likelihood():
    """Against a search with SciPy over the formula in float64, pixel by pixel."""
    levels, rng = 17, np.random.default_rng(4)
    x = np.round(16 * np.clip(rng.logistic([0.5, 0.3], [0.1, 0.2], size=(300, 2)), 0, 1)) / 16
    params = learned(likelihoods.DiscretizedLogistic(levels), x.astype("float32")).numpy()[0]

    def distortion(arguments, x):
        loc, scale = arguments
        below = np.where(x <= 0, 0.0, special.expit((x - 1 / 32 - loc) / scale))
        above = np.where(x >= 1, 1.0, special.expit((x + 1 / 32 - loc) / scale))
        return -np.log(above - below).mean()

    for pixel in range(2):
        best = optimize.minimize(distortion, [0.4, 0.1], args=(x[:, pixel],), method="Nelder-Mead", tol=1e-9).x
        loc, scale = 0.5 + params[pixel, 0], np.logaddexp(0, params[pixel, 1]) + 0.5 * np.exp(-7)
        np.testing.assert_allclose([loc, scale], best, rtol=1e-3)


def test_laplace_of_fixed_scale_equals_scipy():
    rng = np.random.default_rng(4)
    loc, x = rng.normal(size=(2, 6, *EVENT)).astype("float32")
    log_prob = built(likelihoods.Laplace(0.3)).distribution(loc).log_prob(x)
    np.testing.assert_allclose(log_prob, stats.laplace(loc, 0.3).logpdf(x).sum(axis=(1, 2, 3)), rtol=1e-5)


def test_laplace_of_pixel_scale_equals_scipy():
    rng = np.random.default_rng(5)
    params = rng.normal(size=(6, *EVENT, 2)).astype("float32")
    x = rng.normal(size=(6, *EVENT)).astype("float32")
    scale = np.log1p(np.exp(params[..., 1])) + 1e-3
    expected = stats.laplace(params[..., 0], scale).logpdf(x).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(
        built(likelihoods.Laplace("pixel")).distribution(params).log_prob(x), expected, rtol=1e-5
    )


@pytest.mark.parametrize("name", sorted(likelihoods.LIKELIHOODS))
def test_parameters_in_half_precision_give_float32(name):
    layer = built(likelihoods.get(name), event=(3,))
    params = tf.cast(layer(np.ones([2, 5], "float32")), tf.bfloat16)
    q = layer.distribution(params)
    assert q.log_prob(np.ones([2, 3], "float32")).dtype == tf.float32 and layer.mean(params).dtype == tf.float32


@pytest.mark.parametrize("name", sorted(likelihoods.LIKELIHOODS))
def test_config_brings_back_the_same_likelihood(name):
    given = {"levels": 7, "components": 3, "scale": "pixel", "concentration": 2.5}
    cls = likelihoods.LIKELIHOODS[name]
    taken = {key: given[key] for key in cls().get_config() if key in given}
    config = keras.saving.serialize_keras_object(cls(**taken))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is cls and keras.saving.serialize_keras_object(again) == config
    assert {key: again.get_config()[key] for key in taken} == taken


@pytest.mark.parametrize("name", sorted(likelihoods.LIKELIHOODS))
@pytest.mark.parametrize("features", [(None, 5), (None, 4, 3, 7)])
def test_head_gives_the_event_shape_from_flat_and_from_pointwise_features(name, features):
    layer = built(likelihoods.get(name), features)
    params = layer(np.zeros([2, *features[1:]], "float32"))
    assert layer.mean(params).shape == (2, *EVENT)
    assert layer.distribution(params).event_shape == EVENT


def test_pointwise_features_keep_their_place():
    """A change of the features of one pixel changes the parameters of that pixel alone."""
    layer = built(likelihoods.Bernoulli(), (None, 4, 3, 7))
    features = np.zeros([2, 4, 3, 7], "float32")
    features[1, 2, 1] = 1.0
    changed = np.abs(np.diff(layer(features).numpy(), axis=0)[0]).sum(axis=-1) > 0
    assert changed.sum() == 1 and changed[2, 1]


@pytest.mark.parametrize(
    "scale", [0, -1.0, float("inf"), float("nan"), 1e300, 1e-300, 10**400, "learned", True, None, np.ones(2)], ids=str
)
def test_normal_refuses_a_scale_that_is_none(scale):
    with pytest.raises(ValueError, match="`scale` must be a positive number"):
        likelihoods.Normal(scale)


@pytest.mark.parametrize("x", (0.0, 0.3, 1.0))
def test_the_cross_entropy_of_bernoulli_values_and_its_gradient_equal_tensorflow_s(x):
    logits = tf.constant([-200.0, -30.0, -3.0, -1e-30, -0.0, 0.0, 1e-30, 0.5, 17.0, 120.0])[:, tf.newaxis]
    layer = likelihoods.Bernoulli()
    values = tf.fill(logits.shape, x)
    found = []
    for function in (
        lambda: layer.value_log_prob(logits, values),
        lambda: -tf.nn.sigmoid_cross_entropy_with_logits(values, logits),
    ):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            log_prob = function()
        found += [(log_prob.numpy(), tape.gradient(log_prob, logits).numpy())]
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-6, atol=1e-7)
