import keras
import tensorflow as tf

from keras_ae.latents.spaces import Family, Formula, Product, Real, Space
from keras_ae.parts import Part
from keras_ae.step_context import INFERENCE, StepContext
from keras_ae.validation.arguments import check_size


class Posterior(Part):
    """Base of the posteriors: a head that turns the encoder's features into q(z|x).

    `call` gives the parameters as a tensor [B, P]; `distribution` turns them into a `tfd.Distribution` with batch shape
    [B] and event shape [D]; `mean` is the code that `encode` gives.

    Args:
        latent_dim: dimension of the code, D. A model sets it for its posterior.

    Class attributes:
        space: what codes are; a prior must be over the same.
        family: the `Family` that a posterior and a prior share where the KL divergence between them has a closed form,
            or a product of families, or `None`.
        formulas: the `Formula`s that the distribution has.
    """

    space: Space = Real()
    family: Family | Product | None = None
    formulas = frozenset({Formula.MEAN, Formula.STDDEV, Formula.COVARIANCE, Formula.LOG_PROB, Formula.KL})

    def __init__(self, *, latent_dim: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self._latent_dim = None if latent_dim is None else check_size("latent_dim", latent_dim)

    @property
    def latent_dim(self) -> int | None:
        """The dimension of the code, or `None` where it is not set."""
        return self._latent_dim

    def set_latent_dim(self, latent_dim: int):
        """Sets the dimension of the code, before the posterior is built.

        Raises:
            ValueError: where it has another already, or cannot have this one.
        """
        self.check_latent_dim(latent_dim)
        if self.latent_dim not in (None, latent_dim):
            raise ValueError(
                f"The same {type(self).__name__} must not serve two models of other sizes, or two such parts of one: "
                f"give each its own. Received: one with latent_dim={self.latent_dim}, wanted with {latent_dim}"
            )
        self._latent_dim = latent_dim

    def build(self, input_shape):
        self.check_sized()
        width = 1
        for length in input_shape[1:]:
            width *= length
        self.flatten = keras.layers.Flatten(dtype=self.dtype_policy)
        self.dense = keras.layers.Dense(self.head_size(), dtype=self.dtype_policy)
        self.dense.build((None, width))
        self.flatten.build(input_shape)

    def call(self, features, step_context: StepContext = INFERENCE):
        return self.dense(self.flatten(features))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.output_size())

    def bind(self, prior):
        """Gives the prior to a posterior that shares its networks, before the posterior is built."""

    def check_latent_dim(self, latent_dim: int):
        """Raises a `ValueError` where there is no such distribution over codes of dimension `latent_dim`."""

    def check_sized(self):
        """Raises a `ValueError` where the dimension of the code is not known."""
        if self.latent_dim is None:
            raise ValueError(
                f"`latent_dim` must be given before a {type(self).__name__} is built. Received: latent_dim=None"
            )

    def head_size(self) -> int:
        """How many numbers the dense layer gives for an example."""
        return self.latent_dim

    def output_size(self) -> int:
        """P, the number of parameters of one distribution."""
        return self.head_size()

    def distribution(self, params, step_context: StepContext = INFERENCE):
        """q(z|x) for the parameters that `call` gives: a `tfd.Distribution`, in float32.

        Args:
            params: tensor [..., P].
            step_context: what the step knows beside its data, for posteriors that follow a schedule.
        """
        raise NotImplementedError

    def exact(self, params):
        """q(z|x) for evaluation: another than `distribution` where that is relaxed for the sake of its gradients."""
        return self.distribution(params)

    def draw(self, params, seeds, rows, temperature=1.0):
        """Codes [B, D] drawn from `exact` by the portable generator, as `Prior.sample` draws them."""
        raise NotImplementedError

    def mean(self, params):
        """The mean of q(z|x): [B, D], float32. Where it has no formula, a code in its middle."""
        return tf.convert_to_tensor(self.distribution(params).mean())

    def code(self, params):
        """`mean` with a gradient for the features, for networks on top of it that train the encoder: [B, D]."""
        return self.mean(params)

    def get_config(self):
        return {**super().get_config(), "latent_dim": self.latent_dim}
