from collections.abc import Callable

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.hyperparameters import Hyperparameter
from keras_ae.objectives.estimators.batch_weights import to_rows
from keras_ae.objectives.estimators.jacobians import squared_jacobian
from keras_ae.objectives.objective import Objective
from keras_ae.schedules import check_value, value_at
from keras_ae.schedules.values import FloatOrSchedule
from keras_ae.validation.arguments import check_choice, check_size

_TERMS = {"l2": ("weight_norm",), "gradient": ("gradient_norm",), None: ()}
_WEIGHTS = {"l2": 0.01, "gradient": 0.3, None: 0.0}


@keras.saving.register_keras_serializable(package="keras_ae")
class Regularized(Objective):
    """Reconstruction with penalties on the norm of the code and on the decoder:

        loss = reconstruction + beta * code_norm + decoder_weight * norm,  code_norm = 1/2 |z|^2
        "l2":        norm = weight_norm = sum of the squares of the decoder's weights
        "gradient":  norm = gradient_norm = |d mean(z) / dz|_F^2, where mean(z) is the mean of p(x|z)
        None:        norm = 0

    These penalties replace the noise of a VAE in regularizing the latent space: sample from a distribution that is
    fitted to the codes.

    The decoder's weights are all trainable weights with at least two axes in the decoder and the likelihood's layer,
    which excludes biases, gains and scales. They count in training and in validation.
    The norm of the gradient is an unbiased estimate from projections of the mean on random signs. Common
    implementations use the gradient of the sum of all values instead, in which opposite changes cancel; this is the
    norm of the Jacobian, as in the paper.

    Args:
        regularizer: `"l2"`, `"gradient"` or `None`, the paper's RAE-L2, RAE-GP and RAE.
        beta: weight of the codes, a number >= 0 or a schedule (symbol beta in Ghosh 2020).
        decoder_weight: weight of the decoder's norm, a number >= 0 or a schedule (symbol lambda); 0.01 for
            `"l2"` and 0.3 for `"gradient"` by default.
        num_projections: random projections per example, for `"gradient"`.

    Raises:
        ValueError: for arguments out of range.

    Example:
        >>> import keras_ae as kae
        >>> objective = Regularized("gradient", beta=0.1, decoder_weight=0.1)
        >>> model = kae.Autoencoder(latent_dim=2, posterior="deterministic", prior=None, objective=objective)

    References:
        Ghosh et al. 2020, arXiv:1903.12436, equation 11.
    """

    needs_prior = False
    needs_density = False
    scheduled = ("beta", "decoder_weight")

    beta = Hyperparameter(check_value)
    decoder_weight = Hyperparameter(check_value)

    def __init__(
        self,
        regularizer: str | None = "l2",
        *,
        beta: FloatOrSchedule = 0.1,
        decoder_weight: FloatOrSchedule | None = None,
        num_projections: int = 1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.regularizer = check_choice("regularizer", regularizer, _TERMS)
        self.beta = beta
        decoder_weight = _WEIGHTS[regularizer] if decoder_weight is None else decoder_weight
        self.decoder_weight = decoder_weight
        self.num_projections = check_size("num_projections", num_projections)
        self.terms = ("reconstruction", "code_norm", *_TERMS[regularizer])
        self._decoder_kernels = None

    def bind(self, decoder_kernels: Callable[[], list[tf.Tensor]]) -> None:
        if self._decoder_kernels not in (None, decoder_kernels):
            raise ValueError("Regularized must not be shared by two models: create one for each.")
        self._decoder_kernels = decoder_kernels

    def call(self, x, posterior, prior, likelihood, step_context):
        z = posterior(x).sample(seed=step_context.seed)  # [B, D]
        reconstruction = -likelihood(z[tf.newaxis]).log_prob(x)[0]
        code_norm = 0.5 * tf.reduce_sum(tf.square(z), axis=-1)
        loss = reconstruction + value_at(self.beta, step_context.step) * code_norm
        terms = {"reconstruction": reconstruction, "code_norm": code_norm}
        if self.regularizer == "l2":
            terms["weight_norm"] = to_rows(self._weight_norm(), reconstruction)
        elif self.regularizer == "gradient":
            terms["gradient_norm"] = self._gradient_norm(z, likelihood, step_context.seed)
        for name in _TERMS[self.regularizer]:
            loss += value_at(self.decoder_weight, step_context.step) * terms[name]
        return {"loss": loss, **terms}

    def _weight_norm(self):
        if self._decoder_kernels is None:
            raise ValueError('Regularized("l2") needs a decoder: make it part of a model and build the model.')
        kernels = self._decoder_kernels()  # none if the decoder is frozen
        return tf.add_n([tf.reduce_sum(tf.square(kernel)) for kernel in kernels] or [tf.constant(0.0)])

    def _gradient_norm(self, z, likelihood, seed):
        return squared_jacobian(
            lambda z: likelihood(z[tf.newaxis]).mean()[0],
            z,
            seed=tfp.random.sanitize_seed(seed, salt="projections"),
            num_projections=self.num_projections,
        )
