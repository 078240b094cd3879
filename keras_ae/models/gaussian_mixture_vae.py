from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ae import latents
from keras_ae.autoencoder import Autoencoder
from keras_ae.input_checks import example_tensors, some_examples
from keras_ae.latents.neighbor_clustering import cluster_by_neighbors
from keras_ae.networks import MLP, Network
from keras_ae.objectives import ClusteringELBO, Objective
from keras_ae.random import check_seed
from keras_ae.training.preparation import Preparation
from keras_ae.validation.arguments import check_size

_CHUNK = 2048  # examples encoded at once
_MOST = 60_000  # examples that the clusters are initialized with


@keras.saving.register_keras_serializable(package="keras_ae")
class GaussianMixtureVAE(Autoencoder):
    """VAE with a Gaussian mixture prior, whose components are clusters ("variational deep embedding").

        p(x, z, k) = w_k N(z; loc_k, diag(scale_k^2)) p(x|z)
        loss = E_q[-log p(x|z) + log q(z|x) - log sum_k w_k N(z; loc_k, diag(scale_k^2))] + assignment
        assignment = E_q(z|x)[KL(q(k|x) || p(k|z))]

    `fit` trains in two phases:

    1. Pretraining: for `pretraining_epochs` epochs, the weight of the KL is small (0.05), so codes preserve the
       differences between examples.
    2. `initialize_clusters` finds clusters in which neighboring codes agree, without labels, trains the network q(k|x)
       on them, and sets the mixture to the moments of the clusters. The rest of the epochs trains the loss above, in
       which q(k|x) does not change. `ClusteringELBO(refinement_epochs=25, augmentation="affine")` first refines q(k|x)
       for images, so that their small shifts, rotations, zooms and shears do not change the cluster. This moves
       borders that are nearly right; it does not separate two classes that the clusters have mixed.

    The paper starts from a mixture fitted to the codes of an autoencoder, and takes q(k|x) from p(k|z).
    `objective="elbo"` trains the paper's bound from the first epoch on, with the sum over k in closed form; call
    `initialize_clusters` after some epochs. The method favors clusters of equal size: check the result if your classes
    have different sizes.

    Args:
        components: number of clusters, K.
        pretraining_epochs: epochs of `fit` before the clusters are initialized.
        encoder, decoder: as in `Autoencoder`; by default multilayer perceptrons with 500, 500 and 2,000 hidden units,
            and the reverse, as in the paper.
        objective: `ClusteringELBO`, which has q(k|x), or another objective.
        latent_dim, posterior, likelihood, condition, seed: as in `Autoencoder`.

    Example:
        >>> x = np.random.rand(64, 8, 8, 1)
        >>> model = GaussianMixtureVAE(latent_dim=2, components=3, pretraining_epochs=1)
        >>> model.compile()
        >>> history = model.fit(x, epochs=2, verbose=0)
        >>> model.cluster_probabilities(x).shape, model.cluster(x).shape
        ((64, 3), (64,))

    References:
        Jiang et al. 2017, arXiv:1611.05148, equations 9, 15 and 16; Van Gansbeke et al. 2020, arXiv:2005.12320, for
        clusters in which neighbors agree.
    """

    fixed = ("prior",)
    prior_settings = ("components",)

    def __init__(
        self,
        encoder: Network | None = None,
        decoder: Network | None = None,
        *,
        components: int = 10,
        latent_dim: int = 10,
        pretraining_epochs: int = 10,
        objective: str | Objective = "clustering_elbo",
        **kwargs: Any,
    ):
        encoder = MLP((500, 500, 2000)) if encoder is None else encoder
        decoder = MLP((2000, 500, 500)) if decoder is None else decoder
        prior = latents.NormalMixture(components)
        super().__init__(encoder, decoder, latent_dim=latent_dim, prior=prior, objective=objective, **kwargs)
        self.pretraining_epochs = check_size("pretraining_epochs", pretraining_epochs)

    def initialize_clusters(self, x: Any, condition: Any = None, *, seed: int = 0, verbose: bool = False) -> None:
        """Finds clusters of neighboring codes, trains q(k|x) on them, and sets the mixture to their moments.

        `fit` calls it after `pretraining_epochs`, with the training examples and the model's seed. At most 60,000
        examples are used: drawn from arrays, or the first of a stream.

        Args:
            x: anything that `fit` takes and that can be read again: N >= K examples.
            condition: the conditions of the examples, for a conditional model.
            seed: integer seed of the codes and the clusters.
            verbose: whether to show a progress bar.

        Raises:
            ValueError: for fewer examples than components.
        """
        num, rng = self.prior_layer.components, np.random.default_rng(check_seed(seed))
        x, context = some_examples(self, x, condition, most=_MOST, rng=rng)
        if len(x) < max(num, 2):
            raise ValueError(f"`x` must have at least {num} examples, one per component. Received: {len(x)}")
        codes = np.concatenate([np.asarray(z[0]) for z in self._codes(x, context, 1, seed)])  # [N, D]
        means = np.concatenate([self.posterior_layer.mean(params) for params in self._params(x, context)])
        probabilities = cluster_by_neighbors(means, num, seed=seed, verbose=verbose)  # [N, K]
        if isinstance(self.objective, ClusteringELBO):
            with self.distribute_strategy.scope():
                self.objective.initialize(x, probabilities, seed, verbose)
            if self.objective.refinement_epochs:
                probabilities = self._network_probabilities(x)
        sizes = probabilities.sum(axis=0) + 1e-6
        loc = probabilities.T @ codes / sizes[:, np.newaxis]
        variance = probabilities.T @ codes**2 / sizes[:, np.newaxis] - loc**2
        self.prior_layer.assign(sizes / sizes.sum(), loc, np.sqrt(np.maximum(variance, 1e-4)))

    def cluster_probabilities(
        self, x: Any, condition: Any = None, *, num_samples: int = 10, seed: int = 0
    ) -> np.ndarray:
        """Returns the probability of each cluster for each example.

        This is q(k|x), or, if the objective has no q(k|x), the mean of p(k|z) over codes from q(z|x).

        Args:
            x: examples [B, *event].
            condition: the conditions of the examples, for a conditional model.
            num_samples: codes per example, for the mean of p(k|z).
            seed: integer seed of the codes.

        Returns:
            float32 array [B, K]; rows sum to 1.

        Raises:
            RuntimeError: before the clusters are initialized.
        """
        num_samples, seed = check_size("num_samples", num_samples), check_seed(seed)
        x, condition = example_tensors(self, x, condition)
        context = self.context(condition)
        if not isinstance(self.objective, ClusteringELBO):
            parts = self._codes(x, context, num_samples, seed)
            return np.concatenate([tf.reduce_mean(self.prior_layer.responsibilities(z), axis=0) for z in parts])
        if not self.objective.initialized:
            raise RuntimeError(
                f"The clusters are not initialized: call `fit` with more than {self.pretraining_epochs} epochs "
                "(`pretraining_epochs`), or `initialize_clusters(x)`."
            )
        return self._network_probabilities(x)

    def cluster(self, x: Any, condition: Any = None, *, num_samples: int = 10, seed: int = 0) -> np.ndarray:
        """Returns the most likely cluster of each example, int64 [B]. Arguments are as in `cluster_probabilities`."""
        return np.argmax(self.cluster_probabilities(x, condition, num_samples=num_samples, seed=seed), axis=-1)

    def get_config(self):
        return {**super().get_config(), "pretraining_epochs": self.pretraining_epochs}

    def _callbacks(self, x, condition):
        def is_due(epoch):
            return epoch >= self.pretraining_epochs and not self.objective.initialized

        if not isinstance(self.objective, ClusteringELBO) or self.objective.initialized:
            return []
        return [Preparation(x, condition, "finding the clusters", is_due=is_due, prepare=self.initialize_clusters)]

    def _network_probabilities(self, x):
        """q(k|x) of the objective for tensors [N, *event]: float32 [N, K]."""
        parts = [self.objective.cluster_logits(x[start : start + _CHUNK]) for start in range(0, len(x), _CHUNK)]
        return np.exp(np.concatenate(parts))

    def _params(self, x, context):
        """Yields the parameters of q(z|x) for tensors, a chunk of rows at a time."""
        for start in range(0, len(x), _CHUNK):
            rows = slice(start, start + _CHUNK)
            yield self.posterior_params(x[rows], None if context is None else context[rows])

    def _codes(self, x, context, num, seed):
        """Yields codes [num, rows, D] from q(z|x), a chunk of rows at a time."""
        for number, params in enumerate(self._params(x, context)):
            yield self.posterior_layer.exact(params).sample(num, seed=tf.constant([seed, number * _CHUNK], tf.int32))
