"""Densities fitted to codes: against SciPy and scikit-learn, and as what they draw."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats
from sklearn.mixture import GaussianMixture
from tiers import first

import keras_ae as kae
from keras_ae.latents import samplers

NUM = 1500
SEEDS, ROWS = tf.fill([20000], 5), tf.range(20000)


def clusters(rng, num):
    """Two clusters, the second with twice as many codes; units and places of the values differ."""
    second = rng.random((num, 1)) < 2 / 3
    first = rng.normal(size=(num, 2)) @ [[1, 1], [0, 0.5]]
    each = np.where(second, rng.normal(size=(num, 2)) * [0.7, 1.0] + [4, 0], first)
    return (each * [10.0, 0.05] + [-100.0, 3.0]).astype("float32")


CODES = clusters(np.random.default_rng(0), NUM)
FRESH = clusters(np.random.default_rng(1), 300)
MAKERS = {
    "normal": samplers.NormalSampler,
    "gaussian_mixture": lambda: samplers.GaussianMixtureSampler(2),
    "kernel_density": lambda: samplers.KernelDensitySampler(max_codes=1000),
    "flow": lambda: samplers.FlowSampler(kae.latents.RealNVP(4, hidden=(32,)), epochs=20, learning_rate=0.01),
    "two_stage": lambda: samplers.TwoStageSampler((64, 64), epochs=40, learning_rate=0.01),
}


@pytest.fixture(scope="module")
def fitted():
    """A function that gives a sampler fitted to the codes, fitted once."""
    made = {}

    def get(name):
        if name not in made:
            made[name] = MAKERS[name]()
            made[name].fit(CODES, verbose=False)
        return made[name]

    return get


def log_prob(sampler, z=FRESH):
    return sampler.distribution().log_prob(z).numpy()


def whitened(z):
    factor = np.linalg.cholesky(np.cov(CODES.astype("float64"), rowvar=False))
    return np.linalg.solve(factor, (z - CODES.mean(axis=0, dtype="float64")).T).T, np.linalg.slogdet(factor)[1]


def test_every_sampler_is_tried_here():
    assert set(MAKERS) == set(samplers.SAMPLERS) - {"autoregressive"}  # for codes of codebooks: its own file


def test_normal_density_equals_scipy(fitted):
    codes = CODES.astype("float64")
    expected = stats.multivariate_normal(codes.mean(axis=0), np.cov(codes, rowvar=False)).logpdf(FRESH)
    np.testing.assert_allclose(log_prob(fitted("normal")), expected, rtol=1e-3, atol=1e-3)  # float32, 100 from zero


def test_mixture_density_equals_scikit_learn(fitted):
    white, log_det = whitened(CODES)
    mixture = GaussianMixture(2, random_state=0, max_iter=500).fit(white.astype("float32").astype("float64"))
    expected = mixture.score_samples(whitened(FRESH)[0]) - log_det
    np.testing.assert_allclose(log_prob(fitted("gaussian_mixture")), expected, rtol=1e-3, atol=1e-3)
    # Whitening changes nothing for maximum likelihood with full covariances, but where the iterations stop.
    raw = GaussianMixture(2, random_state=0, tol=1e-8, max_iter=5000).fit(CODES.astype("float64"))
    assert log_prob(fitted("gaussian_mixture")).mean() == pytest.approx(raw.score(FRESH), abs=0.02)


@pytest.mark.parametrize("bandwidth", ["scott", 0.3])
def test_kernel_density_equals_scipy(bandwidth):
    sampler = samplers.KernelDensitySampler(bandwidth)
    sampler.fit(CODES)
    kernels = stats.gaussian_kde(CODES.T.astype("float64"), bw_method=bandwidth)
    np.testing.assert_allclose(log_prob(sampler), kernels.logpdf(FRESH.T), rtol=2e-3, atol=2e-3)


def test_cross_validated_bandwidth_is_the_best_for_codes_that_are_left_out():
    codes = CODES[:400]
    sampler = samplers.KernelDensitySampler()
    sampler.fit(codes)
    distances = np.square(sampler.centers.numpy()[:, np.newaxis] - sampler.centers.numpy()).sum(axis=-1)
    np.fill_diagonal(distances, np.inf)

    def score(width):
        return np.mean(special.logsumexp(-0.5 * distances / width**2, axis=1)) - 2 * np.log(width)

    best = max(score(width) for width in np.geomspace(0.01, 2, 100))
    scott = 400 ** (-1 / 6)
    # 5 folds in place of 400, and steps of 21% between candidates; Scott's rule loses far more.
    assert score(float(sampler.width.numpy())) > best - 0.01
    assert score(scott) < best - 0.05


def test_kernel_density_keeps_so_many_codes(fitted):
    sampler = fitted("kernel_density")
    kept = sampler.centers.numpy()
    assert kept.shape == (1000, 2) and sampler.num_codes == NUM
    white = whitened(CODES)[0]
    nearest = np.abs(kept[:, np.newaxis] - white[np.newaxis]).sum(axis=-1).min(axis=1)
    assert nearest.max() < 1e-4  # they are codes
    assert len(np.unique(kept, axis=0)) == 1000


@pytest.mark.parametrize("name", first(1, ["gaussian_mixture", "kernel_density", "flow"]))
def test_fresh_codes_are_more_likely_than_under_a_normal_distribution(fitted, name):
    """By 0.5 nats under the mixture that made them."""
    gain = log_prob(fitted(name)).mean() - log_prob(fitted("normal")).mean()
    assert gain > 0.2, gain


@pytest.mark.slow
def test_densities_integrate_to_one(fitted):
    x, y = np.linspace(-180, 30, 250), np.linspace(2.4, 3.6, 150)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype("float32")
    for name in ("normal", "gaussian_mixture", "flow"):
        density = np.exp(log_prob(fitted(name), grid).astype("float64"))
        assert density.sum() * (x[1] - x[0]) * (y[1] - y[0]) == pytest.approx(1, abs=0.02), name


def marginals(name, sampler):
    """Cumulative distribution functions of the two values, from the formula."""
    loc, factor = sampler.loc.numpy(), sampler.scale_tril.numpy().astype("float64")
    if name == "normal":
        weights, locs, covariances = np.ones(1), loc[np.newaxis], (factor @ factor.T)[np.newaxis]
    elif name == "gaussian_mixture":
        weights = np.exp(sampler.logits.numpy())
        locs = loc + sampler.locs.numpy() @ factor.T
        parts = factor @ sampler.factors.numpy()
        covariances = parts @ parts.swapaxes(1, 2)
    else:
        locs = loc + sampler.centers.numpy() @ factor.T
        weights = np.full(len(locs), 1 / len(locs))
        covariances = np.tile(sampler.width.numpy() ** 2 * factor @ factor.T, [len(locs), 1, 1])
    for axis in range(2):
        deviations = np.sqrt(covariances[:, axis, axis])
        yield lambda v, m=locs[:, axis], s=deviations: sum(
            w * stats.norm.cdf(v, *p) for w, *p in zip(weights, m, s, strict=True)
        )


@pytest.mark.parametrize("name", ["normal", "gaussian_mixture", "kernel_density"])
def test_samples_have_the_quantiles_of_the_density(fitted, name):
    z = fitted(name).sample(SEEDS[:5000], ROWS[:5000]).numpy()
    for values, cdf in zip(z.T, marginals(name, fitted(name)), strict=True):
        assert stats.kstest(values, cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", first(2, MAKERS))
def test_samples_have_the_mean_and_the_covariance_of_the_codes(fitted, name):
    white = whitened(fitted(name).sample(SEEDS, ROWS).numpy())[0]
    # Of 20,000 draws; kernels add their own variance; what is fitted by gradients is as good as its training.
    mean, covariance = {"flow": (0.2, 0.3), "two_stage": (0.2, 0.3), "kernel_density": (0.1, 0.15)}.get(
        name, (0.03, 0.05)
    )
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=mean)
    np.testing.assert_allclose(np.cov(white.T), np.eye(2), atol=covariance)


@pytest.mark.parametrize("name", first(1, ["flow", "two_stage", "gaussian_mixture", "kernel_density"]))
def test_samples_have_the_clusters_of_the_codes(fitted, name):
    """The normal distribution has its mode where the codes have hardly any, and is at a distance of 0.2."""

    def distance(name):
        return stats.ks_2samp(fitted(name).sample(SEEDS, ROWS).numpy()[:, 0], CODES[:, 0]).statistic

    assert distance("normal") > 0.15
    assert distance(name) < (0.12 if name in ("flow", "two_stage") else 0.05)


@pytest.mark.parametrize("name", MAKERS)
def test_a_code_depends_on_nothing_but_seed_and_row(fitted, name):
    sampler = fitted(name)
    ten, again = (sampler.sample(tf.fill([10], 7), tf.range(10)) for _ in range(2))
    np.testing.assert_array_equal(ten, again)
    np.testing.assert_allclose(sampler.sample(tf.fill([3], 7), tf.range(4, 7)), ten[4:7], rtol=1e-5)
    assert np.abs(ten - sampler.sample(tf.fill([10], 8), tf.range(10))).max() > 1e-2
    assert len(np.unique(ten.numpy(), axis=0)) == 10


@pytest.mark.parametrize("name", MAKERS)
def test_config_and_weights_make_the_same_sampler(fitted, name):
    sampler = fitted(name)
    again = type(sampler).from_config(sampler.get_config())
    assert again.get_config() == sampler.get_config()
    again.build((None, 2))
    with pytest.raises(ValueError, match="is not fitted"):
        again.sample(SEEDS[:3], ROWS[:3])
    again.set_weights(sampler.get_weights())
    assert sampler.trainable_weights == again.trainable_weights == []
    np.testing.assert_array_equal(again.sample(SEEDS[:9], ROWS[:9]), sampler.sample(SEEDS[:9], ROWS[:9]))


def test_fits_are_repeatable_and_follow_the_seed():
    def fit(seed):
        sampler = samplers.GaussianMixtureSampler(5)
        sampler.fit(CODES, seed=seed)
        return sampler.get_weights()

    first = fit(1)
    for weight, again in zip(first, fit(1), strict=True):
        np.testing.assert_array_equal(weight, again)
    assert any((a != b).any() for a, b in zip(first, fit(2), strict=True))


def epochs_shown(capsys, **arguments):
    sampler = samplers.FlowSampler(kae.latents.RealNVP(2, hidden=(8,)), epochs=10, **arguments)
    sampler.fit(CODES[:300])
    return sampler, capsys.readouterr().out.splitlines()


@pytest.mark.slow
def test_progress_is_shown_and_training_ends_when_held_out_codes_get_less_likely(capsys):
    _, lines = epochs_shown(capsys)
    assert len(lines) == 10 and lines[2].startswith("FlowSampler  epoch  3/10  loss")
    # Steps that are far too long: what is kept is what was best.
    sampler, lines = epochs_shown(capsys, patience=1, learning_rate=0.5)
    losses = [float(line.split("val_loss ")[1].split()[0]) for line in lines]
    assert len(lines) < 10 and losses[-1] > min(losses)
    held_out = np.random.default_rng(0).permutation(300)[270:]
    log_det = np.linalg.slogdet(sampler.scale_tril.numpy())[1]
    assert -log_prob(sampler, CODES[held_out]).mean() - log_det == pytest.approx(min(losses), abs=0.02)


def test_two_stage_has_no_density(fitted):
    with pytest.raises(NotImplementedError, match="has samples but no density"):
        fitted("two_stage").distribution()


def test_values_that_never_change_stay_as_they_are():
    codes = np.concatenate([CODES, np.full([NUM, 1], 2.5)], axis=1)
    sampler = samplers.NormalSampler()
    sampler.fit(codes)
    np.testing.assert_allclose(sampler.sample(SEEDS[:50], ROWS[:50])[:, 2], 2.5, atol=0.1)  # 1/1000 of the others


@pytest.mark.parametrize(
    ("sampler", "codes", "sentence"),
    [
        ("normal", CODES[:2], "`codes` must have at least 3 rows for dimension 2. Received: 2"),
        ("gaussian_mixture", CODES[:9], "`codes` must have at least 10 rows for dimension 2. Received: 9"),
        ("kernel_density", CODES[:9], "`codes` must have at least 10 rows for dimension 2. Received: 9"),
        ("flow", CODES[:19], "`codes` must have at least 20 rows for dimension 2. Received: 19"),
        ("flow", CODES[:, :1], "`latent_dim` must be >= 2"),
        ("normal", np.zeros([10, 2]), "`codes` must not all be equal"),
        ("normal", np.full([10, 2], np.nan), r"`codes` must be finite. Received: nan at index \(0, 0\)"),
        ("normal", np.zeros([10]), r"`codes` must have shape \[N, ...\]"),
        ("normal", np.zeros([10, 2, 2]), r"`codes` must have shape \[N, D\]. Received: \[10, 2, 2\]"),
        ("normal", np.zeros([0, 2]), "`codes` must have at least one example"),
    ],
)
def test_codes_that_cannot_be_fitted_are_refused(sampler, codes, sentence):
    with pytest.raises(ValueError, match=sentence):
        samplers.get(sampler).fit(codes)


def test_a_sampler_that_is_not_fitted_says_so_and_one_that_is_is_not_fitted_again(fitted):
    for call in (samplers.NormalSampler().distribution, lambda: samplers.NormalSampler().sample(SEEDS, ROWS)):
        with pytest.raises(ValueError, match=r"NormalSampler is not fitted: call model\.fit_sampler"):
            call()
    with pytest.raises(ValueError, match="is already fitted"):
        fitted("normal").fit(CODES)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: samplers.GaussianMixtureSampler(0), "`components` must be a positive integer"),
        (lambda: samplers.KernelDensitySampler("scot"), '`bandwidth` must be a positive number, "cross_validation" or'),
        (lambda: samplers.KernelDensitySampler(-1.0), "`bandwidth` must be"),
        (lambda: samplers.KernelDensitySampler(max_codes=0), "`max_codes` must be a positive integer"),
        (lambda: samplers.FlowSampler("real_nvq"), "`flow` must be one of .* Did you mean 'real_nvp'"),
        (lambda: samplers.FlowSampler(None), "`flow` must be one of"),
        (lambda: samplers.FlowSampler(patience=0), "`patience` must be a positive integer"),
        (lambda: samplers.TwoStageSampler([]), "`hidden` must be a sequence"),
        (lambda: samplers.TwoStageSampler(latent_dim=0), "`latent_dim` must be a positive integer"),
        (lambda: samplers.TwoStageSampler(learning_rate=float("nan")), "`learning_rate` must be a positive number"),
    ],
)
def test_wrong_arguments_are_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
