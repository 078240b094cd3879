import keras

from keras_ae.autoencoder import Autoencoder


@keras.saving.register_keras_serializable(package="keras_ae")
class VAE(Autoencoder):
    """Variational autoencoder: encodes each example as a distribution, regularized toward a prior that can be sampled.

        loss = reconstruction + kl = E_q[-log p(x|z)] + KL(q(z|x) || p(z)) >= -log p(x)

    The parts are the defaults of `Autoencoder`: diagonal normal posterior, standard normal prior, Bernoulli likelihood
    and evidence lower bound (ELBO).

    Example:
        >>> import numpy as np
        >>> model = VAE(latent_dim=2)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)
        >>> model.sample(3, seed=7).shape
        TensorShape([3, 8, 8, 1])

    References:
        Kingma and Welling 2014, "Auto-encoding variational Bayes", arXiv:1312.6114, equation 10;
        Rezende, Mohamed and Wierstra 2014, arXiv:1401.4082.
    """
