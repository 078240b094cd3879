import keras
import numpy as np
import tensorflow as tf

from keras_ae import random
from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Context, Float
from keras_ae.latents.distributions.normals import normals
from keras_ae.latents.samplers.whitened_sampler import WhitenedSampler


@keras.saving.register_keras_serializable(package="keras_ae")
class NormalSampler(WhitenedSampler):
    """Normal distribution with the mean and the covariance of the codes: p(z) = N(z; loc, L L').

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> x = np.random.rand(64, 8, 8, 1)
        >>> model = kae.models.AE(latent_dim=2)
        >>> model.compile()
        >>> history = model.fit(x, verbose=0)
        >>> sampler = model.fit_sampler("normal", x)
        >>> model.sample(3, seed=7).shape
        TensorShape([3, 8, 8, 1])

    References:
        Ghosh et al. 2020, arXiv:1903.12436, section 4 ("ex-post density estimation").
    """

    def _fit_whitened(self, codes: np.ndarray, context: np.ndarray | None, *, seed: int, verbose: bool) -> None:
        pass  # nothing beyond the mean and the covariance

    def _whitened(self, context: Context) -> tfd.Distribution:
        return normals(tf.zeros(self.event_shape), 1.0)

    def _sample_whitened(self, seeds: tf.Tensor, rows: tf.Tensor, context: Context, temperature: Float) -> tf.Tensor:
        return random.normal(seeds, rows, self.event_shape[-1], temperature=temperature)
