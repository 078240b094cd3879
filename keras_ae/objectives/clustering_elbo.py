import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ae import networks
from keras_ae.hyperparameters import Hyperparameter
from keras_ae.latents.posteriors.posterior import Posterior
from keras_ae.latents.priors.normal_mixture import NormalMixture
from keras_ae.latents.priors.prior import Prior
from keras_ae.objectives.augmentation import AUGMENTATIONS, check_images
from keras_ae.objectives.cluster_refinement import refine
from keras_ae.objectives.estimators.kl import sample_and_kl
from keras_ae.objectives.objective import Objective
from keras_ae.parts import freeze, name_part
from keras_ae.training.network_training import train_network
from keras_ae.validation.arguments import check_choice, check_number, check_size

_KNOWN = (None, *AUGMENTATIONS)
_BATCH, _EPOCHS, _STEPS = 128, 5, 300  # of the training of q(k|x): at least so many epochs and steps


@keras.saving.register_keras_serializable(package="keras_ae")
class ClusteringELBO(Objective):
    """The negative ELBO of a Gaussian mixture prior with a network for the cluster, q(z, k|x) = q(z|x) q(k|x):

        loss = reconstruction + kl + assignment
        reconstruction = E_q[-log p(x|z)]
        kl = E_q[log q(z|x) - log p(z)],  p(z) = sum_k w_k N(z; loc_k, diag(scale_k^2))
        assignment = E_q(z|x)[KL(q(k|x) || p(k|z))]

    The loss bounds -log p(x), and is the bound of the exact sum over k plus `assignment`. The paper takes q(k|x) from
    p(k|z), for which `assignment` is 0; the clusters may then drift to others that the likelihood prefers. In this
    objective, q(k|x) is a network that is trained in advance and then stays fixed:
    `GaussianMixtureVAE.initialize_clusters` trains it on clusters of neighboring codes.

    Before that, in pretraining, the mixture and q(k|x) have no meaning yet:

        loss = reconstruction + pretraining_beta * kl

    With `refinement_epochs`, q(k|x) is then trained further without the codes, so that small changes of an example do
    not change its cluster: see `keras_ae.objectives.cluster_refinement.refine`.

    Args:
        classifier: network from x to features of q(k|x), as `encoder`; a dense layer to K logits is added. It does not
            receive the condition.
        pretraining_beta: weight of the KL before the clusters are initialized, >= 0.
        num_samples: samples of q(z|x) per example.
        refinement_epochs: epochs over the examples that the clusters are initialized with; 0 for none.
        augmentation: the changes of examples in the refinement that do not change the cluster, beside the smallest
            ones that would: `"affine"` for small shifts, rotations, zooms and shears of images, or `None`.

    Raises:
        ValueError: for arguments out of range; when a model is constructed, for another prior than `NormalMixture`;
            when it is built, for an augmentation of examples that are not images.

    References:
        Jiang et al. 2017, arXiv:1611.05148, equations 9 and 15; Hu et al. 2017, arXiv:1702.08720, for the refinement.
    """

    terms = ("kl", "reconstruction", "assignment")
    pretraining_beta = Hyperparameter(functools.partial(check_number, low=0.0))

    def __init__(
        self,
        classifier: str | keras.layers.Layer = "mlp",
        *,
        pretraining_beta: float = 0.05,
        num_samples: int = 1,
        refinement_epochs: int = 0,
        augmentation: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.classifier = networks.get("classifier", classifier)
        name_part(self.classifier, "classifier")
        self.pretraining_beta = pretraining_beta
        self.num_samples = check_size("num_samples", num_samples)
        self.refinement_epochs = check_size("refinement_epochs", refinement_epochs, low=0)
        self.augmentation = check_choice("augmentation", augmentation, _KNOWN)

    def check_parts(self, posterior: Posterior, prior: Prior | None) -> None:
        super().check_parts(posterior, prior)
        if not isinstance(prior, NormalMixture):
            raise ValueError(
                "`objective` ClusteringELBO needs a NormalMixture prior, whose components are the clusters. "
                f"Received: prior={type(prior).__name__}"
            )
        self._num_clusters = prior.components

    def build(self, input_shape):
        examples, _ = input_shape
        check_images(self.augmentation, examples[1:])
        features = networks.build_network("classifier", self.classifier, examples)
        head = [keras.layers.Flatten(), keras.layers.Dense(self._num_clusters)]
        self.head = keras.Sequential(head, name="classifier_head")
        self.head.build(features)
        self.state = self.add_weight(name="initialized", shape=(), initializer="zeros", trainable=False, autocast=False)
        for layer in (self.classifier, self.head):
            freeze(layer)

    @property
    def initialized(self) -> bool:
        """Whether the clusters are initialized, which ends the pretraining."""
        return bool(self.built and keras.ops.convert_to_numpy(self.state) > 0)

    def cluster_logits(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns log q(k|x) for tensors x [B, *event]: float32 [B, K]."""
        return tf.nn.log_softmax(tf.cast(self.head(self.classifier(x, training=training)), tf.float32))

    def call(self, x, posterior, prior, likelihood, step_context):
        q = posterior(x)
        z, kl = sample_and_kl(q, prior, self.num_samples, step_context.seed, "monte_carlo")  # [S, B, D], [B]
        reconstruction = -tf.reduce_mean(likelihood(z).log_prob(x), axis=0)  # [B]
        log_q = self.cluster_logits(x)  # [B, K]
        log_p = prior.posterior_marginal(z).logits_parameter()  # [S, B, K]
        gap = tf.reduce_sum(tf.exp(log_q) * (log_q - tf.nn.log_softmax(log_p)), axis=-1)
        assignment = self.state * tf.reduce_mean(gap, axis=0)
        beta = self.state + (1.0 - self.state) * self.pretraining_beta
        loss = reconstruction + beta * kl + assignment
        return {"loss": loss, "kl": kl, "reconstruction": reconstruction, "assignment": assignment}

    def initialize(self, x: np.ndarray, probabilities: np.ndarray, seed: int = 0, verbose: bool = False) -> None:
        """Trains q(k|x) on cluster probabilities, refines it, and ends the pretraining.

        Call it in the scope of the model's strategy of tf.distribute, if it has one.

        Args:
            x: examples [N, *event].
            probabilities: q(k|x) of each example, [N, K].
            seed: integer seed of the order of the examples.
            verbose: whether to show a progress bar of the refinement.
        """
        variables = [*self.classifier.variables, *self.head.variables]
        x, size = np.asarray(x, np.float32), min(len(x), _BATCH)

        def cross_entropy(number, x, target):
            return -tf.reduce_mean(tf.reduce_sum(target * self.cluster_logits(x, training=True), axis=-1))

        train_network(
            cross_entropy,
            variables,
            (x, probabilities),
            epochs=max(_EPOCHS, _STEPS // (len(x) // size)),
            batch_size=size,
            seed=seed,
        )
        if self.refinement_epochs:
            chosen = {"epochs": self.refinement_epochs, "augmentation": self.augmentation}
            chosen |= {"seed": seed, "verbose": verbose}
            refine(functools.partial(self.cluster_logits, training=True), variables, x, **chosen)
        self.state.assign(1.0)
