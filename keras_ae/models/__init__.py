"""The models: one file for each published model, and the table that names them."""

from keras_ae.models.ae import AE
from keras_ae.models.annealed_vae import AnnealedVAE
from keras_ae.models.beta_tc_vae import BetaTCVAE
from keras_ae.models.beta_vae import BetaVAE
from keras_ae.models.ciwae import CIWAE
from keras_ae.models.conditional_prior_vae import ConditionalPriorVAE
from keras_ae.models.conditional_vae import ConditionalVAE
from keras_ae.models.contractive_ae import ContractiveAE
from keras_ae.models.denoising_ae import DenoisingAE
from keras_ae.models.dip_vae import DIPVAE
from keras_ae.models.flow_posterior_vae import FlowPosteriorVAE
from keras_ae.models.flow_prior_vae import FlowPriorVAE
from keras_ae.models.gaussian_mixture_vae import GaussianMixtureVAE
from keras_ae.models.info_vae import InfoVAE
from keras_ae.models.iwae import IWAE
from keras_ae.models.joint_vae import JointVAE
from keras_ae.models.miwae import MIWAE
from keras_ae.models.piwae import PIWAE
from keras_ae.models.regularized_ae import RegularizedAE
from keras_ae.models.semi_supervised_vae import SemiSupervisedVAE
from keras_ae.models.sparse_ae import SparseAE
from keras_ae.models.spherical_vae import SphericalVAE
from keras_ae.models.vae import VAE
from keras_ae.models.vamp_prior_vae import VampPriorVAE
from keras_ae.models.wae import WAE

# Short name on the command line: class. One line adds a model.
MODELS = {
    "ae": AE,
    "denoising_ae": DenoisingAE,
    "sparse_ae": SparseAE,
    "contractive_ae": ContractiveAE,
    "regularized_ae": RegularizedAE,
    "vae": VAE,
    "beta_vae": BetaVAE,
    "annealed_vae": AnnealedVAE,
    "beta_tc_vae": BetaTCVAE,
    "dip_vae": DIPVAE,
    "info_vae": InfoVAE,
    "wae": WAE,
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
    "AE", "CIWAE", "DIPVAE", "IWAE", "MIWAE", "MODELS", "PIWAE", "VAE", "WAE", "AnnealedVAE", "BetaTCVAE",
    "BetaVAE", "ConditionalPriorVAE", "ConditionalVAE", "ContractiveAE", "DenoisingAE", "FlowPosteriorVAE",
    "FlowPriorVAE", "GaussianMixtureVAE", "InfoVAE", "JointVAE", "RegularizedAE", "SemiSupervisedVAE", "SparseAE",
    "SphericalVAE", "VampPriorVAE",
]  # fmt: skip
