from collections.abc import Sequence
from typing import Any

import keras

from keras_ae import latents
from keras_ae.autoencoder import Autoencoder
from keras_ae.conditions import Condition
from keras_ae.networks import Network


@keras.saving.register_keras_serializable(package="keras_ae")
class ConditionalPriorVAE(Autoencoder):
    """Conditional VAE with a learned conditional prior p(z|c), so the codes may depend on the condition.

        loss = E_q[-log p(x|z, c)] + KL(q(z|x, c) || p(z|c)) >= -log p(x|c),  p(z|c) = N(loc(c), diag(scale(c)^2))

    Args:
        condition: the properties c; required.
        hidden: widths of the hidden layers that map the condition to the prior's loc and scale; `()` for none.
        latent_dim: dimension of the code, D.
        encoder, decoder, posterior, likelihood, objective, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> x, labels = np.random.rand(64, 8, 8, 1), np.arange(64) % 10
        >>> model = ConditionalPriorVAE(latent_dim=2, condition=kae.Categorical(10))
        >>> model.compile()
        >>> history = model.fit(x, labels, verbose=0)
        >>> model.sample(10, condition=range(10), seed=7).shape
        TensorShape([10, 8, 8, 1])

    References:
        Sohn, Lee and Yan 2015, "Learning structured output representation using deep conditional generative models",
        NeurIPS, equation 4.
    """

    fixed = ("prior",)
    prior_settings = ("hidden",)
    needs_condition = True

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        condition: Condition | dict[str, Condition],
        hidden: Sequence[int] = (64,),
        latent_dim: int = 8,
        **kwargs: Any,
    ):
        prior = latents.ConditionalNormal(hidden)
        super().__init__(encoder, decoder, condition=condition, latent_dim=latent_dim, prior=prior, **kwargs)
