"""Generated against real rows of a table, or sequences: single columns, pairs of columns, and whole rows."""

import numpy as np

from keras_ae.evaluate.samples.frechet_distance import check_features


def marginal_distances(real: np.ndarray, generated: np.ndarray) -> np.ndarray:
    """Returns the Wasserstein distance of each column's real and generated values, in standard deviations.

        W_d = integral |F_d(t) - G_d(t)| dt / std(real_d)

    Args:
        real, generated: rows [N, D] and [M, D].

    Returns:
        float64 array [D], >= 0. A column that is constant in the real data has the distance in its own units.

    Raises:
        ValueError: for other shapes, NaN or infinity.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=[1000, 2]) * [1.0, 5.0]
        >>> marginal_distances(x, x + [0.0, 5.0]).round(1).tolist()
        [0.0, 1.0]
    """
    from scipy.stats import wasserstein_distance  # slow to import

    real, generated = check_features(real, generated)
    scale = real.std(axis=0)
    found = [wasserstein_distance(x, y) for x, y in zip(real.T, generated.T, strict=True)]
    return np.asarray(found) / np.where(scale > 0, scale, 1.0)


def correlation_distance(real: np.ndarray, generated: np.ndarray) -> float:
    """Returns the mean absolute difference of the correlations of all pairs of columns, in [0, 2].

    Args:
        real, generated: rows [N, D] and [M, D], D >= 2. A constant column has correlation 0 with the others.

    Raises:
        ValueError: for other shapes, NaN or infinity.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=[1000, 1])
        >>> round(correlation_distance(np.hstack([x, x]), np.hstack([x, -x])), 6)
        2.0
    """
    real, generated = check_features(real, generated)
    if real.shape[1] < 2:
        raise ValueError(f"`real` must have at least two columns. Received: {real.shape[1]}")
    pairs = np.triu_indices(real.shape[1], 1)
    return float(np.abs(_correlations(real)[pairs] - _correlations(generated)[pairs]).mean())


def two_sample_scores(real: np.ndarray, generated: np.ndarray, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores every row by a classifier of real against generated rows, which did not see it in training.

    The area under its ROC curve is 0.5 if nobody can tell the two apart, and 1 if everybody can. The classifier is
    scikit-learn's random forest of 200 trees. A row is scored by the trees that were grown without it (out of bag).

    Args:
        real, generated: rows [N, D] and [M, D].
        seed: integer seed of the forest.

    Returns:
        (is_real, score): bool array and float64 array [N + M].

    Raises:
        ValueError: for other shapes, NaN or infinity.

    References:
        Lopez-Paz and Oquab 2017, arXiv:1610.06545, section 3; Breiman 2001, "Random forests", section 3.1.
    """
    from sklearn.ensemble import RandomForestClassifier  # slow to import

    real, generated = check_features(real, generated)
    is_real = np.arange(len(real) + len(generated)) < len(real)
    forest = RandomForestClassifier(200, min_samples_leaf=2, oob_score=True, random_state=seed)
    forest.fit(np.concatenate([real, generated]), is_real)
    return is_real, forest.oob_decision_function_[:, 1]


def _correlations(x):
    centered = x - x.mean(axis=0)
    norm = np.linalg.norm(centered, axis=0)
    centered = centered / np.where(norm > 1e-12 * np.abs(x).max(initial=1.0), norm, np.inf)
    return centered.T @ centered
