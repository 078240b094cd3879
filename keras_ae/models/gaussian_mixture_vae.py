import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_ae import latents
from keras_ae.autoencoder import Autoencoder
from keras_ae.input_checks import example_tensors
from keras_ae.random import check_seed
from keras_ae.validation.arguments import check_size

_CHUNK = 2048  # examples encoded at once


@keras.saving.register_keras_serializable(package="keras_ae")
class GaussianMixtureVAE(Autoencoder):
    """VAE with a Gaussian mixture prior, whose components are clusters ("variational deep embedding").

        p(x, z, k) = w_k N(z; loc_k, diag(scale_k^2)) p(x|z)
        loss = E_q[-log p(x|z) + log q(z|x) - log sum_k w_k N(z; loc_k, diag(scale_k^2))]

    The paper bounds log p(x) with q(z|x) q(k|x). Here the sum over k is exact for each sample of z, which closes the
    gap between q(k|x) and p(k|z) in the paper's bound (equation 15). As in the paper,

        p(k|x) ~ E_q[p(k|z)]

    Random means are a poor start. Train for some epochs, fit the mixture to the codes, and continue training:

        model.fit(x, epochs=5)
        model.initialize_clusters(x)
        model.fit(x, epochs=50)

    Args:
        components: number of clusters, K.
        encoder, decoder, latent_dim, posterior, likelihood, objective, condition, seed: as in `Autoencoder`.

    Example:
        >>> x = np.random.rand(64, 8, 8, 1)
        >>> model = GaussianMixtureVAE(latent_dim=2, components=3)
        >>> model.compile()
        >>> history = model.fit(x, verbose=0)
        >>> model.initialize_clusters(x)
        >>> model.cluster_probabilities(x).shape, model.cluster(x).shape
        ((64, 3), (64,))

    References:
        Jiang et al. 2017, arXiv:1611.05148, equations 15 and 16.
    """

    fixed = ("prior",)
    prior_settings = ("components",)

    def __init__(self, encoder="mlp", decoder="mlp", *, components=10, latent_dim=10, **kwargs):
        prior = latents.NormalMixture(components)
        super().__init__(encoder, decoder, latent_dim=latent_dim, prior=prior, **kwargs)

    def initialize_clusters(self, x, condition=None, *, seed=0):
        """Initializes the mixture with scikit-learn's `GaussianMixture`, fitted to one code per example from q(z|x).

        Args:
            x: examples [N, *event], N >= K.
            condition: the conditions of the examples, for a conditional model.
            seed: integer seed of the codes and of the fit.

        Raises:
            ValueError: for fewer examples than components.
        """
        from sklearn.exceptions import ConvergenceWarning  # slow to import
        from sklearn.mixture import GaussianMixture

        codes = np.concatenate([np.asarray(z[0]) for z in self._codes(x, condition, 1, check_seed(seed))])
        num = self.prior_layer.components
        if len(codes) < num:
            raise ValueError(f"`x` must have at least {num} examples, one per component. Received: {len(codes)}")
        mixture = GaussianMixture(num, covariance_type="diag", random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # only the start of further training
            mixture.fit(codes)
        self.prior_layer.assign(mixture.weights_, mixture.means_, np.sqrt(mixture.covariances_))

    def cluster_probabilities(self, x, condition=None, *, num_samples=10, seed=0):
        """Returns the probability of each cluster for each example: the mean of p(k|z) over codes from q(z|x).

        Args:
            x: examples [B, *event].
            condition: the conditions of the examples, for a conditional model.
            num_samples: codes per example.
            seed: integer seed of the codes.

        Returns:
            float32 array [B, K]; rows sum to 1.
        """
        parts = self._codes(x, condition, check_size("num_samples", num_samples), check_seed(seed))
        return np.concatenate([tf.reduce_mean(self.prior_layer.responsibilities(z), axis=0) for z in parts])

    def cluster(self, x, condition=None, *, num_samples=10, seed=0):
        """Returns the most likely cluster of each example, int64 [B]. Arguments are as in `cluster_probabilities`."""
        return np.argmax(self.cluster_probabilities(x, condition, num_samples=num_samples, seed=seed), axis=-1)

    def _codes(self, x, condition, num, seed):
        """Yields codes [num, rows, D] from q(z|x), a chunk of rows at a time."""
        x, context = example_tensors(self, x, condition)
        for start in range(0, len(x), _CHUNK):
            rows = slice(start, start + _CHUNK)
            params = self.posterior_params(x[rows], None if context is None else context[rows])
            yield self.posterior_layer.exact(params).sample(num, seed=tf.constant([seed, start], tf.int32))
