"""The models: one file for each published model, and the table that names them."""

from keras_ae.models.ae import AE
from keras_ae.models.ciwae import CIWAE
from keras_ae.models.conditional_prior_vae import ConditionalPriorVAE
from keras_ae.models.conditional_vae import ConditionalVAE
from keras_ae.models.flow_posterior_vae import FlowPosteriorVAE
from keras_ae.models.flow_prior_vae import FlowPriorVAE
from keras_ae.models.gaussian_mixture_vae import GaussianMixtureVAE
from keras_ae.models.iwae import IWAE
from keras_ae.models.joint_vae import JointVAE
from keras_ae.models.miwae import MIWAE
from keras_ae.models.piwae import PIWAE
from keras_ae.models.semi_supervised_vae import SemiSupervisedVAE
from keras_ae.models.spherical_vae import SphericalVAE
from keras_ae.models.vae import VAE
from keras_ae.models.vamp_prior_vae import VampPriorVAE

# Short name on the command line: class. One line adds a model.
MODELS = {
    "ae": AE,
    "vae": VAE,
    "cvae": ConditionalVAE,
    "iwae": IWAE,
    "miwae": MIWAE,
    "ciwae": CIWAE,
    "piwae": PIWAE,
    "joint_vae": JointVAE,
    "gaussian_mixture_vae": GaussianMixtureVAE,
    "vamp_prior_vae": VampPriorVAE,
    "flow_posterior_vae": FlowPosteriorVAE,
    "flow_prior_vae": FlowPriorVAE,
    "spherical_vae": SphericalVAE,
    "conditional_prior_vae": ConditionalPriorVAE,
    "semi_supervised_vae": SemiSupervisedVAE,
}

__all__ = [
    "AE", "CIWAE", "IWAE", "MIWAE", "MODELS", "PIWAE", "VAE", "ConditionalPriorVAE", "ConditionalVAE",
    "FlowPosteriorVAE", "FlowPriorVAE", "GaussianMixtureVAE", "JointVAE", "SemiSupervisedVAE", "SphericalVAE",
    "VampPriorVAE",
]  # fmt: skip
