import keras
import tensorflow as tf

from keras_ae.objectives.objective import Objective


@keras.saving.register_keras_serializable(package="keras_ae")
class Reconstruction(Objective):
    """The reconstruction error of a deterministic autoencoder: loss = reconstruction = -log p(x|z), z = encoder(x).

    With a normal likelihood of fixed scale this is the squared error up to a factor and a constant.
    """

    terms = ("reconstruction",)
    needs_prior = False
    needs_density = False

    def call(self, x, posterior, prior, likelihood, step_context):
        z = posterior(x).sample(1, seed=step_context.seed)  # [1, B, D]
        reconstruction = -tf.reduce_mean(likelihood(z).log_prob(x), axis=0)
        return {"loss": reconstruction, "reconstruction": reconstruction}
