import keras
import numpy as np
import tensorflow as tf

from keras_ae import random
from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Float
from keras_ae.latents.samplers.whitened_sampler import WhitenedSampler
from keras_ae.validation.arguments import check_size

_MOST_ITERATIONS = 500


@keras.saving.register_keras_serializable(package="keras_ae")
class GaussianMixtureSampler(WhitenedSampler):
    """Gaussian mixture with full covariances, fitted by expectation maximization (scikit-learn):

        p(z) = sum_k weight_k N(z; loc_k, L_k L_k')

    Args:
        components: number of components, K; the paper uses 10.

    References:
        Ghosh et al. 2020, arXiv:1903.12436, section 4 ("ex-post density estimation").
    """

    def __init__(self, components: int = 10, **kwargs):
        super().__init__(**kwargs)
        self.components = check_size("components", components)

    def _fewest(self, latent_dim: int) -> int:
        return max(super()._fewest(latent_dim), self.components)

    def build(self, input_shape):
        super().build(input_shape)
        shape = (self.components, *self.event_shape)
        self.logits = self._fixed_weight("logits", shape[:1])
        self.locs = self._fixed_weight("locs", shape)
        self.factors = self._fixed_weight("factors", (*shape, *self.event_shape))

    def _fit_whitened(self, codes: np.ndarray, *, seed: int, verbose: bool) -> None:
        from sklearn.mixture import GaussianMixture  # slow to import

        mixture = GaussianMixture(self.components, max_iter=_MOST_ITERATIONS, random_state=seed)
        mixture.fit(codes.astype(np.float64))
        self.logits.assign(np.log(np.maximum(mixture.weights_, np.finfo(np.float32).tiny)))
        self.locs.assign(mixture.means_)
        self.factors.assign(np.linalg.cholesky(mixture.covariances_))

    def _whitened(self) -> tfd.Distribution:
        logits, locs, factors = self._parameters()
        return tfd.MixtureSameFamily(tfd.Categorical(logits=logits), tfd.MultivariateNormalTriL(locs, factors))

    def _sample_whitened(self, seeds: tf.Tensor, rows: tf.Tensor, temperature: Float) -> tf.Tensor:
        logits, locs, factors = self._parameters()
        component = random.categorical(seeds, rows, logits, stream=1, temperature=temperature)  # [B]
        noise = random.normal(seeds, rows, self.event_shape[-1], temperature=temperature)
        return tf.gather(locs, component) + tf.linalg.matvec(tf.gather(factors, component), noise)

    def _parameters(self):
        return tuple(tf.convert_to_tensor(weight) for weight in (self.logits, self.locs, self.factors))
