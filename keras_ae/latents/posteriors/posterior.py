import keras
import tensorflow as tf

from keras_ae.hyperparameters import Part
from keras_ae.parts import Checkpointed

REAL = "real vectors"
UNIT = "numbers in (0, 1)"


class Posterior(Checkpointed, Part, keras.layers.Layer):
    """Base of the posteriors: a head that turns the encoder's features into q(z|x).

    `call` gives the parameters as a tensor [B, P]; `distribution` turns them into a `tfd.Distribution` with batch shape
    [B] and event shape [D]; `mean` is the code that `encode` gives.

    Class attributes:
        space: what codes are, in words; a prior must be over the same, unless one of them takes any (`None`).
        has_codebook: whether codes are entries of a codebook, which an objective must train.
        has_draw: whether `draw` is there.
        relaxed: whether training draws codes that only resemble those of `exact`, for the sake of their gradients, and
            have no density.
        has_rate: whether its divergence from a prior is finite, which that of a point is not.
        has_scale: whether exports give the standard deviation of `exact`.
        has_mean: whether `exact` has a formula for its mean.
        has_covariance: whether `distribution` has a formula for its covariance.
        is_product: whether it is a product over the dimensions of the code, a `tfd.Independent` or `Blocks` of them.
        family: a word that a posterior and a prior share where the KL divergence between them has a closed form.
        parameters_per_value: P / D, where that is a whole number.
        needs_layers: whether the prior must be one of codes in layers, whose networks the posterior shares.
    """

    space = REAL
    has_codebook = False
    has_draw = False
    relaxed = False
    has_rate = True
    has_scale = True
    has_mean = True
    has_covariance = True
    is_product = False
    family = None
    parameters_per_value = 1
    needs_layers = False

    @property
    def has_marginals(self):
        """Whether the distribution of each value alone has a formula; that of no product then gives `marginals`."""
        return self.is_product

    @property
    def has_log_prob(self):
        """Whether the codes that are drawn in training have a density."""
        return not self.relaxed

    def build(self, input_shape, event_shape):
        self.event_shape = tuple(event_shape)
        width = 1
        for length in input_shape[1:]:
            width *= length
        self.flatten = keras.layers.Flatten()
        self.dense = keras.layers.Dense(self.parameter_size(self.event_shape[0]))
        self.dense.build((None, width))
        self.flatten.build(input_shape)

    def call(self, features):
        return self.dense(self.flatten(features))

    def bind(self, prior):
        """Lends the prior to a posterior that shares its networks, before the posterior is built."""

    def check_latent_dim(self, latent_dim):
        """Raises a `ValueError` where there is no such distribution over codes of dimension `latent_dim`."""

    def parameter_size(self, latent_dim):
        """P, the number of parameters of one distribution."""
        return latent_dim * self.parameters_per_value

    def distribution(self, params, step=0):
        """q(z|x) for the parameters that `call` gives: a `tfd.Distribution`, in float32.

        Args:
            params: tensor [..., P].
            step: how many steps were trained before, for posteriors that follow a schedule.
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
