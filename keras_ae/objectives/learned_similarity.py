import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae import networks
from keras_ae.hyperparameters import Hyperparameter
from keras_ae.objectives.adversarial_objective import AdversarialObjective, prior_codes
from keras_ae.objectives.estimators.kl import sample_and_kl
from keras_ae.validation.arguments import check_positive


@keras.saving.register_keras_serializable(package="keras_ae")
class LearnedSimilarity(AdversarialObjective):
    """VAE/GAN: compares reconstructions in the feature space f(x) of a discriminator D.

        feature_error = |f(x) - f(x_q)|^2 / (2 feature_scale^2),  x_q = decoder(z), z ~ q(z|x)
        generator = -log D(x_q) - log D(x_p),  x_p = decoder(z_p), z_p ~ p(z)
        discriminator = -log D(x) - log(1 - D(x_q)) - log(1 - D(x_p))
        loss = kl + feature_error + generator

    The feature error is -log N(f(x); f(x_q), feature_scale^2 I) without its constant. Each part has the gradient of its
    terms:

        encoder (and prior)    kl + feature_error
        decoder                gamma * feature_error + generator
        discriminator          discriminator

    so the gradient is not the gradient of the reported loss if gamma is not 1, and because the generator term does not
    reach the encoder. The reconstruction, -log p(x|z), is reported without a gradient; the mean of the likelihood is
    the decoded image. A learned scale of the likelihood is not trained: use a number.

    The decoder maximizes log D, the non-saturating form of Goodfellow 2014, instead of minimizing log(1 - D) as in the
    paper; both have the same fixed point. The discriminator's learning rate is a tenth of the model's unless you pass
    `compile` an optimizer for it; the paper has one rate for all.

    Args:
        gamma: weight of the reconstruction against the discriminator in the decoder, > 0 (symbol gamma).
        discriminator: network from examples [B, *event] to features f(x): `"mlp"`, `"conv"` for images, or a Keras
            layer or model. By default a single layer of 1000 units, because few features, or features after several
            dense layers, lose so much of x that different images share them.
        feature_scale: > 0; the feature error that costs half a nat. The paper uses 1, for the many features of a
            convolutional network.

    Raises:
        ValueError: for arguments out of range.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> small = kae.networks.MLP([8]), kae.networks.MLP([8])
        >>> similarity = LearnedSimilarity(discriminator=kae.networks.MLP([16, 8]))
        >>> model = kae.Autoencoder(*small, latent_dim=2, objective=similarity)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 4, 4, 1), verbose=0)

    References:
        Larsen, Soenderby, Larochelle and Winther 2016, arXiv:1512.09300, algorithm 1;
        Goodfellow et al. 2014, arXiv:1406.2661, section 3.
    """

    terms = ("kl", "reconstruction", "feature_error", "generator", "discriminator")
    discriminator_pace = 0.1  # features that change as fast as the images leave stray pixels that no gradient removes

    gamma = Hyperparameter(check_positive)
    feature_scale = Hyperparameter(check_positive)

    def __init__(
        self,
        gamma: float = 1.0,
        *,
        discriminator: str | keras.layers.Layer | None = None,
        feature_scale: float = 0.3,
        **kwargs,
    ):
        if discriminator is None:
            discriminator = networks.MLP([1000], activation="leaky_relu")
        super().__init__(discriminator, **kwargs)
        self.gamma = gamma
        self.feature_scale = feature_scale

    def build(self, input_shape):
        examples, _ = input_shape
        self.discriminator.build(examples)

    def call(self, x, posterior, prior, likelihood, step_context):
        z, kl = sample_and_kl(posterior(x), prior, 1, step_context.seed)  # [1, B, D], [B]
        drawn = prior_codes(prior, tf.shape(x)[0], tfp.random.split_seed(step_context.seed)[0])
        # The first copy leads to the encoder and undoes the decoder's weight.
        codes = tf.concat([_scaled(z, 1.0 / self.gamma), tf.stop_gradient(z), drawn[tf.newaxis]], axis=0)
        p = likelihood(codes)
        means = p.mean()  # [3, B, *event]
        images = tf.concat([x[tf.newaxis], means], axis=0)
        frozen = self.discriminator.frozen(tf.reshape(images, [-1, *x.shape[1:]]), step_context.training)
        features, logits = (_per_copy(t, 4) for t in frozen)
        error = 0.5 * tf.reduce_sum(((features[0] - features[1]) / self.feature_scale) ** 2, axis=-1)
        generator = tf.reduce_sum(tf.nn.softplus(-logits[2:]), axis=0)
        shown = tf.stop_gradient(tf.concat([x[tf.newaxis], means[1:]], axis=0))
        shown = tf.reshape(shown, [-1, *x.shape[1:]])
        scored = _per_copy(self.discriminator(shown, training=step_context.training)[1], 3)
        return {
            "loss": kl + _scaled(error, self.gamma) + generator,
            "kl": kl,
            "reconstruction": tf.stop_gradient(-p.log_prob(x)[1]),
            "feature_error": error,
            "generator": generator,
            "discriminator": tf.nn.softplus(-scored[0]) + tf.reduce_sum(tf.nn.softplus(scored[1:]), axis=0),
        }


def _per_copy(tensor, num):
    """Reshapes [num * B, ...] to [num, B, ...]."""
    return tf.reshape(tensor, [num, -1, *tensor.shape[1:]])


def _scaled(tensor, factor):
    """Returns the tensor with its gradient multiplied by a factor."""

    @tf.custom_gradient
    def same(values):
        return tf.identity(values), lambda upstream: factor * upstream

    return same(tensor)
