"""The models: one file for each published model, and the table that names them."""

from keras_ae.models.ae import AE
from keras_ae.models.conditional_vae import ConditionalVAE
from keras_ae.models.vae import VAE

# Short name on the command line: class. One line adds a model.
MODELS = {
    "ae": AE,
    "vae": VAE,
    "cvae": ConditionalVAE,
}

__all__ = ["AE", "MODELS", "VAE", "ConditionalVAE"]
