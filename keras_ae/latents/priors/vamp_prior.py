import keras
import tensorflow as tf

from keras_ae import random
from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Context, Float, context_size_of
from keras_ae.latents.distributions.normals import mixture
from keras_ae.latents.priors.prior import LearnedPrior, SharedEncoder
from keras_ae.latents.spaces import AnySpace, Product, Space
from keras_ae.validation.arguments import check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class VampPrior(LearnedPrior):
    """VampPrior: a mixture of the posteriors of learned pseudo-inputs u_k:

        p(z) = 1/K sum_k q(z|u_k)

    It approximates the aggregate posterior, which it equals if the u_k are the training data. In a conditional model,
    each pseudo-input has learned features of a condition, and p(z) is the same for every condition. The encoder runs in
    inference mode. Pseudo-inputs start as uniform noise in [0, 1];
    `model.prior_layer.pseudo_inputs.assign(x[:K])` starts from data.

    The pseudo-inputs are its only weights: it shares the model's encoder (`bind_encoder`). An exported decoder that
    generates therefore contains the encoder too.

    Args:
        components: number of pseudo-inputs, K.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> model = kae.models.VAE(latent_dim=2, prior=VampPrior(20))
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)
        >>> model.prior().event_shape
        TensorShape([2])

    References:
        Tomczak and Welling 2018, arXiv:1705.07120, equation 9.
    """

    space = AnySpace()  # the space of the posterior

    def __init__(self, components: int = 500, **kwargs):
        super().__init__(**kwargs)
        self.components = check_size("components", components)
        self.encoder = None

    def covers(self, space: Space) -> bool:
        return super().covers(space) and not isinstance(space, Product)  # a mixture of whole codes has no parts

    def bind_encoder(self, encoder: SharedEncoder) -> None:
        if self.encoder not in (None, encoder):
            raise ValueError("VampPrior must not be shared by two models: create one for each.")
        self.encoder = encoder

    def build(self, input_shape):
        super().build(input_shape)
        if self.encoder is None:
            raise ValueError(_NO_ENCODER)
        self.pseudo_inputs = self.add_weight(
            name="pseudo_inputs",
            shape=(self.components, *self.encoder.event_shape),
            initializer=keras.initializers.RandomUniform(0.0, 1.0),
            dtype="float32",
            autocast=False,
        )
        self.pseudo_context = None
        if context_size_of(input_shape):
            self.pseudo_context = self.add_weight(
                name="pseudo_context",
                shape=(self.components, context_size_of(input_shape)),
                initializer=keras.initializers.RandomNormal(stddev=1.0),  # like the features of a condition
                dtype="float32",
                autocast=False,
            )

    def distribution(self, context: Context = None) -> tfd.Distribution:
        params = self._infer(tf.convert_to_tensor)
        return mixture(tf.zeros([self.components]), self.encoder.distribution(params))

    def sample(self, seeds: tf.Tensor, rows: tf.Tensor, context: Context = None, temperature: Float = 1.0) -> tf.Tensor:
        """As in `Prior`; the pseudo-input is chosen uniformly at any temperature."""
        chosen = random.index(seeds, rows, self.components, stream=1)
        params = self._infer(lambda weight: tf.gather(tf.convert_to_tensor(weight), chosen))
        return self.encoder.draw(params, seeds, rows, temperature)

    def _infer(self, take):
        """Returns the parameters of q(z|u) for the pseudo-inputs that `take` selects from a weight."""
        if self.encoder is None:
            raise ValueError(_NO_ENCODER)
        context = None if self.pseudo_context is None else take(self.pseudo_context)
        return self.encoder.params(take(self.pseudo_inputs), context)


_NO_ENCODER = "VampPrior needs a model's encoder: make it part of a model and build the model."
