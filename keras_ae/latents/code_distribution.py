import keras
import tensorflow as tf

from keras_ae.latents.spaces import Real, Space
from keras_ae.parts import Part


class CodeDistribution(Part):
    """Base of the distributions over codes: priors, which are trained with the model, and samplers, which are fitted to
    the codes of a trained one.

    `build` makes the weights; `distribution` makes a `tfd.Distribution` from them each time it is asked for, so that
    gradients reach them; `sample` draws from the portable generator, with operations that every backend has. As a Keras
    layer it is a function of codes [B, D], or of [codes, features of a condition]: `call` gives their log-densities.

    Class attributes:
        space: what codes are, as in `Posterior`.
    """

    space: Space = Real()

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)  # densities are computed in float32

    def covers(self, space: Space) -> bool:
        """Whether it may be over the codes of a posterior with this space."""
        return self.space.accepts(space)

    def check_latent_dim(self, latent_dim: int):
        """Raises a `ValueError` where there is no such distribution over codes of dimension `latent_dim`."""

    def build(self, input_shape):
        self.event_shape = (latent_dim_of(input_shape),)

    def call(self, inputs):
        """log p(z) of codes [B, D], or log p(z|c) of a list of codes and features [B, F]: [B], in nats."""
        z, context = inputs if isinstance(inputs, (list, tuple)) else (inputs, None)
        return self.distribution(context).log_prob(tf.cast(z, tf.float32))

    def compute_output_shape(self, input_shape):
        codes = input_shape[0] if isinstance(input_shape[0], (list, tuple)) else input_shape
        return tuple(codes[:-1])

    def compute_output_spec(self, inputs):
        z = inputs[0] if isinstance(inputs, (list, tuple)) else inputs
        return keras.KerasTensor(z.shape[:-1], "float32")

    def distribution(self, context=None):
        """p(z), or p(z|c) for the features of a condition [B, F]: event shape [D], batch shape [] or [B]."""
        raise NotImplementedError

    def sample(self, seeds, rows, context=None, temperature=1.0):
        """Codes [B, D] that depend on nothing but the int32 seeds [B] and rows [B] (and the context).

        Args:
            seeds: int32 tensor [B], one seed a row.
            rows: int32 tensor [B], the number of the row within its seed.
            context: features of the condition [B, F], or `None`.
            temperature: a number > 0 or a tensor []: what normal noise is multiplied by, and logits of categorical
                draws are divided by. Below 1, codes are more typical and less varied; with 1 they are those of the
                distribution, as in Kingma and Dhariwal 2018, arXiv:1807.03039.
        """
        raise NotImplementedError


def latent_dim_of(input_shape) -> int:
    """D, of the shape of codes [B, D], or of a list of the shapes of codes and of the features of a condition."""
    return (input_shape[0] if isinstance(input_shape[0], (list, tuple)) else input_shape)[-1]


def context_size_of(input_shape) -> int:
    """The number of features of a condition in such a list; 0 without a condition."""
    return input_shape[1][-1] if isinstance(input_shape[0], (list, tuple)) else 0
