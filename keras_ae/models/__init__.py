"""Published models, one file each, and the table of their short names."""

from keras_ae.models.adversarial_ae import AdversarialAE
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
from keras_ae.models.factor_vae import FactorVAE
from keras_ae.models.flow_posterior_vae import FlowPosteriorVAE
from keras_ae.models.flow_prior_vae import FlowPriorVAE
from keras_ae.models.gaussian_mixture_vae import GaussianMixtureVAE
from keras_ae.models.hierarchical_vae import HierarchicalVAE
from keras_ae.models.info_vae import InfoVAE
from keras_ae.models.iwae import IWAE
from keras_ae.models.joint_vae import JointVAE
from keras_ae.models.ladder_vae import LadderVAE
from keras_ae.models.miwae import MIWAE
from keras_ae.models.parametric_tsne import ParametricTSNE
from keras_ae.models.piwae import PIWAE
from keras_ae.models.regularized_ae import RegularizedAE
from keras_ae.models.residual_vqvae import ResidualVQVAE
from keras_ae.models.semi_supervised_vae import SemiSupervisedVAE
from keras_ae.models.sparse_ae import SparseAE
from keras_ae.models.spherical_vae import SphericalVAE
from keras_ae.models.vae import VAE
from keras_ae.models.vae_gan import VAEGAN
from keras_ae.models.vamp_prior_vae import VampPriorVAE
from keras_ae.models.vqvae import VQVAE
from keras_ae.models.wae import WAE

# Short name on the command line: class. One line adds a model.
MODELS = {
    "ae": AE,
    "denoising_ae": DenoisingAE,
    "sparse_ae": SparseAE,
    "contractive_ae": ContractiveAE,
    "regularized_ae": RegularizedAE,
    "parametric_tsne": ParametricTSNE,
    "vae": VAE,
    "beta_vae": BetaVAE,
    "annealed_vae": AnnealedVAE,
    "beta_tc_vae": BetaTCVAE,
    "factor_vae": FactorVAE,
    "dip_vae": DIPVAE,
    "info_vae": InfoVAE,
    "wae": WAE,
    "adversarial_ae": AdversarialAE,
    "vae_gan": VAEGAN,
    "iwae": IWAE,
    "miwae": MIWAE,
    "ciwae": CIWAE,
    "piwae": PIWAE,
    "vamp_prior_vae": VampPriorVAE,
    "flow_posterior_vae": FlowPosteriorVAE,
    "flow_prior_vae": FlowPriorVAE,
    "ladder_vae": LadderVAE,
    "hierarchical_vae": HierarchicalVAE,
    "spherical_vae": SphericalVAE,
    "joint_vae": JointVAE,
    "gaussian_mixture_vae": GaussianMixtureVAE,
    "vqvae": VQVAE,
    "residual_vqvae": ResidualVQVAE,
    "cvae": ConditionalVAE,
    "conditional_prior_vae": ConditionalPriorVAE,
    "semi_supervised_vae": SemiSupervisedVAE,
}

__all__ = [
    "AE", "CIWAE", "DIPVAE", "IWAE", "MIWAE", "MODELS", "PIWAE", "VAE", "VAEGAN", "VQVAE", "WAE", "AdversarialAE",
    "AnnealedVAE", "BetaTCVAE", "BetaVAE", "ConditionalPriorVAE", "ConditionalVAE", "ContractiveAE", "DenoisingAE",
    "FactorVAE", "FlowPosteriorVAE", "FlowPriorVAE", "GaussianMixtureVAE", "HierarchicalVAE", "InfoVAE", "JointVAE",
    "LadderVAE", "ParametricTSNE", "RegularizedAE", "ResidualVQVAE", "SemiSupervisedVAE", "SparseAE", "SphericalVAE",
    "VampPriorVAE",
]  # fmt: skip
