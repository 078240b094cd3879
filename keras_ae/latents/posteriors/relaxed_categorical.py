import functools

import keras
import tensorflow as tf

from keras_ae import random
from keras_ae.distribution import tfd
from keras_ae.hyperparameters import Hyperparameter
from keras_ae.latents.code_distribution import Float
from keras_ae.latents.distributions.one_hots import OneHots, RelaxedOneHots
from keras_ae.latents.posteriors.posterior import Posterior
from keras_ae.latents.spaces import Family, Formula, OneHot
from keras_ae.schedules import check_value, value_at
from keras_ae.schedules.values import FloatOrSchedule
from keras_ae.step_context import INFERENCE, StepContext
from keras_ae.validation.arguments import check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class RelaxedCategorical(Posterior):
    """Gumbel-softmax posterior: codes of latent_dim / num_classes categorical variables, each a one-hot vector.

    Training draws relaxed vectors, which have gradients and approach one-hot vectors as the temperature falls:

        z = softmax((logits(x) + Gumbel noise) / temperature)
        kl = sum over variables of KL(Categorical(logits(x)) || Categorical(1 / num_classes)), in the discrete form

    Its prior is `UniformCategorical` with as many classes. The relaxed loss is not a bound on log p(x) of the discrete
    model, but `evaluate.log_likelihood` draws one-hot codes and is exact. `encode` returns the class probabilities.

    Args:
        num_classes: number of classes of each variable.
        temperature: a positive number, or a schedule, a `keras.optimizers.schedules.LearningRateSchedule`.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> cooling = keras.optimizers.schedules.PolynomialDecay(1.0, 10_000, end_learning_rate=0.5)
        >>> posterior = RelaxedCategorical(8, temperature=cooling)
        >>> prior = kae.latents.UniformCategorical(8)
        >>> model = kae.models.VAE(latent_dim=24, posterior=posterior, prior=prior)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)

    References:
        Jang, Gu and Poole 2017, arXiv:1611.01144, equation 2; Maddison, Mnih and Teh 2017, arXiv:1611.00712.
    """

    family = Family.ONE_HOT
    formulas = Posterior.formulas - {Formula.COVARIANCE, Formula.LOG_PROB}

    temperature = Hyperparameter(functools.partial(check_value, positive=True))

    def __init__(self, num_classes: int = 10, *, temperature: FloatOrSchedule = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = check_size("num_classes", num_classes)
        self.temperature = temperature
        self.space = OneHot(self.num_classes)

    def check_latent_dim(self, latent_dim: int) -> None:
        check_groups(latent_dim, self.num_classes)

    def distribution(self, params: tf.Tensor, step_context: StepContext = INFERENCE) -> tfd.Distribution:
        return RelaxedOneHots(tf.cast(value_at(self.temperature, step_context.step), tf.float32), self._logits(params))

    def exact(self, params: tf.Tensor) -> tfd.Distribution:
        return OneHots(self._logits(params))

    def draw(self, params: tf.Tensor, seeds: tf.Tensor, rows: tf.Tensor, temperature: Float = 1.0) -> tf.Tensor:
        """Draws one-hot codes [B, D]; each variable counts as a separate row of the generator."""
        logits = self._logits(params)  # [B, G, C]
        num = logits.shape[1]
        seeds = tf.repeat(seeds, num)
        rows = tf.reshape(rows[:, tf.newaxis] * num + tf.range(num), [-1])
        drawn = random.categorical(seeds, rows, tf.reshape(logits, [-1, self.num_classes]), temperature=temperature)
        return tf.reshape(tf.one_hot(drawn, self.num_classes), [-1, self.latent_dim])

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        """Returns the class probabilities [B, D], the mean of one-hot codes."""
        return self.exact(params).mean()

    def _logits(self, params):
        leading = [-1] if len(params.shape) == 2 else tf.unstack(tf.shape(params)[:-1])
        shape = [*leading, self.latent_dim // self.num_classes, self.num_classes]
        return tf.reshape(tf.cast(params, tf.float32), shape)


def check_groups(latent_dim: int, num_classes: int) -> None:
    """Raises a `ValueError` if `latent_dim` is not a multiple of the number of classes."""
    if latent_dim % num_classes:
        raise ValueError(
            f"`latent_dim` must be a multiple of the {num_classes} classes of a variable. "
            f"Received: latent_dim={latent_dim}"
        )
