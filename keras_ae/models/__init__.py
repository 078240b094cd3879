"""The models: one file for each published model, and the table that names them."""

from keras_ae.models.ae import AE
from keras_ae.models.annealed_vae import AnnealedVAE
from keras_ae.models.beta_tc_vae import BetaTCVAE
from keras_ae.models.beta_vae import BetaVAE
from keras_ae.models.conditional_vae import ConditionalVAE
from keras_ae.models.contractive_ae import ContractiveAE
from keras_ae.models.denoising_ae import DenoisingAE
from keras_ae.models.dip_vae import DIPVAE
from keras_ae.models.info_vae import InfoVAE
from keras_ae.models.regularized_ae import RegularizedAE
from keras_ae.models.sparse_ae import SparseAE
from keras_ae.models.vae import VAE
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
}

__all__ = [
    "AE", "DIPVAE", "MODELS", "VAE", "WAE", "AnnealedVAE", "BetaTCVAE", "BetaVAE", "ConditionalVAE", "ContractiveAE",
    "DenoisingAE", "InfoVAE", "RegularizedAE", "SparseAE",
]  # fmt: skip
