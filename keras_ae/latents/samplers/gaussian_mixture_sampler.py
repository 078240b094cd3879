import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae import random
from keras_ae.latents.samplers.whitened_sampler import WhitenedSampler
from keras_ae.validation.arguments import check_size

tfd = tfp.distributions
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

    def __init__(self, components=10, **kwargs):
        super().__init__(**kwargs)
        self.components = check_size("components", components)

    def fewest(self, latent_dim):
        return max(super().fewest(latent_dim), self.components)

    def build(self, input_shape):
        super().build(input_shape)
        shape = (self.components, *self.event_shape)
        self.logits = self.fixed_weight("logits", shape[:1])
        self.locs = self.fixed_weight("locs", shape)
        self.factors = self.fixed_weight("factors", (*shape, *self.event_shape))

    def fit_whitened(self, codes, *, seed, verbose):
        from sklearn.mixture import GaussianMixture  # slow to import

        mixture = GaussianMixture(self.components, max_iter=_MOST_ITERATIONS, random_state=seed)
        mixture.fit(codes.astype(np.float64))
        self.logits.assign(np.log(np.maximum(mixture.weights_, np.finfo(np.float32).tiny)))
        self.locs.assign(mixture.means_)
        self.factors.assign(np.linalg.cholesky(mixture.covariances_))

    def whitened(self):
        logits, locs, factors = self._parameters()
        return tfd.MixtureSameFamily(tfd.Categorical(logits=logits), tfd.MultivariateNormalTriL(locs, factors))

    def sample_whitened(self, seeds, rows, temperature):
        logits, locs, factors = self._parameters()
        component = random.categorical(seeds, rows, logits, stream=1, temperature=temperature)  # [B]
        noise = random.normal(seeds, rows, self.event_shape[-1], temperature=temperature)
        return tf.gather(locs, component) + tf.linalg.matvec(tf.gather(factors, component), noise)

    def get_config(self):
        return {**super().get_config(), "components": self.components}

    def _parameters(self):
        return tuple(tf.convert_to_tensor(weight) for weight in (self.logits, self.locs, self.factors))
