"""Total correlation in a batch that has several rows of each example, as a `SemiSupervisedVAE` makes it."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import stats

from keras_ae.objectives import TotalCorrelation

tfd = tfp.distributions
SEED = tf.constant([3, 4], tf.int32)
RNG = np.random.default_rng(0)
LOC, SCALE = RNG.normal(size=(7, 3)).astype("float32"), RNG.uniform(0.2, 1.5, size=(7, 3)).astype("float32")
WEIGHT = np.array([1.0, 2.0, 0.5, 1.0, 1.5, 0.0, 0.0], "float32")


def normal(loc, scale):
    return tfd.Independent(tfd.Normal(loc, scale), 1)


@pytest.mark.parametrize("sampling", ["stratified", "weighted"])
def test_rows_of_one_example_are_not_examples_of_their_own(sampling):
    """Six rows are two copies each of three examples, with weights that the copies share."""
    loc, scale, weight = LOC[:6], SCALE[:6], np.array([0.2, 1.5, 0.0, 0.8, 0.5, 2.0])
    objective = TotalCorrelation(50, sampling=sampling)
    z = normal(loc, scale).sample(seed=SEED)
    joint, marginals = objective.aggregate(normal(loc, scale), z, tf.constant(weight, tf.float32), copies=2)
    densities = stats.norm(loc.astype("float64"), scale).pdf(z.numpy()[:, np.newaxis])  # [B, B, D]
    examples = weight[:3] + weight[3:]
    for i in range(6):
        expected = np.zeros(4)
        for j in range(6):
            of_both = np.append(densities[i, j], densities[i, j].prod())
            if sampling == "weighted":
                share = weight[j] / weight.sum() / 50
            elif j % 3 == i % 3:
                share = weight[j] / examples.mean() / 50
            else:
                own = examples[i % 3] / examples.mean() / 50
                share = (1 - own) * weight[j] / (weight.sum() - examples[i % 3])
            expected += share * of_both
        np.testing.assert_allclose(np.append(marginals[i], joint[i]), np.log(expected), rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("sampling", ["stratified", "weighted"])
def test_copies_of_equal_rows_change_nothing(sampling):
    objective, z = TotalCorrelation(50, sampling=sampling), normal(LOC, SCALE).sample(seed=SEED)
    expected = objective.aggregate(normal(LOC, SCALE), z, tf.constant(WEIGHT))
    loc, scale, codes, weight = (np.concatenate([each] * 4) for each in (LOC, SCALE, z, WEIGHT / 4))
    given = objective.aggregate(normal(loc, scale), tf.constant(codes), tf.constant(weight), copies=4)
    for values, wanted in zip(given, expected, strict=True):
        np.testing.assert_allclose(values[:7], wanted, rtol=1e-5, atol=1e-5)
