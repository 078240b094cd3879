import keras
import tensorflow as tf

from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import CodeDistribution, Float
from keras_ae.latents.spaces import Family, Formula, Product, Real, Space
from keras_ae.parts import Part
from keras_ae.step_context import INFERENCE, StepContext
from keras_ae.validation.arguments import check_size


class Posterior(Part):
    """Base class of posteriors: a head that turns the encoder's features into q(z|x).

    `call` returns the parameters as a tensor [B, P]; `distribution` turns them into a `tfd.Distribution` with batch
    shape [B] and event shape [D]; `mean` is the code that `encode` returns.

    Args:
        latent_dim: dimension of the code, D. A model sets it for its posterior.

    Class attributes:
        space: the code space; the prior must have the same one.
        family: the `Family` that a posterior and a prior share if the KL divergence between them has a closed form, or
            a product of families, or `None`.
        formulas: the closed forms (`Formula`) of the distribution.
    """

    space: Space = Real()
    family: Family | Product | None = None
    formulas = frozenset({Formula.MEAN, Formula.STDDEV, Formula.COVARIANCE, Formula.LOG_PROB, Formula.KL})

    def __init__(self, *, latent_dim: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self._latent_dim = None if latent_dim is None else check_size("latent_dim", latent_dim)

    @property
    def latent_dim(self) -> int | None:
        """The dimension of the code, or `None` if it is not set."""
        return self._latent_dim

    def set_latent_dim(self, latent_dim: int) -> None:
        """Sets the dimension of the code, before the posterior is built.

        Raises:
            ValueError: if another dimension is set already, or this one is impossible.
        """
        self.check_latent_dim(latent_dim)
        if self.latent_dim not in (None, latent_dim):
            raise ValueError(
                f"{type(self).__name__} must not be shared by models or parts of different sizes: create one for each. "
                f"Received: latent_dim={self.latent_dim}, needed {latent_dim}"
            )
        self._latent_dim = latent_dim

    def build(self, input_shape):
        self._check_sized()
        width = 1
        for length in input_shape[1:]:
            width *= length
        self.flatten = keras.layers.Flatten(dtype=self.dtype_policy)
        self.dense = keras.layers.Dense(self._head_size(), dtype=self.dtype_policy)
        self.dense.build((None, width))
        self.flatten.build(input_shape)

    def call(self, features, step_context: StepContext = INFERENCE):
        return self.dense(self.flatten(features))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.output_size())

    def bind(self, prior: CodeDistribution) -> None:
        """Passes the prior to a posterior that shares its networks, before the posterior is built."""

    def check_latent_dim(self, latent_dim: int) -> None:
        """Raises a `ValueError` if the posterior cannot have dimension `latent_dim`."""

    def _check_sized(self) -> None:
        """Raises a `ValueError` if the dimension of the code is not set."""
        if self.latent_dim is None:
            raise ValueError(
                f"`latent_dim` must be set before {type(self).__name__} is built. Received: latent_dim=None"
            )

    def _head_size(self) -> int:
        """The number of outputs of the dense layer."""
        return self.latent_dim

    def output_size(self) -> int:
        """P, the number of parameters of one distribution."""
        return self._head_size()

    def distribution(self, params: tf.Tensor, step_context: StepContext = INFERENCE) -> tfd.Distribution:
        """Returns q(z|x) for the parameters that `call` returns: a `tfd.Distribution`, in float32.

        Args:
            params: tensor [..., P].
            step_context: context of the step, for posteriors that follow a schedule.
        """
        raise NotImplementedError

    def exact(self, params: tf.Tensor) -> tfd.Distribution:
        """Returns q(z|x) for evaluation; differs from `distribution` if the latter is a relaxation for training."""
        return self.distribution(params)

    def draw(self, params: tf.Tensor, seeds: tf.Tensor, rows: tf.Tensor, temperature: Float = 1.0) -> tf.Tensor:
        """Draws codes [B, D] from `exact` with the portable generator, as `Prior.sample` does."""
        raise NotImplementedError

    def draw_and_log_prob(self, params: tf.Tensor, seeds: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Draws codes [B, D] as `draw` does, and returns them with their log q(z|x) [B], in nats."""
        z = self.draw(params, seeds, rows)
        return z, self.exact(params).log_prob(z)

    def draw_many(self, params, seeds, rows):
        """Draws C codes for each example, and returns them with their log q(z|x), in nats.

        Args:
            params: tensor [B, P].
            seeds: int32 or uint32 tensor [C], the seed of each draw.
            rows: int32 tensor [B], index of each example, so that draw c of an example depends on seed c and its index.

        Returns:
            (z, log_prob): float32 tensors [C, B, D] and [C, B].
        """
        seeds, repeated, shape = many(seeds, rows)
        z, log_prob = self.draw_and_log_prob(tf.tile(params, [shape[0], 1]), seeds, repeated)
        return tf.reshape(z, [*shape, self.latent_dim]), tf.reshape(log_prob, shape)

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        """Returns the mean of q(z|x): [B, D], float32. Without a closed form, a typical code."""
        return tf.convert_to_tensor(self.distribution(params).mean())

    def code(self, params: tf.Tensor) -> tf.Tensor:
        """Returns `mean` with a gradient to the features, for networks on top that train the encoder: [B, D]."""
        return self.mean(params)


def many(seeds, rows):
    """Returns the seed and the row of each of C draws for B examples, [C * B], and the shape (C, B)."""
    num, examples = seeds.shape[0], rows.shape[0]
    return tf.repeat(seeds, examples), tf.tile(rows, [num]), (num, examples)
