import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.objectives import Denoising, Reconstruction
from keras_ae.step_context import StepContext

tfd = tfp.distributions
SEED = tf.constant([3, 4], tf.int32)
RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(6, 2)).astype("float32"), RNG.normal(size=(2, 6)).astype("float32")
CASES = [
    ("masking", 0.3, None),
    ("salt_and_pepper", 0.4, None),
    ("salt_and_pepper", 0.2, (-1.0, 3.0)),
    ("normal", 0.5, None),
]


def terms_of(objective, x, seed=SEED):
    """A linear autoencoder with x ~ N(z B, I), z = x A."""
    return objective.call(
        tf.constant(x),
        lambda x: tfd.VectorDeterministic(tf.linalg.matmul(x, WEIGHTS[0])),
        None,
        lambda z: tfd.Independent(tfd.Normal(tf.linalg.matmul(z, tf.constant(WEIGHTS[1])[tf.newaxis]), 1.0), 1),
        StepContext(seed),
    )


def moments(x, corruption, amount, support):
    """Mean and variance of a corrupted value, in closed form."""
    low, high = support or (0.0, 1.0)
    values, probabilities = {
        "masking": ([x, 0 * x], [1 - amount, amount]),
        "salt_and_pepper": ([x, 0 * x + low, 0 * x + high], [1 - amount, amount / 2, amount / 2]),
        "normal": ([x - amount, x + amount], [0.5, 0.5]),  # the same two moments
    }[corruption]
    mean = sum(p * v for p, v in zip(probabilities, values, strict=True))
    return mean, sum(p * (v - mean) ** 2 for p, v in zip(probabilities, values, strict=True))


@pytest.mark.parametrize("corruption, amount, support", CASES)
def test_loss_of_a_linear_model_has_the_mean_of_its_closed_form(corruption, amount, support):
    """E |x - W x'|^2 = |x - W E x'|^2 + sum_i Var x'_i |w_i|^2, as corruption is independent; the loss is on x."""
    num = 40_000
    x = RNG.random(6).astype("float32")
    losses = terms_of(Denoising(corruption, amount, support=support), np.tile(x, [num, 1]))["loss"].numpy()
    both = (WEIGHTS[0] @ WEIGHTS[1]).astype("float64")
    mean, variance = moments(x.astype("float64"), corruption, amount, support)
    error = np.sum((x - mean @ both) ** 2) + variance @ np.sum(both**2, axis=1)
    expected = 0.5 * error + 3 * np.log(2 * np.pi)
    assert abs(losses.mean() - expected) < 4.5 * losses.std() / np.sqrt(num)


@pytest.mark.parametrize("corruption, amount, support", CASES)
def test_values_have_the_wanted_shares(corruption, amount, support):
    x = RNG.uniform(0.2, 0.8, size=(500, 10, 20, 1)).astype("float32")
    seen = Denoising(corruption, amount, support=support).corrupt(x, SEED).numpy()
    mean, variance = moments(x.astype("float64"), corruption, amount, support)
    scaled = (seen - mean) / np.sqrt(variance)  # of mean 0 and variance 1
    assert abs(scaled.mean()) < 5 / np.sqrt(x.size)
    assert abs((scaled**2).mean() - 1) < 0.02  # 100,000 values with a fourth moment of at most 11
    if corruption != "normal":
        kept = (seen == x).mean()
        assert kept == pytest.approx(1 - amount, abs=5 * np.sqrt(amount * (1 - amount) / x.size))
        outside = {0.0} if corruption == "masking" else set(support or (0.0, 1.0))
        assert set(np.unique(seen[seen != x])) == outside


def test_noise_is_clipped_to_the_support():
    x = RNG.random((50, 6)).astype("float32")
    free = Denoising("normal", 0.5).corrupt(x, SEED)
    clipped = Denoising("normal", 0.5, support=(0, 1)).corrupt(x, SEED)
    assert np.min(free) < 0 and np.max(free) > 1
    np.testing.assert_allclose(clipped, np.clip(free, 0, 1), rtol=1e-6)


@pytest.mark.parametrize("corruption", ["masking", "salt_and_pepper", "normal"])
def test_without_corruption_it_is_reconstruction(corruption):
    x = RNG.random((50, 6)).astype("float32")
    expected = terms_of(Reconstruction(), x)
    for name, values in terms_of(Denoising(corruption, 0.0), x).items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-6)


def test_corruption_follows_the_seed_alone():
    x = RNG.random((50, 6)).astype("float32")
    first, again = (terms_of(Denoising(), x)["loss"] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - terms_of(Denoising(), x, tf.constant([3, 5]))["loss"]).max() > 0.1


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"corruption": "snow"}, '`corruption` must be "masking", "normal" or "salt_and_pepper". Received: '),
        ({"amount": 1.1}, r"`amount` must be a probability in \[0, 1\]. Received: amount=1.1"),
        ({"amount": -0.1}, "`amount` must be a finite number >= 0. Received: amount=-0.1"),
        ({"support": (1.0, 0.0)}, "`support` must be two numbers, low < high, or None. Received"),
        ({"support": 1.0}, "`support` must be two numbers"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Denoising(**arguments)


def test_config_round_trip():
    objective = Denoising("normal", 2, support=(0, 1))
    again = Denoising.from_config(objective.get_config())
    assert (again.corruption, again.amount, tuple(again.support)) == ("normal", 2.0, (0.0, 1.0))
