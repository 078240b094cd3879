from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_ae.distribution import tfd
from keras_ae.latents.spaces import Real, Space
from keras_ae.parts import Part

Context = tf.Tensor | None  # features of a condition [B, F]
Float = float | tf.Tensor


class CodeDistribution(Part):
    """Base class of distributions over codes: priors, trained with the model, and samplers, fitted after training.

    `build` makes the weights. `distribution` makes a `tfd.Distribution` from them at each call, so that gradients reach
    them. `sample` draws with the portable generator, whose operations every backend has. As a Keras layer, it maps
    codes [B, D], or [codes, features of a condition], to log-densities.

    Class attributes:
        space: the code space, as in `Posterior`.
    """

    space: Space = Real()

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)  # densities are computed in float32

    def covers(self, space: Space) -> bool:
        """Whether a posterior with this space can use it."""
        return self.space.accepts(space)

    def check_latent_dim(self, latent_dim: int) -> None:
        """Raises a `ValueError` if the distribution cannot have dimension `latent_dim`."""

    def build(self, input_shape):
        self.event_shape = (latent_dim_of(input_shape),)

    def call(self, inputs):
        """Returns log p(z) of codes [B, D], or log p(z|c) of a list of codes and features [B, F]: [B], in nats."""
        z, context = inputs if isinstance(inputs, (list, tuple)) else (inputs, None)
        return self.distribution(context).log_prob(tf.cast(z, tf.float32))

    def compute_output_shape(self, input_shape):
        codes = input_shape[0] if isinstance(input_shape[0], (list, tuple)) else input_shape
        return tuple(codes[:-1])

    def compute_output_spec(self, inputs):
        z = inputs[0] if isinstance(inputs, (list, tuple)) else inputs
        return keras.KerasTensor(z.shape[:-1], "float32")

    def distribution(self, context: Context = None) -> tfd.Distribution:
        """Returns p(z), or p(z|c) for features of a condition [B, F]: event shape [D], batch shape [] or [B]."""
        raise NotImplementedError

    def sample(self, seeds: tf.Tensor, rows: tf.Tensor, context: Context = None, temperature: Float = 1.0) -> tf.Tensor:
        """Draws codes [B, D] that depend only on the int32 seeds [B] and rows [B] (and the context).

        Args:
            seeds: int32 tensor [B], one seed per row.
            rows: int32 tensor [B], index of the row within its seed.
            context: features of the condition [B, F], or `None`.
            temperature: a number > 0 or a tensor [] that multiplies normal noise and divides the logits of categorical
                draws. Below 1, codes are more typical and less diverse; 1 draws from the distribution itself. As in
                Kingma and Dhariwal 2018, arXiv:1807.03039.
        """
        raise NotImplementedError


def latent_dim_of(input_shape: Sequence) -> int:
    """Returns D, given the shape of codes [B, D], or the list of the shapes of codes and features of a condition."""
    return (input_shape[0] if isinstance(input_shape[0], (list, tuple)) else input_shape)[-1]


def context_size_of(input_shape: Sequence) -> int:
    """Returns the number of features of the condition in such a list; 0 without a condition."""
    return input_shape[1][-1] if isinstance(input_shape[0], (list, tuple)) else 0
