"""Posteriors: Keras layers that turn the encoder's features into q(z|x)."""

from keras_ae.latents.posteriors.deterministic import Deterministic
from keras_ae.latents.posteriors.diagonal_normal import DiagonalNormal
from keras_ae.latents.posteriors.full_covariance_normal import FullCovarianceNormal
from keras_ae.latents.posteriors.inverse_autoregressive_flow import InverseAutoregressiveFlow
from keras_ae.latents.posteriors.ladder_normal import LadderNormal
from keras_ae.latents.posteriors.landmarks import Landmarks
from keras_ae.latents.posteriors.mixed_posterior import MixedPosterior
from keras_ae.latents.posteriors.planar_flow import PlanarFlow
from keras_ae.latents.posteriors.posterior import Posterior
from keras_ae.latents.posteriors.power_spherical import PowerSpherical
from keras_ae.latents.posteriors.relaxed_categorical import RelaxedCategorical
from keras_ae.latents.posteriors.top_down_normal import TopDownNormal
from keras_ae.latents.posteriors.vector_quantizer import ResidualVectorQuantizer, VectorQuantizer
from keras_ae.registry import resolve

POSTERIORS = {
    "deterministic": Deterministic,
    "diagonal_normal": DiagonalNormal,
    "full_covariance_normal": FullCovarianceNormal,
    "inverse_autoregressive_flow": InverseAutoregressiveFlow,
    "ladder_normal": LadderNormal,
    "landmarks": Landmarks,
    "mixed": MixedPosterior,
    "planar_flow": PlanarFlow,
    "power_spherical": PowerSpherical,
    "relaxed_categorical": RelaxedCategorical,
    "residual_vector_quantizer": ResidualVectorQuantizer,
    "top_down_normal": TopDownNormal,
    "vector_quantizer": VectorQuantizer,
}

__all__ = ["POSTERIORS", "Posterior", "get", *(cls.__name__ for cls in POSTERIORS.values())]


def get(value: "str | Posterior") -> Posterior:
    """Returns the posterior for a short name or an instance."""
    return resolve("posterior", value, POSTERIORS, Posterior)
