import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.latents.distributions.blocks import Blocks
from keras_ae.objectives import ELBO, DisentangledInferredPrior
from keras_ae.schedules import LinearWarmUp
from keras_ae.step_context import StepContext

tfd = tfp.distributions


def normal(loc, scale):
    return tfd.Independent(tfd.Normal(loc, scale), 1)


SEED = tf.constant([3, 4], tf.int32)
RNG = np.random.default_rng(0)
LOC, SCALE = RNG.normal(size=(9, 3)).astype("float32"), RNG.uniform(0.2, 1.5, size=(9, 3)).astype("float32")
WEIGHT = np.array([1.0, 2.0, 0.5, 1.0, 1.5, 3.0, 0.25, 0.0, 0.0], "float32")
PRIOR = normal(tf.zeros(3), 1.0)
POSTERIOR = normal(LOC, SCALE)
TRIANGLES = (RNG.normal(size=(9, 3, 3)) * np.tri(3) + 2 * np.eye(3)).astype("float32")


def terms_of(objective, posterior=POSTERIOR, weight=None, step=0):
    def likelihood(z):
        return tfd.Independent(tfd.Normal(z, 1.0), 1)

    return objective.call(LOC, lambda x: posterior, PRIOR, likelihood, StepContext(SEED, step=step, weight=weight))


def covariance_of(variant, weight, within):
    means = np.cov(LOC.T.astype("float64"), aweights=weight, ddof=0)
    return means if variant == "I" else means + np.average(within, axis=0, weights=weight)


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("variant", ["I", "II"])
@pytest.mark.parametrize("kind", ["diagonal", "full"])
def test_terms_equal_numpy(variant, weight, kind):
    diagonal = kind == "diagonal"
    posterior = POSTERIOR if diagonal else tfd.MultivariateNormalTriL(LOC, TRIANGLES)
    within = SCALE[:, :, np.newaxis] ** 2 * np.eye(3) if diagonal else TRIANGLES @ TRIANGLES.transpose(0, 2, 1)
    objective = DisentangledInferredPrior(variant, 3.0, 7.0)
    terms = terms_of(objective, posterior, None if weight is None else tf.constant(weight))
    covariance = covariance_of(variant, weight, within)
    off_diagonal = np.sum((covariance * (1 - np.eye(3))) ** 2)
    on_diagonal = np.sum((np.diagonal(covariance) - 1) ** 2)
    np.testing.assert_allclose(terms["off_diagonal"], np.full(9, off_diagonal), rtol=1e-4)
    np.testing.assert_allclose(terms["diagonal"], np.full(9, on_diagonal), rtol=1e-4)
    elbo = terms_of(ELBO(), posterior)
    np.testing.assert_allclose(terms["kl"], elbo["kl"], rtol=1e-6)
    np.testing.assert_allclose(terms["loss"], elbo["loss"] + 3 * off_diagonal + 7 * on_diagonal, rtol=1e-4)


def test_second_variant_is_the_covariance_of_the_codes():
    """Against codes themselves: 9 x 20,000 samples of the posteriors."""
    codes = POSTERIOR.sample(20_000, seed=SEED).numpy().reshape(-1, 3)
    covariance = DisentangledInferredPrior("II").covariance(POSTERIOR)
    np.testing.assert_allclose(covariance, np.cov(codes.T), atol=0.03)  # standard errors of about 0.006


def test_blocks_have_no_covariance_with_each_other():
    full, number = tfd.MultivariateNormalTriL(LOC[:, :2], TRIANGLES[:, :2, :2]), normal(LOC[:, 2:], SCALE[:, 2:])
    within = np.zeros([9, 3, 3])
    within[:, :2, :2] = TRIANGLES[:, :2, :2] @ np.swapaxes(TRIANGLES[:, :2, :2], 1, 2)
    within[:, 2, 2] = SCALE[:, 2] ** 2
    found = DisentangledInferredPrior("II").covariance(Blocks([full, number]), tf.constant(WEIGHT))
    np.testing.assert_allclose(found, covariance_of("II", WEIGHT, within), rtol=1e-4, atol=1e-5)


def test_uncorrelated_codes_of_unit_variance_cost_nothing():
    loc = np.linalg.qr(RNG.normal(size=(9, 4)))[0]
    loc = np.linalg.qr(np.concatenate([np.ones([9, 1]), loc[:, :3]], axis=1))[0][:, 1:] * 3.0  # mean 0, variance 1
    posterior = tfd.Independent(tfd.Normal(loc.astype("float32"), SCALE), 1)
    terms = terms_of(DisentangledInferredPrior("I"), posterior)
    np.testing.assert_allclose(terms["off_diagonal"], 0.0, atol=1e-6)
    np.testing.assert_allclose(terms["diagonal"], 0.0, atol=1e-6)


def test_without_weights_it_is_the_elbo():
    terms, expected = terms_of(DisentangledInferredPrior("II", 0.0)), terms_of(ELBO())
    for name, values in expected.items():
        np.testing.assert_allclose(terms[name], values, rtol=1e-6)


def test_a_batch_in_which_nothing_counts_has_finite_terms_and_gradients():
    loc = tf.Variable(LOC)
    with tf.GradientTape() as tape:
        posterior = tfd.Independent(tfd.Normal(loc.value(), SCALE), 1)
        loss = tf.reduce_sum(terms_of(DisentangledInferredPrior("II"), posterior, weight=tf.zeros([9]))["loss"])
    assert np.isfinite(loss) and np.isfinite(tape.gradient(loss, loc)).all()


def test_ratio_of_the_weights_is_that_of_the_variant():
    assert DisentangledInferredPrior("I", 5).diagonal_weight == 50.0
    assert DisentangledInferredPrior("II", 5).diagonal_weight == 5.0
    assert DisentangledInferredPrior("I", 5, 1).get_config()["diagonal_weight"] == 1.0


def test_weights_follow_schedules():
    objective = DisentangledInferredPrior("I", LinearWarmUp(10, end=4.0), 2.0)
    assert objective.warm_up == 10
    terms = terms_of(objective, step=tf.constant(5))
    expected = terms["kl"] + terms["reconstruction"] + 2.0 * terms["off_diagonal"] + 2.0 * terms["diagonal"]
    np.testing.assert_allclose(terms["loss"], expected, rtol=1e-6)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"variant": "III"}, '`variant` must be "I" or "II". Received: variant=\'III\''),
        ({"off_diagonal_weight": -1.0}, "`off_diagonal_weight` must be a finite number >= 0, or a schedule"),
        ({"off_diagonal_weight": LinearWarmUp(9)}, "`diagonal_weight` must be given if"),
        ({"diagonal_weight": -1.0}, "`diagonal_weight` must be a finite number >= 0, or a schedule"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        DisentangledInferredPrior(**arguments)
