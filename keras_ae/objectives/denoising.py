import functools
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae import random
from keras_ae.hyperparameters import Hyperparameter
from keras_ae.objectives.objective import Objective
from keras_ae.validation.arguments import check_choice, check_number, is_number

CORRUPTIONS = ("masking", "normal", "salt_and_pepper")


@keras.saving.register_keras_serializable(package="keras_ae")
class Denoising(Objective):
    """The reconstruction error of the clean example, given a corrupted copy as the encoder's input:

        loss = reconstruction = -log p(x|z),  z = encoder(corrupt(x))

        "masking"          a value is replaced by 0 with probability `amount`
        "salt_and_pepper"  a value is replaced by the minimum or the maximum, with probability `amount` / 2 each
        "normal"           x + amount * noise,  noise ~ N(0, I)

    Each value is corrupted independently, in training and in validation; the papers mask an exact fraction of the
    values. `encode` and `reconstruct` do not corrupt their input.

    Args:
        corruption: `"masking"`, `"salt_and_pepper"` or `"normal"`.
        amount: the probability (symbol nu in Vincent 2010), or the standard deviation of the noise (symbol sigma).
        support: (low, high), the range of the data, to which noise is clipped. `None` does not clip, and salt and
            pepper are 0 and 1.

    Raises:
        ValueError: for arguments out of range.

    Example:
        >>> import keras_ae as kae
        >>> objective = Denoising("normal", 0.3, support=(0.0, 1.0))
        >>> model = kae.Autoencoder(latent_dim=2, posterior="deterministic", prior=None, objective=objective)

    References:
        Vincent et al. 2008, "Extracting and composing robust features with denoising autoencoders", ICML;
        Vincent et al. 2010, "Stacked denoising autoencoders", JMLR 11, section 4.1 and 4.3.
    """

    terms = ("reconstruction",)
    needs_prior = False
    needs_density = False

    amount = Hyperparameter(functools.partial(check_number, low=0.0))

    def __init__(
        self, corruption: str = "masking", amount: float = 0.25, *, support: Sequence[float] | None = None, **kwargs
    ):
        super().__init__(**kwargs)
        self.corruption = check_choice("corruption", corruption, CORRUPTIONS)
        self.amount = amount
        self.support = _check_support(support)
        self.check_together()

    def check_together(self) -> None:
        if self.corruption != "normal" and self.amount > 1:
            raise ValueError(f"`amount` must be a probability in [0, 1]. Received: amount={self.amount!r}")

    def call(self, x, posterior, prior, likelihood, step_context):
        corrupted = self.corrupt(x, tfp.random.sanitize_seed(step_context.seed, salt="corruption"))
        z = posterior(corrupted).sample(1, seed=step_context.seed)  # [1, B, D]
        reconstruction = -likelihood(z).log_prob(x)[0]
        return {"loss": reconstruction, "reconstruction": reconstruction}

    def corrupt(self, x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns a corrupted copy of x [B, *event].

        Args:
            x: float32 tensor.
            seed: int32 tensor [2].
        """
        if self.corruption == "normal":
            noisy = x + self.amount * random.stateless_normal(tf.shape(x), seed)
            return noisy if self.support is None else tf.clip_by_value(noisy, *self.support)
        uniform = random.stateless_uniform(tf.shape(x), seed)  # in [0, 1)
        if self.corruption == "masking":
            return tf.where(uniform < self.amount, 0.0, x)
        low, high = self.support or (0.0, 1.0)
        extreme = tf.where(uniform < 0.5 * self.amount, low, high)
        return tf.where(uniform < self.amount, extreme, x)


def _check_support(support):
    """Returns (low, high) as floats, or `None`."""
    if support is None:
        return None
    ends = support.tolist() if isinstance(support, np.ndarray) else support
    pair = isinstance(ends, (list, tuple, range)) and len(ends) == 2 and all(is_number(end) for end in ends)
    if not pair or not ends[0] < ends[1]:
        raise ValueError(f"`support` must be two numbers, low < high, or None. Received: support={support!r}")
    return float(ends[0]), float(ends[1])
