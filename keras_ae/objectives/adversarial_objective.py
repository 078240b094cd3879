import keras
import tensorflow as tf

from keras_ae import networks
from keras_ae.distribution import tfd
from keras_ae.objectives.objective import Objective


class AdversarialObjective(Objective):
    """Base class of objectives with a discriminator, which a second optimizer trains against the model.

    The term `"discriminator"` is the discriminator's loss, in nats. It has gradients only for the discriminator,
    because the discriminator's inputs are constant in it (`tf.stop_gradient`); in every other term, the discriminator's
    weights are constant (`self.discriminator.frozen`). One backward pass gives the gradients of both sides. The
    discriminator does not see the condition of a conditional model.

    Args:
        discriminator: network from the tensors that it distinguishes to features: `"mlp"`, `"conv"` (for images), or a
            Keras layer or model. A dense layer from the features to a logit is added.

    Class attributes:
        discriminator_pace: learning rate of the discriminator, as a multiple of the model's, if `compile` gets no
            optimizer for it.
    """

    discriminator_pace: float = 1.0

    def __init__(self, discriminator: str | keras.layers.Layer = "mlp", **kwargs):
        super().__init__(**kwargs)
        if discriminator is None:
            raise ValueError("`discriminator` must be a name or a Keras layer. Received: None")
        self.discriminator = networks.Discriminator(networks.get("discriminator", discriminator))

    def build(self, input_shape):
        _, codes = input_shape
        self.discriminator.build(codes)


def prior_codes(prior: tfd.Distribution, num: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draws codes [num, D] from p(z), or one from each of `num` priors p(z|c), without gradients for the prior."""
    return tf.stop_gradient(prior.sample([] if prior.batch_shape.rank else [num], seed=seed))
