"""Distances and overlaps of sets of features, against closed forms and naive loops."""

import numpy as np
import pytest

from keras_ae.evaluate import samples

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=[60, 3]), RNG.normal(0.5, 1.2, size=[50, 3])


def test_kernel_distance_is_the_unbiased_estimate_of_its_definition():
    def k(x, y):
        return (x @ y / 3 + 1) ** 3

    other = np.mean([k(a, b) for i, a in enumerate(Y) for j, b in enumerate(Y) if i != j])
    same = np.mean([k(a, b) for i, a in enumerate(X) for j, b in enumerate(X) if i != j])
    cross = np.mean([k(a, b) for a in X for b in Y])
    found = samples.kernel_distance(X, Y)
    np.testing.assert_allclose(found.value, same + other - 2 * cross, rtol=1e-9)
    # The jackknife, row by row.
    variance = 0.0
    for sets in ([X, Y], [Y, X]):
        without = [samples.kernel_distance(np.delete(sets[0], i, axis=0), sets[1]).value for i in range(len(sets[0]))]
        variance += (len(without) - 1) * np.var(without)
    np.testing.assert_allclose(found.standard_error, np.sqrt(variance), rtol=1e-9)
    assert np.isnan(samples.kernel_distance(X[:2], Y).standard_error)


def test_the_standard_error_of_the_kernel_distance_is_its_spread_over_data():
    found = [samples.kernel_distance(RNG.normal(size=[80, 3]), RNG.normal(0.5, 1.2, size=[80, 3])) for _ in range(200)]
    spread, errors = np.std([each.value for each in found]), [each.standard_error for each in found]
    # A standard deviation of 200 values has an error of 5%, the jackknife a bias of a few per cent.
    np.testing.assert_allclose(np.median(errors), spread, rtol=0.25)


def test_kernel_distance_has_no_bias():
    """Two halves of one distribution: the mean of estimates is within three standard errors of 0."""
    found = [samples.kernel_distance(*RNG.normal(size=[2, 30, 3])).value for _ in range(300)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(300)


def test_overlap_is_that_of_a_loop_over_pairs():
    k = 4

    def radius(x, i):
        return np.sort(np.linalg.norm(x - x[i], axis=1))[k]

    real, fake = [radius(X, i) for i in range(len(X))], [radius(Y, j) for j in range(len(Y))]
    inside = np.array([[np.linalg.norm(x - y) <= real[i] for y in Y] for i, x in enumerate(X)])
    recalled = [any(np.linalg.norm(x - y) <= fake[j] for j, y in enumerate(Y)) for x in X]
    found = samples.manifold_overlap(X, Y, k=k)
    expected = [inside.any(axis=0).mean(), np.mean(recalled), inside.sum() / (k * len(Y)), inside.any(axis=1).mean()]
    np.testing.assert_allclose([found.precision, found.recall, found.density, found.coverage], expected)


def test_generated_outliers_cost_precision_and_one_mode_costs_recall():
    real = np.concatenate([X, X + 100.0])
    one_mode = samples.manifold_overlap(real, RNG.normal(size=[120, 3]))
    assert one_mode.precision > 0.8 and one_mode.recall < 0.55 and one_mode.coverage < 0.55
    half_outliers = samples.manifold_overlap(
        X, np.concatenate([RNG.normal(size=[60, 3]), RNG.normal(size=[60, 3]) + 50])
    )
    np.testing.assert_allclose(half_outliers.precision, 0.5, atol=0.1)


def test_memorization_finds_copies_and_accepts_new_draws():
    training, held_out, new = RNG.normal(size=[3, 200, 2])
    copies = samples.memorization(training, held_out, training[:50] + 1e-6)
    np.testing.assert_array_equal(copies.nearest, np.arange(50))
    assert copies.closer > 0.99 and copies.interval[0] > 0.9
    fresh = samples.memorization(training, held_out, new)
    assert fresh.interval[0] < 0.5 < fresh.interval[1]
    assert samples.memorization(training, held_out, new + 9.0).closer < 0.05


def test_marginal_distance_of_a_shift_is_the_shift():
    found = samples.marginal_distances(X, X + np.array([0.0, 1.0, -2.0]))
    np.testing.assert_allclose(found, np.array([0.0, 1.0, 2.0]) / X.std(axis=0), atol=1e-12)
    constant = np.ones([5, 1])
    np.testing.assert_allclose(samples.marginal_distances(constant, constant + 3.0), [3.0])


def test_correlations_of_pairs():
    expected = np.abs(np.corrcoef(X.T) - np.corrcoef(Y.T))[np.triu_indices(3, 1)].mean()
    np.testing.assert_allclose(samples.correlation_distance(X, Y), expected)
    constant = X * [1.0, 1.0, 0.0] + 7.0
    expected = abs(np.corrcoef(X[:, :2].T)[0, 1] - np.corrcoef(Y[:, :2].T)[0, 1])
    rest = np.abs(np.corrcoef(Y.T)[2, :2]).sum()
    np.testing.assert_allclose(samples.correlation_distance(constant, Y), (expected + rest) / 3)


def test_two_samples_of_one_distribution_cannot_be_told_apart():
    from keras_ae.evaluate.statistics import area_under_roc

    x, y = RNG.normal(size=[2, 200, 2])
    area, (low, high) = area_under_roc(*samples.two_sample_scores(x, y))
    assert low < 0.5 < high and abs(area - 0.5) < 0.15
    assert area_under_roc(*samples.two_sample_scores(x, y + 3.0))[0] > 0.97


def test_area_under_the_curve_is_that_of_scikit_learn():
    from sklearn.metrics import roc_auc_score

    from keras_ae.evaluate.statistics import area_under_roc

    positive, scores = RNG.random(200) < 0.3, RNG.integers(9, size=200)
    np.testing.assert_allclose(area_under_roc(positive, scores)[0], roc_auc_score(positive, scores))
    with pytest.raises(ValueError, match="must have true and false values"):
        area_under_roc(np.ones(3, bool), np.arange(3))


@pytest.mark.parametrize("num", [1, 2, 5, 50, 3000])
def test_the_interval_of_an_area_has_a_width_everywhere(num):
    from keras_ae.evaluate.statistics import area_under_roc

    positive = np.arange(2 * num) < num
    for scores in (positive, ~positive, np.zeros(2 * num), np.where(np.arange(2 * num) == num, 1.0, positive)):
        area, (low, high) = area_under_roc(positive, scores)
        assert 0 <= low <= area <= high <= 1 and low < high
        if 0 < area < 1 and num == 3000:  # far from the ends, Wald's interval is the same
            q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
            error = np.sqrt((area * (1 - area) + (num - 1) * (q1 + q2 - 2 * area**2)) / num**2)
            np.testing.assert_allclose(high - low, 2 * 1.96 * error, rtol=0.1 if area == 0.5 else 1.0)


def test_diversity_is_the_mean_squared_distance_of_pairs():
    labels = np.arange(60) % 2
    pairs = [np.sum((X[i] - X[j]) ** 2) for i in range(0, 60, 2) for j in range(0, 60, 2) if i != j]
    np.testing.assert_allclose(samples.diversity_within_classes(X, labels)[0], np.mean(pairs))


FUNCTIONS = {
    "frechet_distance": samples.frechet_distance,
    "kernel_distance": samples.kernel_distance,
    "manifold_overlap": samples.manifold_overlap,
    "marginal_distances": samples.marginal_distances,
    "correlation_distance": samples.correlation_distance,
    "two_sample_scores": samples.two_sample_scores,
    "memorization": lambda x, y: samples.memorization(x, y, y),
}


@pytest.mark.parametrize("bad", [X[:1], X[:0], np.full_like(X, np.nan), X[:, 0], X[:, :1]], ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_bad_features_are_refused(name, bad):
    with pytest.raises(ValueError, match=r"must be|must have"):
        FUNCTIONS[name](bad, X)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "correlation_distance"])
def test_constant_features_give_a_number(name):
    constant = np.ones([20, 2])
    found = FUNCTIONS[name](constant, constant)
    values = np.asarray(getattr(found, "value", getattr(found, "closer", getattr(found, "precision", found))), float)
    assert np.isfinite(values).all()


def test_too_many_neighbors_are_refused():
    with pytest.raises(ValueError, match="`k` must be less than the numbers of examples"):
        samples.manifold_overlap(X, Y, k=50)
