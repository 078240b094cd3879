"""Each score is higher for strange examples, and equals its formula where it has one."""

import numpy as np
import pytest
import tensorflow as tf
from tiers import first

import keras_ae as kae
from keras_ae import likelihoods
from keras_ae.outliers import SCORES, Evidence, InputComplexity, LikelihoodRatio, outlier_statistics
from keras_ae.outliers.example_statistics import outlier_statistics_function
from keras_ae.outliers.hierarchical_ratio import HierarchicalRatio
from keras_ae.outliers.joint import JointDensity
from keras_ae.outliers.likelihood_regret import LikelihoodRegret
from keras_ae.outliers.references import fit_references
from keras_ae.outliers.tails import Tail


@pytest.fixture(scope="module")
def model(digits):
    model = kae.models.VAE(latent_dim=4)
    model.compile(run_eagerly=False)
    model.fit(digits[0][:1000], epochs=15, verbose=0)
    return model


@pytest.fixture(scope="module")
def usual(model, digits):
    return Evidence(model, digits[0][1000:1400])


# `code_mahalanobis` does not find them: this encoder puts what it does not know near the mean code.
NAMES = [name for name in SCORES if name not in ("hierarchical_ratio", "code_mahalanobis")]


@pytest.mark.parametrize("name", first(2, NAMES))
def test_scrambled_digits_are_stranger_than_digits(model, usual, digits, name):
    x = digits[0][1400:1500]
    order = np.random.default_rng(0).permutation(64)
    scrambled = x.reshape(len(x), 64)[:, order].reshape(x.shape)
    score = SCORES[name]().fit(usual)
    fresh, strange = (score(Evidence(model, each, compute=usual._compute)) for each in (x, scrambled))
    assert fresh.shape == (100,) and np.isfinite(fresh).all() and np.isfinite(strange).all()
    # 100 x 100 pairs. Scores of codes see nothing but where the encoder puts the example.
    assert np.mean(strange[:, None] > fresh[None]) > (0.6 if name.startswith("code") else 0.85)


def linear(cls, **options):
    """A model whose mean of p(x|z) is linear in z, with p(x|z) = N(W z + b, 0.5^2), and examples."""
    networks = (kae.networks.MLP([6], activation="linear") for _ in range(2))
    model = cls(*networks, likelihood=likelihoods.Normal(scale=0.5), **options)
    model.build((None, 4))
    zero, *units = np.concatenate([np.zeros([1, model.latent_dim]), np.eye(model.latent_dim)]).astype(np.float32)
    b = model.decode(zero[None]).numpy()[0].astype(np.float64)
    w = np.stack([model.decode(unit[None]).numpy()[0] - b for unit in units], axis=1)  # [4, D]
    return model, w, b, np.random.default_rng(0).normal(size=[20, 4])


@pytest.mark.slow
def test_regret_is_the_divergence_from_the_exact_posterior():
    """With one dimension, the exact posterior of a linear model is in the family of q."""
    model, w, b, x = linear(kae.models.VAE, latent_dim=1)
    params = model.posterior(x.astype(np.float32))
    loc, scale = params.mean().numpy()[:, 0].astype(np.float64), params.stddev().numpy()[:, 0].astype(np.float64)
    variance = 1.0 / (1.0 + (w**2).sum() / 0.25)
    mean = variance * ((x - b) @ w)[:, 0] / 0.25
    expected = 0.5 * (np.log(variance / scale**2) + (scale**2 + (loc - mean) ** 2) / variance - 1.0)
    found = LikelihoodRegret(steps=300, num_samples=2000)(Evidence(model, x.astype(np.float32)))
    # The optimum is missed by the noise of Adam's last steps, and each ELBO has 2,000 draws.
    np.testing.assert_allclose(found, expected, rtol=0.05, atol=0.05)
    assert np.ptp(expected) > 1.0
    begun = LikelihoodRegret(steps=1, learning_rate=1e-6)(Evidence(model, x.astype(np.float32)))
    np.testing.assert_allclose(begun, 0.0, atol=1e-3)  # hardly a step: of about 10 nats, float32


def test_the_ratio_of_layers_is_its_closed_form():
    """A linear model whose q(z_1|z_2, x) does not see z_2, and whose prior of z_1 is the standard normal."""
    model, w, b, x = linear(kae.models.HierarchicalVAE, sizes=[2, 1])
    merge = model.posterior_layer.merges[0].kernel
    merge.assign(np.zeros(merge.shape))
    given = model.posterior_params(tf.constant(x, tf.float32))
    (m, s), (m2, _) = (
        [each.numpy().astype(np.float64) for each in model.posterior_layer.layer(given, level, above)]
        for level, above in ((0, tf.zeros([20, 1])), (1, None))
    )
    w1, w2 = w[:, :2], w[:, 2:]
    rest, lower = x - b - m2 @ w2.T, m @ w1.T
    squares = -2.0 * (rest * lower).sum(1) + (lower**2).sum(1) + (s**2 - 1.0) @ (w1**2).sum(0)
    kl = 0.5 * (m**2 + s**2 - 1.0 - 2.0 * np.log(s)).sum(1)
    found = HierarchicalRatio(num_samples=500)(Evidence(model, x.astype(np.float32)))
    expected = -squares / (2 * 0.25) - kl
    # 500 draws of quadratic forms of a few nats.
    np.testing.assert_allclose(found, expected, rtol=0.1, atol=0.5)
    assert np.ptp(expected) > 2.0


@pytest.mark.slow
@pytest.mark.parametrize("cls", [kae.models.HierarchicalVAE, kae.models.LadderVAE])
def test_where_the_code_explains_nothing_the_ratio_is_the_divergence_of_the_lower_layers(cls, digits):
    model = cls(sizes=[6, 4, 2])
    model.build((None, 8, 8, 1))
    for weight in model.likelihood_layer.weights:
        weight.assign(np.zeros(weight.shape))
    x = digits[0][:20]
    posterior, prior = model.posterior(x), model.prior()
    total = posterior.sample_and_kl(prior, 2000, seed=tf.constant([0, 1]))[1]
    loc, scale = posterior.layer(2, None)
    top = 0.5 * tf.reduce_sum(scale**2 + loc**2 - 1.0 - 2.0 * tf.math.log(scale), axis=-1)
    found = HierarchicalRatio(lower=2, num_samples=200)(Evidence(model, x))
    # 200 draws of the layers above, of which the divergences vary by less than a nat.
    np.testing.assert_allclose(found, -(total - top).numpy(), rtol=0.05, atol=0.1)
    assert found.max() < -0.1


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("hierarchical_ratio", lambda: kae.models.VAE(latent_dim=2), "more than 1 layers of codes, .* Received: VAE"),
        ("hierarchical_ratio", lambda: kae.models.LadderVAE(sizes=[2]), "Received: LadderVAE with 1 layers"),
        ("likelihood_regret", lambda: kae.models.AE(latent_dim=2), "a posterior with a density, .*: Deterministic"),
        ("likelihood_regret", lambda: kae.models.VQVAE(num_codes=4, latent_dim=8), "Received: VectorQuantizer"),
    ],
    ids=["vae", "one_layer", "ae", "vqvae"],
)
def test_a_model_without_the_score_is_refused(name, make, message, digits):
    model = make()
    model.build((None, 8, 8, 1))
    with pytest.raises(ValueError, match=message):
        SCORES[name]()(Evidence(model, digits[0][:20]))


@pytest.mark.slow
def test_scores_in_a_graph_are_copied_without_it(model, digits):
    import pickle

    score, evidence = LikelihoodRegret(steps=2, num_samples=2), Evidence(model, digits[0][:5])
    values = score(evidence)
    again = pickle.loads(pickle.dumps(score))
    np.testing.assert_allclose(again(evidence), values, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(score(Evidence(model, digits[0][:3])), values[:3], rtol=1e-5, atol=1e-5)


def test_a_blank_image_is_suspiciously_likely(model, usual, digits):
    blank = np.zeros([1, 8, 8, 1], np.float32)
    auto = SCORES["auto"]().fit(usual)
    assert auto(Evidence(model, blank))[0] > np.quantile(auto(Evidence(model, digits[0][1400:1600])), 0.99)


def test_statistics_are_their_formulas(model, digits):
    x = digits[0][:20]
    found = outlier_statistics(model, x)
    z = model.encode(x)
    p = np.asarray(model.decode(z), np.float64)
    np.testing.assert_allclose(found["squared_error"], ((x - p) ** 2).sum(axis=(1, 2, 3)), rtol=1e-4)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(x > 0, x * np.log(x / p), 0) + np.where(x < 1, (1 - x) * np.log((1 - x) / (1 - p)), 0)
    np.testing.assert_allclose(found["deviance"], terms.sum(axis=(1, 2, 3)), rtol=1e-3)
    np.testing.assert_allclose(found["largest_error"], terms.max(axis=(1, 2, 3)), rtol=1e-3)
    np.testing.assert_allclose(found["code_norm"], np.linalg.norm(z, axis=1), rtol=1e-5)
    shift = np.linalg.norm(model.encode(model.decode(z)) - z, axis=1)
    np.testing.assert_allclose(found["code_shift"], shift, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found["elbo"], -(found["kl"] + found["reconstruction"]), rtol=1e-5)
    at_mean = model.likelihood(z).log_prob(x)
    np.testing.assert_allclose(found["reconstruction_at_mean"], -at_mean.numpy(), rtol=1e-5)


def test_only_the_statistics_that_a_score_uses_are_computed(model, digits):
    names = {"deviance", "codes"}
    found = outlier_statistics_function(model, names=names)(digits[0][:5])
    assert set(found) == names
    np.testing.assert_allclose(found["deviance"], outlier_statistics(model, digits[0][:5])["deviance"], rtol=1e-5)


def test_narrow_examples_are_compared_themselves_and_others_by_codes_and_texture(digits):
    x = digits[0][:40]
    wide = np.repeat(np.repeat(x, 2, axis=1), 2, axis=2)
    conditional = kae.models.ConditionalVAE(latent_dim=2, condition=kae.Categorical(10))
    for model, images, labels, expected in (
        (kae.models.VAE(latent_dim=2), x, None, {"density": 64, "neighbors": 64, "whitened_neighbors": 64}),
        (kae.models.VAE(latent_dim=2), wide, None, {"density": 2, "texture": 12, "expected_deviance": 2}),
        (conditional, x, digits[1][:40], {"density": 2, "texture": 12, "expected_deviance": 2}),
    ):
        model.build((None, *images.shape[1:]))
        found = fit_references(model, images, labels, 0)
        assert {name: each.center.shape[0] for name, each in found.items()} == expected
        statistics = outlier_statistics_function(model, found)(images, labels)
        assert all(np.isfinite(values).all() for values in statistics.values())
        assert expected.keys() - statistics.keys() == ({"expected_deviance"} if "texture" in expected else set())
        assert ("relative_deviance" in statistics) == ("texture" in expected)


def test_auto_is_the_weighted_sum_of_its_tails(digits):
    """Of more than 100 values, the density of the code and the joint density count twice."""
    x = np.kron(digits[0][:160, ..., 0], np.ones([2, 2], np.float32))[..., np.newaxis]
    model = kae.models.VAE(kae.networks.MLP([16]), kae.networks.MLP([16]), latent_dim=2)
    model.build((None, 16, 16, 1))
    compute = outlier_statistics_function(model, fit_references(model, x[:100], None, 0))
    usual, fresh = (Evidence(model, each, compute=compute) for each in (x[:100], x[100:]))
    alone = ("deviance", "relative_deviance", "squared_error", "largest_error", "texture", "density")
    together = (*(name for name in alone if name != "relative_deviance"), "kl", "entropy", "mean", "mean_square")
    expected = sum(Tail(usual.statistic(name))(fresh.statistic(name)) for name in (*alone, "density"))
    joint = JointDensity(usual, sorted(together, key=SCORES["auto"].uses.index))
    expected = expected + 2.0 * Tail(joint(usual))(joint(fresh))
    np.testing.assert_allclose(SCORES["auto"]().fit(usual)(fresh), expected, rtol=1e-6)


@pytest.mark.slow
def test_usual_examples_far_from_all_others_are_left_out_of_the_fit():
    """Outliers in the training data do not hide others of their kind."""
    rng = np.random.default_rng(0)
    usual, odd = rng.normal(size=[900, 2]), rng.uniform(-9.0, 9.0, size=[100, 2])
    model = kae.models.VAE(kae.networks.MLP([8]), kae.networks.MLP([8]), latent_dim=2, likelihood="normal")
    model.build((None, 2))
    x = np.concatenate([usual, odd])
    found = fit_references(model, x, None, 0)
    clean = fit_references(model, usual, None, 0)["density"]
    place = np.array([[8.0, -8.0], [0.0, 7.0]])
    assert (found["density"](place) > 15.0).all() and (clean(place) > 15.0).all()
    compute = outlier_statistics_function(model, found)
    score = SCORES["auto"]().fit(Evidence(model, x, compute=compute))
    fresh, strange = (
        score(Evidence(model, each, compute=compute))
        for each in (rng.normal(size=[500, 2]), rng.uniform(-9.0, 9.0, size=[500, 2]))
    )
    # Of the outliers, 4% are where usual examples are.
    assert np.mean(strange[:, None] > fresh[None]) > 0.95


@pytest.mark.parametrize(
    ("likelihood", "x"),
    [
        (likelihoods.Bernoulli(), np.array([0.0, 0.3, 1.0])),
        (likelihoods.Normal(scale=0.5), np.array([-1.0, 0.0, 2.0])),
        (likelihoods.Normal(scale="pixel"), np.array([-1.0, 0.0, 2.0])),
        (likelihoods.Laplace(scale=0.5), np.array([-1.0, 0.0, 2.0])),
        (likelihoods.Poisson(), np.array([0.0, 1.0, 7.0])),
        (likelihoods.NegativeBinomial(concentration=3.0), np.array([0.0, 1.0, 7.0])),
        (likelihoods.DiscretizedLogistic(levels=5), np.array([0.0, 0.25, 1.0])),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_location_is_better_than_the_best(likelihood, x):
    """A fine grid of raw locations: its best log-probability is just below the closed form."""
    likelihood.set_event_shape((3,))
    likelihood.build((None, 4))
    raw = np.linspace(-40.0, 40.0, 40_001, dtype=np.float32)
    params = np.repeat(raw[:, None], 3, axis=1)
    if likelihood.parameters_per_value == 2:
        params = np.stack([params, np.full_like(params, 0.3)], axis=-1)
    x = tf.constant(x, tf.float32)
    grid = likelihood.value_log_prob(tf.constant(params), x).numpy().max(axis=0)
    best = likelihood.best_log_prob(tf.constant(params[:1]), x).numpy().reshape(-1)
    np.testing.assert_allclose(grid, best, atol=2e-3)  # the step of the grid
    assert (grid <= best + 1e-5).all()


def test_values_add_up_to_the_log_probability(digits):
    likelihood = likelihoods.Bernoulli(event_shape=(8, 8, 1))
    likelihood.build((None, 16))
    params = likelihood(np.random.default_rng(0).normal(size=[5, 16]).astype("float32"))
    values = likelihood.value_log_prob(params, digits[0][:5])
    whole = likelihood.distribution(params).log_prob(digits[0][:5])
    np.testing.assert_allclose(tf.reduce_sum(values, axis=[1, 2, 3]), whole, rtol=1e-5)


def test_a_likelihood_without_a_closed_form_has_no_deviance(digits):
    model = kae.models.VAE(latent_dim=2, likelihood="continuous_bernoulli")
    model.build((None, 8, 8, 1))
    evidence = Evidence(model, digits[0][:50])
    assert "deviance" not in evidence.statistics
    with pytest.raises(ValueError, match=r"VAE has no deviance for single examples. It has: code_norm"):
        SCORES["deviance"]().fit(evidence)(evidence)
    assert np.isfinite(SCORES["auto"]().fit(evidence)(evidence)).all()


def test_the_length_of_an_image_is_its_bytes_as_png_or_jpeg(model, usual, digits):
    import io

    from PIL import Image

    x = digits[0][:3]
    low, high = float(usual.x.min()), float(usual.x.max())
    levels = np.round(255.0 * (x[..., 0] - low) / (high - low)).astype(np.uint8)
    for image_format, options in (("png", {"optimize": True}), ("jpeg", {"quality": 95})):
        found = InputComplexity(image_format).fit(usual)(Evidence(model, x))
        for each, image, elbo in zip(found, levels, Evidence(model, x).statistic("elbo"), strict=True):
            buffer = io.BytesIO()
            Image.fromarray(image).save(buffer, image_format, **options)
            np.testing.assert_allclose(each, -elbo - 8.0 * np.log(2.0) * len(buffer.getvalue()), rtol=1e-5)
    with pytest.raises(ValueError, match=r"`image_format` must be .* Received: image_format='gif'"):
        InputComplexity("gif")


def test_the_length_of_a_table_row_is_its_bytes_by_gzip():
    import gzip

    model, _, _, x = linear(kae.models.VAE, latent_dim=1)
    evidence = Evidence(model, x.astype(np.float32))
    levels = np.round(255.0 * (evidence.x - evidence.x.min()) / np.ptp(evidence.x)).astype(np.uint8)
    lengths = np.array([len(gzip.compress(row.tobytes(), mtime=0)) for row in levels])
    expected = -evidence.statistic("elbo") - 8.0 * np.log(2.0) * lengths
    np.testing.assert_allclose(InputComplexity().fit(evidence)(evidence), expected, rtol=1e-6)


def test_the_distance_of_codes_is_mahalanobis(model, usual, digits):
    from sklearn.covariance import LedoitWolf

    codes, others = usual.codes, Evidence(model, digits[0][:20]).codes
    scaled = codes / codes.std(axis=0)
    expected = LedoitWolf().fit(scaled).mahalanobis(others / codes.std(axis=0))
    found = SCORES["code_mahalanobis"]().fit(usual)(Evidence(model, digits[0][:20]))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_ratio_to_the_same_model_is_zero(model, usual):
    np.testing.assert_allclose(LikelihoodRatio(model).fit(usual)(usual), 0.0, atol=1e-3)  # of about 20 nats, float32


def test_the_tail_of_an_exponential_distribution_is_linear():
    tail = Tail(np.random.default_rng(0).exponential(size=100_000))
    s = np.array([0.1, 1.0, 2.0, 10.0])
    np.testing.assert_allclose(tail(s), s, rtol=0.05)  # the mean excess of 5,000 values
    assert (np.diff(tail(np.linspace(-1.0, 20.0, 400))) >= 0).all()


def test_a_constant_statistic_has_a_tail():
    tail = Tail(np.ones(10))
    assert np.isfinite(tail(np.array([0.0, 1.0, 2.0]))).all() and tail(np.array([2.0])) > tail(np.array([1.0]))
