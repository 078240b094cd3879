"""Mixed codes of real values, whose prior has other parts than their posterior, or none."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import keras_ae as kae
from keras_ae import latents
from keras_ae.latents.blocks import Blocks, common_parts
from keras_ae.objectives import ELBO, IWAE, TotalCorrelation
from keras_ae.objectives.rates import sample_and_rates

tfd = tfp.distributions
SEED = tf.constant([3, 4], tf.int32)
RNG = np.random.default_rng(0)
X = RNG.random((12, 5)).astype("float32")
LOC, SCALE = RNG.normal(size=(6, 4)).astype("float32"), RNG.uniform(0.2, 1.5, size=(6, 4)).astype("float32")


def normal(columns, loc=LOC, scale=SCALE):
    return tfd.Independent(tfd.Normal(loc[..., columns], scale[..., columns]), 1)


def posterior():
    return latents.MixedPosterior([latents.DiagonalNormal(), latents.FullCovarianceNormal()], [1, 3])


PAIRS = {
    "the posterior alone has parts": lambda: (posterior(), "standard_normal"),
    "the prior alone has parts": lambda: (
        "inverse_autoregressive_flow",
        latents.MixedPrior([latents.StandardNormal(), latents.RealNVP()], [2, 2]),
    ),
    "no seam in common": lambda: (
        posterior(),
        latents.MixedPrior([latents.ConditionalNormal(), latents.NormalMixture(3)], [3, 1]),
    ),
    "the base of a flow has parts": lambda: (latents.PlanarFlow(posterior()), "vamp"),
    "codes in layers": lambda: (posterior(), latents.HierarchicalNormal((2, 2))),
}


def model_of(pair, **arguments):
    network, (q, p) = kae.networks.MLP, PAIRS[pair]()
    parts = {"posterior": q, "prior": p, "condition": kae.Categorical(3), **arguments}
    return kae.Autoencoder(network([8]), network([8]), latent_dim=4, **parts)


@pytest.mark.parametrize(
    "own, other, sizes",
    [
        ((1, 1, 2), (2, 2), [2, 2]),
        ((1, 3), (3, 1), [4]),
        ((4,), (1, 3), [4]),
        ((1, 2, 1), (1, 1, 2), [1, 3]),
        ((2, 2), (2, 2), [2, 2]),
    ],
)
def test_parts_are_cut_where_both_have_a_seam(own, other, sizes):
    columns = [np.split(np.arange(4), np.cumsum(each)[:-1]) for each in (own, other)]
    q, p = (Blocks([normal(some) for some in each]) for each in columns)
    parts = common_parts(q, p)
    assert [part.event_shape[0] for part, _ in parts] == [part.event_shape[0] for _, part in parts] == sizes
    z = q.sample(seed=SEED)
    values = list(zip(tf.split(z, sizes, axis=-1), parts, strict=True))
    np.testing.assert_allclose(sum(part.log_prob(own) for own, (part, _) in values), q.log_prob(z), rtol=1e-5)
    np.testing.assert_allclose(sum(part.log_prob(own) for own, (_, part) in values), p.log_prob(z), rtol=1e-5)


def test_a_part_in_common_has_its_closed_form_and_the_rest_is_estimated():
    """The first two values have the same parts on both sides; the seams of the last two differ from none to one."""
    loc, scale = np.zeros(4, "float32"), np.full(4, 2.0, "float32")
    q = Blocks([normal([0, 1]), normal([2]), normal([3])])
    p = Blocks([normal([0, 1], loc, scale), normal([2, 3], loc, scale)])
    _, rates = sample_and_rates(q, p, 4000, SEED)
    exact = tfd.kl_divergence(tfd.Normal(LOC, SCALE), tfd.Normal(loc, scale)).numpy()  # [6, 4]
    (_, closed), (_, estimated) = rates
    np.testing.assert_allclose(closed, exact[:, :2].sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(estimated, exact[:, 2:].sum(axis=1), atol=0.1)  # 4,000 samples with a deviation near 1
    assert np.abs(estimated - exact[:, 2:].sum(axis=1)).max() > 1e-4


@pytest.mark.parametrize("pair", PAIRS)
def test_every_such_pair_trains_saves_and_samples(pair, tmp_path):
    model = model_of(pair)
    model.compile(jit_compile=False)
    labels = np.arange(12) % 3
    history = model.fit(X, labels, batch_size=5, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert np.isfinite(kae.evaluate.log_likelihood(model, X, labels, num_samples=20)).all()
    model.save(tmp_path / "model.keras")
    again = kae.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.sample(3, range(3), seed=4), model.sample(3, range(3), seed=4))


@pytest.mark.parametrize(
    "objective", [IWAE(3), TotalCorrelation(12), ELBO(rate="monte_carlo")], ids=["iwae", "total correlation", "elbo"]
)
def test_other_objectives_take_them(objective):
    model = model_of("the posterior alone has parts", objective=objective)
    model.prepare(X, np.arange(12) % 3)
    terms = model.terms(X, np.arange(12) % 3, seed=SEED, training=True)
    assert all(np.isfinite(values).all() for values in terms.values())


def test_a_closed_form_that_is_asked_for_needs_the_same_parts():
    with pytest.raises(ValueError, match=r'take "auto" or "monte_carlo"\. Received: posterior=MixedPosterior'):
        model_of("no seam in common", objective=ELBO(rate="analytic"))
    with pytest.raises(NotImplementedError, match="blocks of other sizes"):
        tfd.kl_divergence(Blocks([normal([0]), normal([1, 2])]), Blocks([normal([0, 1]), normal([2])]))


def test_the_base_of_a_flow_checks_its_sizes():
    with pytest.raises(ValueError, match=r"`latent_dim` must be 4, the sum of \(1, 3\). Received: latent_dim=5"):
        kae.Autoencoder(latent_dim=5, posterior=latents.PlanarFlow(posterior()))


@pytest.mark.parametrize("sampler", ["normal", "gaussian_mixture", "flow"])
def test_samplers_fit_codes_of_several_parts(sampler):
    model = model_of("the posterior alone has parts", objective="reconstruction", prior=None, condition=None)
    model.compile(jit_compile=False)
    model.fit(X, verbose=0)
    model.fit_sampler(sampler, np.tile(X, [10, 1]), verbose=False)
    assert model.sample(3, seed=1).shape == (3, 5)
