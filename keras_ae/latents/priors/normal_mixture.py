import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae import random
from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Context, Float
from keras_ae.latents.distributions.normals import LearnedMixture, NormalMixtureDensity, normals
from keras_ae.latents.priors.prior import LearnedPrior
from keras_ae.validation.arguments import check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class NormalMixture(LearnedPrior):
    """Learned Gaussian mixture: p(z) = sum_k w_k N(z; loc_k, diag(scale_k^2)).

    The KL divergence to it has no closed form: the objective estimates it from its samples of q(z|x).

    Args:
        components: number of components, K.

    References:
        Tomczak and Welling 2018, arXiv:1705.07120, section 3 ("mixture of Gaussians" prior).
    """

    def __init__(self, components: int = 10, **kwargs):
        super().__init__(**kwargs)
        self.components = check_size("components", components)

    def build(self, input_shape):
        super().build(input_shape)
        shape = (self.components, *self.event_shape)
        # Means start as standard normal draws: equal means would get equal gradients forever.
        spread = keras.initializers.RandomNormal(stddev=1.0)
        self.logits = self.add_weight(
            name="logits", shape=shape[:1], initializer="zeros", dtype="float32", autocast=False
        )
        self.loc = self.add_weight(name="loc", shape=shape, initializer=spread, dtype="float32", autocast=False)
        self.raw_scale = self.add_weight(
            name="raw_scale", shape=shape, initializer="ones", dtype="float32", autocast=False
        )

    def distribution(self, context: Context = None) -> tfd.Distribution:
        logits, loc, scale = self._parameters()
        kind = LearnedMixture if self.trainable else NormalMixtureDensity
        return kind(tfd.Categorical(logits=logits), normals(loc, scale))

    def sample(self, seeds: tf.Tensor, rows: tf.Tensor, context: Context = None, temperature: Float = 1.0) -> tf.Tensor:
        logits, loc, scale = self._parameters()
        component = random.categorical(seeds, rows, logits, stream=1, temperature=temperature)  # [B]
        noise = random.normal(seeds, rows, loc.shape[-1], temperature=temperature)
        return tf.gather(loc, component) + tf.gather(scale, component) * noise

    def responsibilities(self, z: tf.Tensor) -> tf.Tensor:
        """Returns p(k|z), the probability of each component given codes [..., D]: [..., K]."""
        return self.distribution().posterior_marginal(z).probs_parameter()

    def assign(self, weights: np.ndarray, loc: np.ndarray, scale: np.ndarray) -> None:
        """Sets the parameters of the mixture: weights [K], loc and scale [K, D]."""
        self.logits.assign(tf.math.log(tf.cast(weights, tf.float32)))
        self.loc.assign(tf.cast(loc, tf.float32))
        self.raw_scale.assign(tfp.math.softplus_inverse(tf.cast(scale, tf.float32) - 1e-5))

    def _parameters(self):
        scale = tf.nn.softplus(tf.convert_to_tensor(self.raw_scale)) + 1e-5
        return tf.convert_to_tensor(self.logits), tf.convert_to_tensor(self.loc), scale
