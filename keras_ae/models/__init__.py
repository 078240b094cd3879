"""The models: one file for each published model, and the table that names them."""

from keras_ae.models.adversarial_ae import AdversarialAE
from keras_ae.models.ae import AE
from keras_ae.models.conditional_vae import ConditionalVAE
from keras_ae.models.factor_vae import FactorVAE
from keras_ae.models.hierarchical_vae import HierarchicalVAE
from keras_ae.models.ladder_vae import LadderVAE
from keras_ae.models.residual_vqvae import ResidualVQVAE
from keras_ae.models.vae import VAE
from keras_ae.models.vae_gan import VAEGAN
from keras_ae.models.vqvae import VQVAE

# Short name on the command line: class. One line adds a model.
MODELS = {
    "ae": AE,
    "vae": VAE,
    "cvae": ConditionalVAE,
    "factor_vae": FactorVAE,
    "adversarial_ae": AdversarialAE,
    "vae_gan": VAEGAN,
    "hierarchical_vae": HierarchicalVAE,
    "ladder_vae": LadderVAE,
    "vqvae": VQVAE,
    "residual_vqvae": ResidualVQVAE,
}

__all__ = [
    "AE", "MODELS", "VAE", "VAEGAN", "VQVAE", "AdversarialAE", "ConditionalVAE", "FactorVAE", "HierarchicalVAE",
    "LadderVAE", "ResidualVQVAE",
]  # fmt: skip
