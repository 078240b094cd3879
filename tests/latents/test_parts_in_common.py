"""Mixed codes whose prior has other parts than their posterior, or none."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import special, stats
from tiers import first

import keras_ae as kae
from keras_ae import latents
from keras_ae.latents.distributions.blocks import Blocks, common_parts
from keras_ae.latents.distributions.normals import normals
from keras_ae.latents.distributions.one_hots import OneHots, RelaxedOneHots
from keras_ae.latents.posteriors.full_covariance_normal import TriangularNormal
from keras_ae.objectives import ELBO, IWAE, JointCapacity, TotalCorrelation, rate_by_dimension
from keras_ae.objectives.kl import sample_and_rates

tfd = tfp.distributions
SEED = tf.constant([3, 4], tf.int32)
RNG = np.random.default_rng(0)
X = RNG.random((12, 5)).astype("float32")
LOC, SCALE = RNG.normal(size=(6, 4)).astype("float32"), RNG.uniform(0.2, 1.5, size=(6, 4)).astype("float32")
CUTS = [(4,), (1, 3), (2, 2), (3, 1)]
LOGITS = RNG.normal(size=(6, 4, 3)).astype("float32")  # four variables of three classes


def cut_anywhere(columns):
    return normals(LOC[..., columns], SCALE[..., columns])


def cut_nowhere(columns):
    return tfd.MultivariateNormalTriL(LOC[..., columns], tf.linalg.diag(SCALE[..., columns]))


def relaxed(variables):
    return RelaxedOneHots(0.5, LOGITS[..., variables, :])


def uniform(variables):
    return OneHots(tf.zeros([len(variables), 3]))


def blocks_of(make, sizes):
    return Blocks([make(each) for each in np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])])


def posterior():
    return latents.MixedPosterior([latents.DiagonalNormal(), latents.FullCovarianceNormal()], [1, 3])


def one_hot_parts(cls, base):
    return cls([base(2), base(2)], [2, 2])


PAIRS = {
    "the posterior alone has parts": lambda: (posterior(), "standard_normal"),
    "the prior alone has parts": lambda: (
        "inverse_autoregressive_flow",
        latents.MixedPrior([latents.StandardNormal(), latents.RealNVP()], [2, 2]),
    ),
    "no seam in common": lambda: (
        latents.MixedPosterior([latents.PlanarFlow(), latents.FullCovarianceNormal()], [1, 3]),
        latents.MixedPrior([latents.ConditionalNormal(), latents.NormalMixture(3)], [3, 1]),
    ),
    "the base of a flow has parts": lambda: (latents.PlanarFlow(posterior()), "vamp"),
    "codes in layers": lambda: (posterior(), latents.HierarchicalNormal((2, 2))),
    "a sphere in one part": lambda: (
        latents.MixedPosterior([latents.PowerSpherical()], [4]),
        latents.SphericalUniform(),
    ),
}
ONE_HOTS = {
    "the prior alone has parts of variables": lambda: (
        latents.RelaxedCategorical(2),
        one_hot_parts(latents.MixedPrior, latents.UniformCategorical),
    ),
    "the posterior alone has parts of variables": lambda: (
        one_hot_parts(latents.MixedPosterior, latents.RelaxedCategorical),
        latents.UniformCategorical(2),
    ),
    "parts of two kinds": lambda: (
        latents.MixedPosterior([latents.DiagonalNormal(), latents.RelaxedCategorical(2)], [2, 2]),
        latents.MixedPrior(
            [latents.StandardNormal(), latents.ConditionalNormal(), latents.UniformCategorical(2)], [1, 1, 2]
        ),
    ),
}


def model_of(pair, **arguments):
    network, (q, p) = kae.networks.MLP, (PAIRS | ONE_HOTS)[pair]()
    parts = {"posterior": q, "prior": p, "condition": kae.Categorical(3), **arguments}
    return kae.Autoencoder(network([8]), network([8]), latent_dim=4, **parts)


@pytest.mark.parametrize(
    "own, other, neither, posterior_alone, both",
    [
        ((1, 1, 2), (2, 2), [2, 2], [1, 1, 2], [1, 1, 2]),
        ((1, 3), (3, 1), [4], [1, 3], [1, 2, 1]),
        ((4,), (1, 3), [4], [4], [1, 3]),
        ((1, 2, 1), (1, 1, 2), [1, 3], [1, 2, 1], [1, 1, 1, 1]),
        ((2, 2), (2, 2), [2, 2], [2, 2], [2, 2]),
    ],
)
def test_parts_are_cut_where_the_other_has_a_seam_if_they_can_be(own, other, neither, posterior_alone, both):
    """Expected are the sizes where no block can be cut, where those of the prior can be, and where all can be."""
    kinds = {
        (cut_nowhere, cut_nowhere): neither,
        (cut_nowhere, cut_anywhere): posterior_alone,
        (cut_anywhere, cut_anywhere): both,
    }
    for (posterior_kind, prior_kind), sizes in kinds.items():
        q, p = blocks_of(posterior_kind, own), blocks_of(prior_kind, other)
        parts = common_parts(q, p)
        assert [part.event_shape[0] for part, _ in parts] == [part.event_shape[0] for _, part in parts] == sizes
        z = q.sample(3, seed=SEED)
        values = list(zip(tf.split(z, sizes, axis=-1), parts, strict=True))
        expected = stats.norm(LOC, SCALE).logpdf(z).sum(axis=-1)
        np.testing.assert_allclose(sum(part.log_prob(own) for own, (part, _) in values), expected, rtol=1e-5)
        np.testing.assert_allclose(sum(part.log_prob(own) for own, (_, part) in values), expected, rtol=1e-5)


@pytest.mark.parametrize("own, other", list(itertools.product([*CUTS, (1, 1, 1, 1)], repeat=2)))
def test_one_hot_vectors_are_cut_between_variables_and_their_rate_stays_exact(own, other):
    q, p = blocks_of(relaxed, own), blocks_of(uniform, other)
    expected = 4 * np.log(3) - stats.entropy(special.softmax(LOGITS, axis=-1), axis=-1).sum(axis=-1)
    z, rates = sample_and_rates(q, p, 2000, SEED, "analytic")
    np.testing.assert_allclose(sum(rate for _, rate in rates), expected, rtol=1e-5)
    np.testing.assert_allclose(tfd.kl_divergence(q, p), expected, rtol=1e-5)
    assert all(isinstance(part, RelaxedOneHots) and part.temperature == 0.5 for part, _ in rates)
    values = z.numpy().reshape(2000, 6, 4, 3)
    np.testing.assert_allclose(values.sum(axis=-1), 1, atol=1e-5)
    found = np.eye(3)[values.argmax(axis=-1)].mean(axis=0)  # the largest value is that of a categorical draw
    np.testing.assert_allclose(found, special.softmax(LOGITS, axis=-1), atol=4 * 0.5 / np.sqrt(2000))


@pytest.mark.parametrize("own, other", list(itertools.product(CUTS, repeat=2)))
def test_normal_values_have_a_closed_form_whatever_their_parts(own, other):
    """Of a posterior with full covariances, each value depends on those before it in its block."""
    within = np.zeros((4, 4), bool)
    for low, high in itertools.pairwise(np.cumsum([0, *own])):
        within[low:high, low:high] = True
    factors = np.tril(RNG.normal(size=(6, 4, 4)), -1) * within + SCALE[:, np.newaxis] * np.eye(4)

    def full(columns):
        return TriangularNormal(LOC[:, columns], factors[:, columns][:, :, columns].astype("float32"))

    q, p = blocks_of(full, own), blocks_of(lambda columns: normals(np.full(len(columns), 0.5, "float32"), 2.0), other)
    trace = (factors**2).sum(axis=(1, 2)) / 4
    log_det = 4 * np.log(4) - 2 * np.log(SCALE.astype("float64")).sum(axis=1)
    expected = 0.5 * (trace + ((LOC - 0.5) ** 2).sum(axis=1) / 4 - 4 + log_det)
    np.testing.assert_allclose(tfd.kl_divergence(q, p), expected, rtol=1e-4)
    _, rates = sample_and_rates(q, p, 1, SEED, "analytic")
    np.testing.assert_allclose(sum(rate for _, rate in rates), expected, rtol=1e-4)


def test_a_part_in_common_has_its_closed_form_and_the_rest_is_estimated():
    """The first two values have the same parts on both sides; the seams of the last two differ from none to one."""
    prior = normals(np.zeros(2, "float32"), 2.0)
    mixture = tfd.MixtureSameFamily(tfd.Categorical([0.0]), normals(np.zeros((1, 2), "float32"), 2.0))
    q = Blocks([cut_anywhere([0, 1]), cut_anywhere([2]), cut_anywhere([3])])
    _, rates = sample_and_rates(q, Blocks([prior, mixture]), 4000, SEED)
    exact = tfd.kl_divergence(tfd.Normal(LOC, SCALE), tfd.Normal(0.0, 2.0)).numpy()  # [6, 4]
    (_, closed), (_, estimated) = rates
    np.testing.assert_allclose(closed, exact[:, :2].sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(estimated, exact[:, 2:].sum(axis=1), atol=0.1)  # 4,000 samples with a deviation near 1
    assert np.abs(estimated - exact[:, 2:].sum(axis=1)).max() > 1e-4


def test_the_rate_of_each_dimension_is_that_of_the_values_whatever_their_parts():
    q = blocks_of(cut_anywhere, (1, 3))
    p = Blocks([normals(np.zeros((6, 2), "float32"), 2.0), normals(np.zeros(2, "float32"), 2.0)])
    exact = tfd.kl_divergence(tfd.Normal(LOC, SCALE), tfd.Normal(0.0, 2.0))
    np.testing.assert_allclose(rate_by_dimension(q, p), exact, rtol=1e-5)
    np.testing.assert_allclose(rate_by_dimension(q, normals(np.zeros(4, "float32"), 2.0)), exact, rtol=1e-5)
    with pytest.raises(NotImplementedError, match="needs a posterior and a prior that are products over dimensions"):
        rate_by_dimension(q, Blocks([normals(tf.zeros(2), 2.0), tfd.MultivariateNormalDiag(tf.zeros(2))]))


@pytest.mark.parametrize("pair", PAIRS | ONE_HOTS)
def test_every_such_pair_trains_saves_and_samples(pair, tmp_path):
    model = model_of(pair)
    model.compile(run_eagerly=True)
    labels = np.arange(12) % 3
    history = model.fit(X, labels, batch_size=6, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert np.isfinite(kae.evaluate.score(model, X, labels)["elbo"]).all()
    model.save(tmp_path / "model.keras")
    again = kae.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.sample(3, range(3), seed=4), model.sample(3, range(3), seed=4))


@pytest.mark.parametrize("pair", first(2, PAIRS | ONE_HOTS))
def test_every_such_pair_has_a_likelihood(pair):
    """XLA compiles it."""
    model, labels = model_of(pair), np.arange(12) % 3
    model.prepare(X, labels)
    assert np.isfinite(kae.evaluate.log_likelihood(model, X, labels, num_samples=20)).all()


@pytest.mark.parametrize("pair", ["the posterior alone has parts", *ONE_HOTS])
def test_a_closed_form_that_is_asked_for_does_not_need_the_same_parts(pair):
    losses = []
    for rate in ("analytic", "auto"):
        keras.utils.set_random_seed(0)
        model = model_of(pair, objective=ELBO(rate=rate))
        model.prepare(X, np.arange(12) % 3)
        losses.append(model.terms(X, np.arange(12) % 3, seed=SEED, training=True)["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-6)


def test_parts_of_other_sizes_give_the_rate_of_one_whole_prior():
    terms = []
    for prior in (latents.UniformCategorical(2), one_hot_parts(latents.MixedPrior, latents.UniformCategorical)):
        keras.utils.set_random_seed(0)
        model = model_of("the prior alone has parts of variables", prior=prior)
        model.prepare(X, np.arange(12) % 3)
        terms.append(model.terms(X, np.arange(12) % 3, seed=SEED, training=True)["rate"])
    np.testing.assert_allclose(*terms, rtol=1e-5)


def test_free_bits_are_those_of_each_dimension_of_all_parts():
    prior = latents.MixedPrior([latents.StandardNormal(), latents.ConditionalNormal()], [1, 3])
    arguments = {"posterior": "diagonal_normal", "prior": prior, "objective": ELBO(free_bits=0.2)}
    model = model_of("the prior alone has parts", **arguments)
    model.prepare(X, np.arange(12) % 3)
    terms = model.terms(X, np.arange(12) % 3, seed=SEED, training=True)
    q = model.posterior(X, np.arange(12) % 3)
    exact = tfd.kl_divergence(q.distribution, tfd.Normal(0.0, 1.0)).numpy()  # what ConditionalNormal starts as
    penalty = np.maximum(exact, 0.2).sum(axis=1)
    np.testing.assert_allclose(terms["loss"] - terms["distortion"], penalty, atol=1e-3)
    np.testing.assert_allclose(terms["rate"], exact.sum(axis=1), atol=1e-3)


def test_joint_capacity_tells_the_kinds_of_parts_apart_wherever_they_are_cut():
    mixed = {"objective": JointCapacity(5.0, 2.0)}
    terms = []
    for pair, cut in (("parts of two kinds", [1, 1, 2]), ("parts of two kinds", [2, 2])):
        keras.utils.set_random_seed(0)
        base = [latents.StandardNormal() for _ in cut[:-1]]
        prior = latents.MixedPrior([*base, latents.UniformCategorical(2)], cut)
        model = model_of(pair, prior=prior, **mixed)
        model.prepare(X, np.arange(12) % 3)
        terms.append(model.terms(X, np.arange(12) % 3, seed=SEED, training=True))
    for name in ("rate", "categorical_rate"):
        np.testing.assert_allclose(terms[0][name], terms[1][name], rtol=1e-5)
    assert (terms[0]["categorical_rate"].numpy() > 0).any()


@pytest.mark.parametrize(
    "objective", [IWAE(3), TotalCorrelation(12), ELBO(rate="monte_carlo")], ids=["iwae", "total correlation", "elbo"]
)
def test_other_objectives_take_them(objective):
    model = model_of("the posterior alone has parts", objective=objective)
    model.prepare(X, np.arange(12) % 3)
    terms = model.terms(X, np.arange(12) % 3, seed=SEED, training=True)
    assert all(np.isfinite(values).all() for values in terms.values())


def test_a_closed_form_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match=r'take "auto" or "monte_carlo"\. Received: posterior=MixedPosterior'):
        model_of("no seam in common", objective=ELBO(rate="analytic"))
    with pytest.raises(NotImplementedError, match="blocks of other sizes"):
        tfd.kl_divergence(blocks_of(cut_nowhere, (1, 3)), blocks_of(cut_nowhere, (3, 1)))


@pytest.mark.parametrize(
    "posterior, prior, message",
    [
        (
            lambda: latents.MixedPosterior([latents.PowerSpherical(), latents.PowerSpherical()], [2, 2]),
            lambda: "spherical_uniform",
            "MixedPosterior over 2 values of the unit sphere, then 2 values of the unit sphere and SphericalUniform",
        ),
        (
            lambda: latents.RelaxedCategorical(4),
            lambda: one_hot_parts(latents.MixedPrior, latents.UniformCategorical),
            "RelaxedCategorical over one-hot vectors of 4 classes and MixedPrior over one-hot vectors of 2 classes",
        ),
    ],
)
def test_parts_over_other_codes_are_refused_at_construction(posterior, prior, message):
    with pytest.raises(ValueError, match=f"`prior` must be over the same codes as `posterior`. Received: {message}"):
        kae.Autoencoder(latent_dim=4, posterior=posterior(), prior=prior())


def test_the_base_of_a_flow_checks_its_sizes():
    with pytest.raises(ValueError, match=r"`latent_dim` must be 4, the sum of \(1, 3\). Received: latent_dim=5"):
        kae.Autoencoder(latent_dim=5, posterior=latents.PlanarFlow(posterior()))


@pytest.mark.parametrize("sampler", ["normal", "gaussian_mixture", "flow"])
def test_samplers_fit_codes_of_several_parts(sampler):
    model = model_of("the posterior alone has parts", objective="reconstruction", prior=None, condition=None)
    model.compile(run_eagerly=True)
    model.fit(X, verbose=0)
    sampler = kae.samplers.FlowSampler(epochs=1) if sampler == "flow" else sampler  # 200 epochs by itself
    model.fit_sampler(sampler, np.tile(X, [10, 1]), verbose=False)
    assert model.sample(3, seed=1).shape == (3, 5)
