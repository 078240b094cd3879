from typing import Any

import keras

from keras_ae.autoencoder import Autoencoder
from keras_ae.conditions import Condition
from keras_ae.networks import Network


@keras.saving.register_keras_serializable(package="keras_ae")
class ConditionalVAE(Autoencoder):
    """Conditional variational autoencoder: encoder and decoder receive known properties c of each example.

        loss = E_q[-log p(x|z, c)] + KL(q(z|x, c) || p(z)) >= -log p(x|c)

    The code holds what the properties do not determine, so decoding one code under each property keeps the style.

    Args:
        condition: the properties; required.
        latent_dim: dimension of the code, D; it need not represent what the condition already determines.
        encoder, decoder, posterior, prior, likelihood, objective, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> x, labels = np.random.rand(64, 8, 8, 1), np.arange(64) % 10
        >>> model = ConditionalVAE(latent_dim=2, condition=kae.Categorical(10))
        >>> model.compile()
        >>> history = model.fit(x, labels, verbose=0)
        >>> model.sample(10, condition=range(10), seed=7).shape
        TensorShape([10, 8, 8, 1])

    References:
        Sohn, Lee and Yan 2015, "Learning structured output representation using deep conditional generative models",
        NeurIPS, equation 4, with one prior for all conditions; Kingma et al. 2014, arXiv:1406.5298, equation 6.
    """

    needs_condition = True

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        condition: Condition | dict[str, Condition],
        latent_dim: int = 8,
        **kwargs: Any,
    ):
        super().__init__(encoder, decoder, condition=condition, latent_dim=latent_dim, **kwargs)
