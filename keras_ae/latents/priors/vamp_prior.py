import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae import random
from keras_ae.latents.priors.prior import Prior
from keras_ae.validation.arguments import check_size

tfd = tfp.distributions


@keras.saving.register_keras_serializable(package="keras_ae")
class VampPrior(Prior):
    """The posterior of learned pseudo-inputs, in place of a distribution of its own:

        p(z) = 1/K sum_k q(z|u_k)

    It is where the codes of data are: with u_k the data themselves it is the aggregate posterior. In a conditional
    model, each pseudo-input has learned features of a condition, and p(z) is the same for every condition. The encoder
    sees pseudo-inputs as it does in inference. They start as uniform noise in [0, 1];
    `model.prior_layer.pseudo_inputs.assign(x[:K])` starts from data.

    The prior owns the pseudo-inputs alone: the model lends it the encoder (`bind`). An exported decoder that generates
    therefore carries the encoder too.

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

    space = None  # that of the posterior
    build_needs = ("x", "context")
    needs_draws = True
    has_weights = True

    def __init__(self, components=500, **kwargs):
        super().__init__(**kwargs)
        self.components = check_size("components", components)
        self._params = self._distribution = self._draw = None

    def bind(self, params, distribution, draw, codebooks):
        self.check_borrower(params)
        self._params, self._distribution, self._draw = params, distribution, draw

    def build(self, x_shape, context_shape, event_shape):
        self.event_shape = tuple(event_shape)
        self.pseudo_inputs = self.add_weight(
            name="pseudo_inputs",
            shape=(self.components, *x_shape[1:]),
            initializer=keras.initializers.RandomUniform(0.0, 1.0),
            dtype="float32",
            autocast=False,
        )
        self.pseudo_context = None
        if context_shape is not None:
            self.pseudo_context = self.add_weight(
                name="pseudo_context",
                shape=(self.components, context_shape[-1]),
                initializer=keras.initializers.RandomNormal(stddev=1.0),  # as the features of a condition
                dtype="float32",
                autocast=False,
            )

    def distribution(self, context=None):
        params = self._infer(tf.convert_to_tensor)
        weights = tfd.Categorical(logits=tf.zeros([self.components]))
        return tfd.MixtureSameFamily(weights, self._distribution(params))

    def sample(self, seeds, rows, context=None, temperature=1.0):
        """As in `Prior`; the pseudo-input, one of equally likely ones, does not depend on the temperature."""
        chosen = random.index(seeds, rows, self.components, stream=1)
        params = self._infer(lambda weight: tf.gather(tf.convert_to_tensor(weight), chosen))
        return self._draw(params, seeds, rows, temperature)

    def get_config(self):
        return {**super().get_config(), "components": self.components}

    def _infer(self, take):
        """The parameters of q(z|u) for the pseudo-inputs that `take` takes of a weight."""
        if self._params is None:
            raise ValueError("A VampPrior has no distribution of its own: it must be part of a model that is built.")
        context = None if self.pseudo_context is None else take(self.pseudo_context)
        return self._params(take(self.pseudo_inputs), context)
