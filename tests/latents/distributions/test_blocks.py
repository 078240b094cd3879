"""Mixed codes go with a prior of the same parts, and with no other."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import keras_ae as kae
from keras_ae import latents
from keras_ae.latents.distributions.blocks import Blocks, pairs
from keras_ae.latents.distributions.normals import normals
from keras_ae.objectives import ELBO, kl_by_dimension
from keras_ae.objectives.estimators.kl import sample_and_kls
from keras_ae.step_context import StepContext

tfd = tfp.distributions
SEED = tf.constant([3, 4], tf.int32)
RNG = np.random.default_rng(0)
LOC, SCALE = RNG.normal(size=(6, 4)).astype("float32"), RNG.uniform(0.2, 1.5, size=(6, 4)).astype("float32")
PRIOR = tfd.Normal(0.0, 2.0)


def blocks_of(*sizes, loc=LOC, scale=SCALE):
    columns = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    return Blocks([normals(loc[..., each], scale[..., each]) for each in columns])


def prior_of(*sizes):
    return blocks_of(*sizes, loc=np.zeros(4, "float32"), scale=np.full(4, 2.0, "float32"))


@pytest.mark.parametrize("sizes", [(1, 3), (2, 2), (1, 1, 2)])
def test_divergences_of_blocks_of_the_same_sizes_add_up(sizes):
    q, p = blocks_of(*sizes), prior_of(*sizes)
    exact = tfd.kl_divergence(tfd.Normal(LOC, SCALE), PRIOR).numpy()  # [6, 4]
    np.testing.assert_allclose(tfd.kl_divergence(q, p), exact.sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(kl_by_dimension(q, p), exact, rtol=1e-5)
    _, kls = sample_and_kls(q, p, 1, SEED, "analytic")
    assert len(kls) == len(sizes)
    np.testing.assert_allclose(sum(kl for _, kl in kls), exact.sum(axis=1), rtol=1e-5)


def test_a_part_without_a_closed_form_is_estimated_beside_one_that_has_it():
    mixture = tfd.MixtureSameFamily(tfd.Categorical([0.0]), normals(np.zeros((1, 2), "float32"), 2.0))
    p = Blocks([normals(np.zeros(2, "float32"), 2.0), mixture])
    exact = tfd.kl_divergence(tfd.Normal(LOC, SCALE), PRIOR).numpy()
    _, ((_, closed), (_, estimated)) = sample_and_kls(blocks_of(2, 2), p, 4000, SEED)
    np.testing.assert_allclose(closed, exact[:, :2].sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(estimated, exact[:, 2:].sum(axis=1), atol=0.1)  # 4,000 samples with a deviation near 1
    assert np.abs(estimated - exact[:, 2:].sum(axis=1)).max() > 1e-4


def test_blocks_of_other_sizes_are_refused():
    with pytest.raises(ValueError, match=r"Blocks must have equal sizes. Received: \[1, 3\] and \[2, 2\]"):
        pairs(blocks_of(1, 3), blocks_of(2, 2))


NORMALS = [latents.DiagonalNormal, latents.FullCovarianceNormal]


@pytest.mark.parametrize(
    "posterior, prior",
    [
        (lambda: latents.MixedPosterior([cls() for cls in NORMALS], [1, 3]), lambda: "standard_normal"),
        (
            lambda: "diagonal_normal",
            lambda: latents.MixedPrior([latents.StandardNormal(), latents.RealNVP()], [2, 2]),
        ),
        (
            lambda: latents.MixedPosterior([cls() for cls in NORMALS], [1, 3]),
            lambda: latents.MixedPrior([latents.StandardNormal(), latents.NormalMixture(3)], [3, 1]),
        ),
        (
            lambda: latents.RelaxedCategorical(2),
            lambda: latents.MixedPrior([latents.UniformCategorical(2), latents.UniformCategorical(2)], [2, 2]),
        ),
        (
            lambda: latents.MixedPosterior([latents.DiagonalNormal(), latents.RelaxedCategorical(2)], [2, 2]),
            lambda: latents.MixedPrior([latents.UniformCategorical(2), latents.StandardNormal()], [2, 2]),
        ),
    ],
)
def test_parts_that_differ_are_refused_in_a_sentence_that_says_which_go_together(posterior, prior):
    message = r"same codes as `posterior`.* A MixedPosterior goes with a MixedPrior of the same `sizes`, part by part"
    with pytest.raises(ValueError, match=message):
        kae.Autoencoder(latent_dim=4, posterior=posterior(), prior=prior())


def test_parts_that_are_equal_are_taken_with_free_bits():
    model = kae.Autoencoder(
        latent_dim=4,
        posterior=latents.MixedPosterior([latents.DiagonalNormal(), latents.DiagonalNormal()], [1, 3]),
        prior=latents.MixedPrior([latents.StandardNormal(), latents.StandardNormal()], [1, 3]),
        objective=ELBO(free_bits=0.2),
    )
    x = RNG.random((6, 5)).astype("float32")
    model.build((None, 5))
    terms = model.terms(x, None, StepContext(SEED, training=True))
    exact = kl_by_dimension(model.posterior(x), model.prior()).numpy()
    np.testing.assert_allclose(terms["loss"] - terms["reconstruction"], np.maximum(exact, 0.2).sum(axis=1), atol=1e-3)
