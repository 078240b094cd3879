import keras
import tensorflow as tf

from keras_ae.hyperparameters import Hyperparameter
from keras_ae.latents.posteriors.deterministic import Deterministic
from keras_ae.step_context import INFERENCE, StepContext
from keras_ae.validation.arguments import check_positive, check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class Landmarks(Deterministic):
    """A point mass at a weighted mean of fixed points, the landmarks c_1 ... c_M:

        z = sum_m p_m c_m,  p = softmax(sharpness * logits(h))

    where h are the encoder's features. The logits are trained and the landmarks are not: they are drawn from N(0, I),
    and `keras_ae.models.ParametricTSNE` sets them to places of a map. A network that is unsure between two distant
    places chooses one of them, whereas the least squared error is at their mean, which may be far from both.

    Args:
        num_landmarks: number of landmarks, M.
        sharpness: factor of the logits, > 0, the inverse temperature of the softmax. A larger one chooses the most
            likely landmark more clearly, so codes are less often between two distant ones, but crowd at landmarks and
            on the lines between neighboring ones.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> parts = {"posterior": Landmarks(20), "prior": None, "objective": "reconstruction"}
        >>> model = kae.Autoencoder(latent_dim=2, **parts)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 4, 4, 1), verbose=0)
        >>> model.posterior_layer.landmarks.shape
        (20, 2)
    """

    sharpness = Hyperparameter(check_positive)

    def __init__(self, num_landmarks: int = 1000, *, sharpness: float = 8.0, **kwargs):
        super().__init__(**kwargs)
        self.num_landmarks = check_size("num_landmarks", num_landmarks)
        self.sharpness = sharpness

    def build(self, input_shape):
        super().build(input_shape)
        self.landmarks = self.add_weight(
            name="landmarks",
            shape=(self.num_landmarks, self.latent_dim),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            dtype="float32",
            trainable=False,
            autocast=False,
        )

    def logits(self, features: tf.Tensor) -> tf.Tensor:
        """Returns the logits of the landmarks, before `sharpness`: float32 [B, M]."""
        return tf.cast(self.dense(self.flatten(features)), tf.float32)

    def call(self, features, step_context: StepContext = INFERENCE):
        z = tf.nn.softmax(self.sharpness * self.logits(features)) @ self.landmarks
        return tf.cast(z, self.compute_dtype)

    def _head_size(self) -> int:
        return self.num_landmarks

    def output_size(self) -> int:
        return self.latent_dim
