import keras
import tensorflow_probability as tfp

from keras_ae.hyperparameters import Hyperparameter
from keras_ae.latents.distributions.blocks import exact
from keras_ae.latents.spaces import Formula
from keras_ae.objectives.estimators.jacobians import squared_jacobian
from keras_ae.objectives.objective import Objective
from keras_ae.schedules import check_value, value_at
from keras_ae.schedules.values import FloatOrSchedule
from keras_ae.validation.arguments import check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class Contractive(Objective):
    """Reconstruction with a penalty on the encoder's Jacobian:

        loss = reconstruction + contraction_weight * contraction,  contraction = |dz/dx|_F^2

    where z is the mean of q(z|x). The norm is exact, or an unbiased estimate from projections of the code on random
    signs v, E |d(v z)/dx|^2 = |dz/dx|_F^2.

    The paper ties the weights of decoder and encoder. Here they are free, so larger decoder weights can compensate for
    smaller codes: in long training, the norm alone says little about the model.

    Args:
        contraction_weight: a number >= 0 or a schedule (symbol lambda in Rifai 2011).
        num_projections: random projections per example, each of which costs about one more forward and backward pass
            through the encoder. `None` for the exact norm, as expensive as latent_dim projections.

    Raises:
        ValueError: for arguments out of range; when a model is constructed, for a posterior without a closed-form mean.

    Example:
        >>> import keras_ae as kae
        >>> objective = Contractive(0.1, num_projections=None)
        >>> model = kae.Autoencoder(latent_dim=2, posterior="deterministic", prior=None, objective=objective)

    References:
        Rifai et al. 2011, "Contractive auto-encoders: explicit invariance during feature extraction", ICML,
        equations 5 to 7.
    """

    terms = ("reconstruction", "contraction")
    needs_prior = False
    needs_density = False
    scheduled = ("contraction_weight",)
    formulas = frozenset({Formula.MEAN})

    contraction_weight = Hyperparameter(check_value)

    def __init__(self, contraction_weight: FloatOrSchedule = 0.1, *, num_projections: int | None = 1, **kwargs):
        super().__init__(**kwargs)
        self.contraction_weight = contraction_weight
        self.num_projections = None if num_projections is None else check_size("num_projections", num_projections)

    def call(self, x, posterior, prior, likelihood, step_context):
        contraction = squared_jacobian(
            lambda x: exact(posterior(x)).mean(),
            x,
            seed=tfp.random.sanitize_seed(step_context.seed, salt="projections"),
            num_projections=self.num_projections,
        )
        z = posterior(x).sample(1, seed=step_context.seed)  # [1, B, D]
        reconstruction = -likelihood(z).log_prob(x)[0]
        loss = reconstruction + value_at(self.contraction_weight, step_context.step) * contraction
        return {"loss": loss, "reconstruction": reconstruction, "contraction": contraction}
