import keras
import tensorflow as tf

from keras_ae import networks
from keras_ae.objectives.objective import Objective


class AdversarialObjective(Objective):
    """Base of the objectives with a discriminator, which a second optimizer trains against the model.

    `"discriminator"` is among the terms: the loss of the discriminator, in nats. It has gradients for the discriminator
    alone, because the tensors that the discriminator sees are constants in it (`tf.stop_gradient`); in every other term
    the weights of the discriminator are (`self.discriminator.frozen`). One backward pass gives both sides their
    gradients. The discriminator does not see the condition of a conditional model.

    Args:
        discriminator: network from the tensors that it tells apart to features: `"mlp"`, `"conv"` (for images), or a
            Keras layer or model of your own. A last layer from the features to a logit is added to it.

    Class attributes:
        discriminator_pace: the learning rate of the discriminator as a multiple of the model's, where `compile` gets no
            optimizer for it.
    """

    discriminator_pace = 1.0

    def __init__(self, discriminator="mlp", **kwargs):
        super().__init__(**kwargs)
        if discriminator is None:
            raise ValueError("`discriminator` must be a name or a Keras layer. Received: None")
        self.discriminator = networks.Discriminator(networks.get("discriminator", discriminator))

    def build(self, input_shape):
        _, codes = input_shape
        self.discriminator.build(codes)

    def get_config(self):
        return {
            **super().get_config(),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator.network),
        }


def prior_codes(prior, num, seed):
    """Draws codes [num, D] from p(z), or one from each of `num` priors p(z|c), without gradients for the prior."""
    return tf.stop_gradient(prior.sample([] if prior.batch_shape.rank else [num], seed=seed))
