import numbers

import keras
import numpy as np
import tensorflow as tf

from keras_ae import random
from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Context, Float
from keras_ae.latents.distributions.normals import mixture, normals
from keras_ae.latents.samplers.whitened_sampler import WhitenedSampler
from keras_ae.validation.arguments import MAX_COUNT, check_positive, check_size

_FOLDS = 5
_MOST_VALIDATED = 2000  # codes; the time of cross-validation grows with their square
_CANDIDATES = np.geomspace(0.05, 2.0, 20)  # multiples of Scott's bandwidth, which suits a single normal distribution


@keras.saving.register_keras_serializable(package="keras_ae")
class KernelDensitySampler(WhitenedSampler):
    """Kernel density estimate: a normal kernel at each code, with the codes' covariance times bandwidth squared:

        p(z) = 1/K sum_k N(z; z_k, bandwidth^2 L L')

    It stores the codes as weights of the model and of every export that generates.

    Args:
        bandwidth: `"cross_validation"` for the best of 20 candidates by held-out likelihood in 5 folds (scikit-learn);
            `"scott"` for Scott's rule, K^(-1 / (D + 4)), which is too smooth for clustered codes; or a positive
            number.
        max_codes: maximum number of codes to store, K; a random subset if there are more.

    References:
        Scott 2015, "Multivariate density estimation", 2nd edition, section 6.3; Silverman 1986, "Density estimation for
        statistics and data analysis", section 3.4.3, for cross-validated likelihood.
    """

    def __init__(self, bandwidth: float | str = "cross_validation", *, max_codes: int = 10_000, **kwargs):
        super().__init__(**kwargs)
        self.bandwidth = check_positive("bandwidth", bandwidth, words=("cross_validation", "scott"))
        self.max_codes = check_size("max_codes", max_codes, high=MAX_COUNT)

    def _fewest(self, latent_dim: int) -> int:
        return max(super()._fewest(latent_dim), 2 * _FOLDS)

    def build(self, input_shape):
        super().build(input_shape)
        self.centers = self._fixed_weight("centers", (min(self.num_codes, self.max_codes), *self.event_shape))
        self.width = self._fixed_weight("width", ())

    def _fit_whitened(self, codes: np.ndarray, context: np.ndarray | None, *, seed: int, verbose: bool) -> None:
        codes = codes[np.random.default_rng(seed).permutation(len(codes))[: self.max_codes]]
        self.centers.assign(codes)
        self.width.assign(_bandwidth(codes, self.bandwidth))

    def _whitened(self, context: Context) -> tfd.Distribution:
        centers = tf.convert_to_tensor(self.centers)
        return mixture(tf.zeros(centers.shape[:1]), normals(centers, tf.convert_to_tensor(self.width)))

    def _sample_whitened(self, seeds: tf.Tensor, rows: tf.Tensor, context: Context, temperature: Float) -> tf.Tensor:
        centers = tf.convert_to_tensor(self.centers)
        chosen = random.index(seeds, rows, centers.shape[0], stream=1)
        noise = random.normal(seeds, rows, self.event_shape[-1], temperature=temperature)
        return tf.gather(centers, chosen) + tf.convert_to_tensor(self.width) * noise


def _bandwidth(codes, rule):
    """Returns the bandwidth for whitened codes [K, D] in random order."""
    if isinstance(rule, numbers.Real):
        return rule
    from sklearn.model_selection import GridSearchCV  # slow to import
    from sklearn.neighbors import KernelDensity

    part = codes[:_MOST_VALIDATED]
    scott = KernelDensity(bandwidth="scott").fit(codes).bandwidth_
    if rule == "scott":
        return scott
    # Candidates are multiples of Scott's rule for the number of codes in a fold, 4/5 of the subset, because the best
    # bandwidth falls with the number of codes as Scott's rule does.
    of_part = KernelDensity(bandwidth="scott").fit(part[: len(part) * (_FOLDS - 1) // _FOLDS]).bandwidth_
    search = GridSearchCV(KernelDensity(), {"bandwidth": of_part * _CANDIDATES}, cv=_FOLDS).fit(part)
    return search.best_params_["bandwidth"] * scott / of_part
