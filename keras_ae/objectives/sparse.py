import functools

import keras
import tensorflow as tf

from keras_ae.hyperparameters import Hyperparameter
from keras_ae.latents.spaces import AnySpace, UnitInterval
from keras_ae.objectives.estimators.batch_weights import shares, to_rows
from keras_ae.objectives.objective import Objective
from keras_ae.schedules import check_value, value_at
from keras_ae.schedules.values import FloatOrSchedule
from keras_ae.validation.arguments import check_choice, check_fraction

_TINY = 1e-6
_WEIGHTS = {"kl": 3.0, "l1": 0.1}


@keras.saving.register_keras_serializable(package="keras_ae")
class Sparse(Objective):
    """Reconstruction with a sparsity penalty on the code:

        loss = reconstruction + sparsity_weight * sparsity
        "kl":  sparsity = sum_j KL(target || mean_j) = sum_j target log target / mean_j
                                                       + (1 - target) log (1 - target) / (1 - mean_j)
        "l1":  sparsity = sum_j |z_j|

    mean_j is the mean of dimension j over the batch, interpreted as its probability of being active. The KL needs codes
    in (0, 1), such as from `Deterministic(activation="sigmoid")`, and keeps each dimension active for a fraction
    `target` of the examples. L1 works for any codes; with `Deterministic(activation="relu")`, many values are 0.

    Larger decoder weights can compensate for smaller codes: for long training with L1, limit the decoder's weights with
    a Keras regularizer or weight decay.

    Args:
        penalty: `"kl"` or `"l1"`.
        sparsity_weight: a number >= 0 or a schedule (symbol beta in Ng 2011); 3 for `"kl"` and 0.1 for `"l1"` unless
            given.
        target: mean activation, in (0, 1) (symbol rho), for `"kl"`.

    Raises:
        ValueError: for arguments out of range.

    Example:
        >>> import keras_ae as kae
        >>> codes = kae.latents.Deterministic(activation="sigmoid")
        >>> model = kae.Autoencoder(latent_dim=64, posterior=codes, prior=None, objective=Sparse(target=0.1))

    References:
        Ng 2011, "Sparse autoencoder", CS294A lecture notes, section 3; Makhzani and Frey 2014, arXiv:1312.5663, for
        sparse codes of autoencoders with rectified units.
    """

    terms = ("reconstruction", "sparsity")
    needs_prior = False
    needs_density = False
    scheduled = ("sparsity_weight",)

    sparsity_weight = Hyperparameter(check_value)
    target = Hyperparameter(functools.partial(check_fraction, interval="(0, 1)"))

    def __init__(
        self, penalty: str = "kl", sparsity_weight: FloatOrSchedule | None = None, *, target: float = 0.05, **kwargs
    ):
        super().__init__(**kwargs)
        self.penalty = check_choice("penalty", penalty, _WEIGHTS)
        sparsity_weight = _WEIGHTS[penalty] if sparsity_weight is None else sparsity_weight
        self.sparsity_weight = sparsity_weight
        self.target = target
        self.space = UnitInterval() if penalty == "kl" else AnySpace()

    def call(self, x, posterior, prior, likelihood, step_context):
        z = posterior(x).sample(1, seed=step_context.seed)  # [1, B, D]
        reconstruction = -likelihood(z).log_prob(x)[0]
        sparsity = self.sparsity(z[0], step_context.weight)
        loss = reconstruction + value_at(self.sparsity_weight, step_context.step) * sparsity
        return {"loss": loss, "reconstruction": reconstruction, "sparsity": sparsity}

    def sparsity(self, z: tf.Tensor, weight: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the sparsity penalty of codes [B, D]: [B], the same for all rows with `"kl"`."""
        if self.penalty == "l1":
            return tf.reduce_sum(tf.abs(z), axis=-1)
        mean = tf.linalg.matvec(z, shares(weight, tf.shape(z)[0]), transpose_a=True)  # [D]
        mean = tf.clip_by_value(mean, _TINY, 1.0 - _TINY)
        on = self.target * (tf.math.log(self.target) - tf.math.log(mean))
        off = (1.0 - self.target) * (tf.math.log1p(-self.target) - tf.math.log1p(-mean))
        return to_rows(tf.reduce_sum(on + off), z[:, 0])
