import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ae.autoencoder import Autoencoder
from keras_ae.hyperparameters import Hyperparameter
from keras_ae.input_checks import some_examples
from keras_ae.latents import Landmarks
from keras_ae.latents.tsne import landmarks_of, tsne_map
from keras_ae.networks import Network
from keras_ae.parts import freeze
from keras_ae.random import check_seed, step_seed
from keras_ae.training.network_training import train_network
from keras_ae.training.preparation import Preparation
from keras_ae.validation.arguments import check_fraction, check_positive, check_size

_MOST = 60_000  # examples of the map
_BATCH, _STEPS = 128, 1000  # of the training of the encoder: at least so many steps


@keras.saving.register_keras_serializable(package="keras_ae")
class ParametricTSNE(Autoencoder):
    """Autoencoder whose code is a place in a t-SNE map: a map that finds the places of new examples, and decodes.

        z = sum_m p_m c_m,  p = softmax(sharpness * logits(x))    the encoder, trained on a t-SNE map
        loss = reconstruction = -log p(x|z)                       of the decoder, with the encoder fixed

    `fit` trains in two phases:

    1. `initialize_map`, before the first epoch, makes a t-SNE map of the examples and trains the encoder to find their
       places. The landmarks c_1 ... c_M are centers of k-means in the map; the loss is the cross-entropy between
       softmax(logits(x)) and softmax_m(-|y - c_m|^2 / (2 width^2)), where y is the place of x in the map.
    2. The epochs of `fit` train the decoder.

    t-SNE itself has no place for a new example, and no way back from a place to an example. Parametric t-SNE first was
    a network trained on the loss of t-SNE in batches; here it learns the finished map, as in Espadoto 2019, but by
    classification among landmarks in place of a regression, which puts examples that it is unsure of between clusters.
    t-SNE takes about 10 minutes for 50,000 examples on one core. It compares examples by their Euclidean distance, so
    the columns of a table should have similar scales. As in any such map, the sizes of clusters and the distances
    between them mean little.

    The model has no prior: call `fit_sampler` before `sample`.

    Args:
        encoder: network from x to features, as in `Autoencoder`; all its weights learn the map, and are then fixed.
        decoder, likelihood, condition, sampler, seed: as in `Autoencoder`.
        latent_dim: number of dimensions of the map, 2 or 3.
        num_landmarks: number of landmarks, M.
        sharpness: inverse temperature of the softmax, see `keras_ae.latents.Landmarks`.
        perplexity: effective number of neighbors in t-SNE.
        map_epochs: epochs in which the encoder learns the map; more on little data, for 1,000 steps.
        dropout: share of the encoder's features that are left out while it learns the map, in [0, 1).

    Raises:
        ValueError: for arguments out of range.

    Example:
        >>> x = np.random.rand(64, 8, 8, 1)
        >>> model = ParametricTSNE()
        >>> model.compile()
        >>> history = model.fit(x, verbose=0)
        >>> places = model.encode(np.random.rand(5, 8, 8, 1))
        >>> places.shape, model.decode(places).shape
        (TensorShape([5, 2]), TensorShape([5, 8, 8, 1]))

    References:
        Espadoto, Hirata and Telea 2019, "Deep learning multidimensional projections", arXiv:1902.07958, section 3; van
        der Maaten 2009, "Learning a parametric embedding by preserving local structure", AISTATS.
    """

    fixed = ("posterior", "prior", "objective")
    posterior_settings = ("num_landmarks", "sharpness")
    perplexity = Hyperparameter(check_positive)
    dropout = Hyperparameter(functools.partial(check_fraction, interval="[0, 1)"))

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        latent_dim: int = 2,
        num_landmarks: int = 1000,
        sharpness: float = 8.0,
        perplexity: float = 30.0,
        map_epochs: int = 5,
        dropout: float = 0.5,
        **kwargs: Any,
    ):
        super().__init__(
            encoder,
            decoder,
            latent_dim=check_size("latent_dim", latent_dim, low=2, high=3),
            posterior=Landmarks(num_landmarks, sharpness=sharpness),
            prior=None,
            objective="reconstruction",
            **kwargs,
        )
        self.perplexity, self.dropout = perplexity, dropout
        self.map_epochs = check_size("map_epochs", map_epochs)
        self.state = None
        self._freeze_encoder()

    def _build_parts(self):
        super()._build_parts()
        if self.state is None:  # the first time
            options = {"name": "initialized", "shape": (), "initializer": "zeros", "trainable": False}
            self.state = self.add_weight(**options, dtype="float32", autocast=False)

    @property
    def initialized(self) -> bool:
        """Whether the encoder has learned a map."""
        return bool(self.built and keras.ops.convert_to_numpy(self.state) > 0)

    def initialize_map(self, x: Any, condition: Any = None, *, seed: int = 0, verbose: bool = False) -> None:
        """Makes a t-SNE map of examples, and trains the encoder to find their places.

        `fit` calls it before its first epoch, unless you have called it. At most 60,000 examples are used: drawn from
        arrays, or the first of a stream.

        Args:
            x: anything that `fit` takes and that can be read again: N >= 4 examples.
            condition: the conditions of the examples, for a conditional model. The map does not depend on them.
            seed: integer seed of the map, the landmarks and the order of training.
            verbose: whether to show the progress.

        Raises:
            ValueError: for fewer than 4 examples, and for equal ones.
        """
        seed = check_seed(seed)
        x, context = some_examples(self, x, condition, most=_MOST, rng=np.random.default_rng(seed))
        chosen = {"perplexity": self.perplexity, "seed": seed, "verbose": verbose}
        places = tsne_map(x.numpy(), self.latent_dim, **chosen)
        arrays = [places, *(each.numpy() for each in (x, context) if each is not None)]
        landmarks, width = landmarks_of(places, self.posterior_layer.num_landmarks, seed)
        self.posterior_layer.landmarks.assign(landmarks)

        def cross_entropy(number, places, x, context=None):
            squares = tf.reduce_sum((places[:, tf.newaxis] - landmarks) ** 2, axis=-1)  # [B, M]
            near = tf.nn.softmax(-squares / (2.0 * width**2))
            features = self.encoder(x if context is None else [x, context], training=True)
            kept = tf.nn.experimental.stateless_dropout(features, self.dropout, step_seed(seed, number))
            logits = self.posterior_layer.logits(kept)
            return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(near, logits))

        with self.distribute_strategy.scope():
            self._freeze_encoder(False)  # layers such as batch normalization learn only if they are not frozen
            try:
                variables = [*self.encoder.trainable_variables, *self.posterior_layer.trainable_variables]
                size = min(len(x), _BATCH)
                epochs = max(self.map_epochs, -(-_STEPS // (len(x) // size)))
                options = {"batch_size": size, "decay": True, "seed": seed, "verbose": verbose}
                train_network(cross_entropy, variables, arrays, epochs=epochs, **options)
            finally:
                self._freeze_encoder()
        self.state.assign(1.0)

    def get_config(self):
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in ("perplexity", "map_epochs", "dropout")},
        }

    def _callbacks(self, x, condition):
        def is_due(epoch):
            return not self.initialized

        if self.initialized:
            return []
        return [Preparation(x, condition, "making the t-SNE map", is_due=is_due, prepare=self.initialize_map)]

    def _freeze_encoder(self, frozen=True):
        for part in (self.encoder, self.posterior_layer):
            if frozen:
                freeze(part)
            else:
                part.trainable = True
