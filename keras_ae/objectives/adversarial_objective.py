import keras
import tensorflow as tf

from keras_ae import networks
from keras_ae.objectives.objective import Objective


class AdversarialObjective(Objective):
    """Base of the objectives with a discriminator, which a second optimizer trains on the term `"discriminator"`.

    In every other term its weights are fixed (`self.discriminator.frozen`), and in its own the tensors that it is shown
    (`tf.stop_gradient`): one backward pass gives both sides their gradients. The discriminator is not told the
    condition of a conditional model.

    Args:
        discriminator: network from what it is shown to features: `"mlp"`, `"conv"` (for images), or a Keras layer or
            model of your own. A last layer from the features to a logit is added to it.

    Class attributes:
        discriminator_pace: what the learning rate of the discriminator is to that of the model, where it is given no
            optimizer of its own.
    """

    adversarial = True
    discriminator_pace = 1.0

    def __init__(self, discriminator="mlp", **kwargs):
        super().__init__(**kwargs)
        if discriminator is None:
            raise ValueError("`discriminator` must be a name or a Keras layer. Received: None")
        self.discriminator = networks.Discriminator(networks.get("discriminator", discriminator))

    def build(self, input_shape):
        _, codes = input_shape
        self.discriminator.build(codes)

    def __call__(self, x, posterior, prior, likelihood, *, seed, step=0, weight=None, training=False):
        raise NotImplementedError

    def get_config(self):
        return {
            **super().get_config(),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator.network),
        }


def prior_codes(prior, num, seed):
    """Codes [num, D] drawn from p(z), or one from each of `num` conditional ones; the prior gets no gradient."""
    return tf.stop_gradient(prior.sample([] if prior.batch_shape.rank else [num], seed=seed))
