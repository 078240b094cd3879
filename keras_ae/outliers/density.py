"""How dense usual examples, or their codes, are at a place."""

import warnings
from typing import NamedTuple

import numpy as np
import tensorflow as tf

_MOST_COMPONENTS = 40
_MOST_VALUES = 40_000  # to fit, at most
_PER_PARAMETER = 3  # values to fit for each free parameter of a component


class Density(NamedTuple):
    """-log p(v) of a mixture of normal distributions with full covariances, in nats.

        p(v) = sum_k weight_k N(v; loc_k, C_k),  with C_k^-1 = factors_k factors_k'

    It consists of arrays, and needs only operations that LiteRT has.

    Args:
        constants: log weight_k + log |det factors_k| - D/2 log 2 pi, float32 [K].
        center: a point, from which distances are measured, float32 [D]: values far from the origin keep their digits.
        loc: loc_k - center, float32 [K, D].
        factors: float32 [K, D, D].
    """

    constants: np.ndarray
    center: np.ndarray
    loc: np.ndarray
    factors: np.ndarray

    def __call__(self, values: np.ndarray | tf.Tensor) -> np.ndarray | tf.Tensor:
        """Returns -log p(v) [B] of values [B, D]: an array in float64, or a float32 tensor in a graph."""
        num, dim = self.loc.shape
        columns = self.factors.transpose(1, 0, 2).reshape(dim, num * dim)
        start = np.einsum("kd,kde->ke", self.loc, self.factors).reshape(-1)
        if not tf.is_tensor(values):
            if len(values) > _ROWS:  # what fits into the cache is several times as fast
                return np.concatenate([self(values[i : i + _ROWS]) for i in range(0, len(values), _ROWS)])
            whitened = (values - self.center.astype(np.float64)) @ columns
            whitened = (whitened - start).reshape(-1, num, dim)
            logs = self.constants - 0.5 * np.einsum("bkd,bkd->bk", whitened, whitened)
            largest = logs.max(axis=-1)
            return -largest - np.log(np.exp(logs - largest[:, np.newaxis]).sum(axis=-1))
        whitened = tf.reshape((values - self.center) @ tf.constant(columns) - start, [-1, num, dim])
        logs = self.constants - 0.5 * tf.reduce_sum(whitened**2, axis=-1)
        largest = tf.reduce_max(logs, axis=-1)
        return -largest - tf.math.log(tf.reduce_sum(tf.exp(logs - largest[:, tf.newaxis]), axis=-1))


def fit_density(values: np.ndarray, seed: int, *, fine: bool = False) -> Density:
    """Fits a `Density`.

    There are at most 40 components, and three values for each free parameter. For up to 5,000 values, the Bayesian
    information criterion chooses among powers of two; of more values, it chooses many anyway. A single component has
    the covariance of Ledoit and Wolf, for which few values are enough.

    Args:
        values: float array [N, D].
        seed: integer seed of the fit.
        fine: whether to try four times as many components too, where there are more than 5,000 values. The likelihood
            of a tenth of the values, which is left out of the fit, chooses.

    References:
        Ghosh et al. 2020, arXiv:1903.12436, section 4, for the density of codes; Schwarz 1978, "Estimating the
        dimension of a model"; Ledoit and Wolf 2004, "A well-conditioned estimator for large-dimensional covariance
        matrices".
    """
    from sklearn.covariance import LedoitWolf  # slow to import

    values = np.asarray(values, np.float64)
    if len(values) > _MOST_VALUES:
        values = values[np.random.default_rng(seed).choice(len(values), _MOST_VALUES, replace=False)]
    num, dim = values.shape
    most = int(np.clip(num / (_PER_PARAMETER * dim * (dim + 3) / 2), 1, _MOST_COMPONENTS))
    center = values.mean(axis=0)
    spread = float(np.sqrt(values.var(axis=0).mean())) or 1.0
    values = (values - center) / spread
    mixture = _mixture(values, most, seed, fine) if most > 1 else None
    if mixture is None or len(mixture.weights_) == 1:
        weights, loc = np.ones(1), np.zeros([1, dim])
        covariances = LedoitWolf(assume_centered=True).fit(values).covariance_ + _LEAST_VARIANCE * np.eye(dim)
        covariances = covariances[np.newaxis]
    else:
        weights, loc, covariances = mixture.weights_, mixture.means_, mixture.covariances_.astype(np.float64)
    # C = L L', so C^-1 = (L^-1)' L^-1.
    factors = np.linalg.inv(np.linalg.cholesky(covariances)).transpose(0, 2, 1) / spread
    logs = np.log(np.maximum(weights, 1e-30)) + np.linalg.slogdet(factors)[1] - dim / 2 * np.log(2 * np.pi)
    return Density(*(np.float32(each) for each in (logs, center, loc * spread, factors)))


def _mixture(values, most, seed, fine):
    """Returns the mixture of scikit-learn with the number of components that suits the values."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    def fitted(num, values=values, steps=50):
        return GaussianMixture(num, reg_covar=_LEAST_VARIANCE, max_iter=steps, random_state=seed).fit(values)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # good enough after these steps, and for equal values
        if len(values) <= _MOST_TO_CHOOSE:
            numbers = [2**power for power in range(most.bit_length())]
            return min((fitted(num) for num in numbers), key=lambda mixture: mixture.bic(values))
        if not fine:
            return fitted(most)
        values = values.astype(np.float32)  # twice as fast
        left_out = np.arange(len(values)) % 10 == 0
        mixtures = (fitted(num, values[~left_out], steps=15) for num in (most, 4 * most))
        return max(mixtures, key=lambda mixture: mixture.score(values[left_out]))


_LEAST_VARIANCE = 1e-3  # relative to the mean variance
_MOST_TO_CHOOSE = 5000
_ROWS = 250
