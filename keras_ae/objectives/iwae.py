import keras

from keras_ae.objectives.importance_weighted import ImportanceWeighted


@keras.saving.register_keras_serializable(package="keras_ae")
class IWAE(ImportanceWeighted):
    """The negative importance-weighted bound, which gets tighter than the ELBO with each additional sample:

        loss = -log 1/K sum_k w_k,  log w_k = log p(x|z_k) + log p(z_k) - log q(z_k|x),  z_k ~ q(z|x)

    In expectation it decreases with K toward -log p(x); with one sample it is the negative ELBO. Each step decodes K
    samples per example.

    The reported KL and reconstruction are means over single samples:

        kl = 1/K sum_k (log q(z_k|x) - log p(z_k)),  reconstruction = 1/K sum_k -log p(x|z_k)

    They do not depend on K in expectation, and their sum, the negative ELBO, is at least the loss.

    There are three estimators of the encoder's gradient; the gradient of the decoder and the prior is the same for all.
    With the normalized weights v_k = w_k / sum_j w_j and codes z_k(phi) by reparameterization,

        standard                  sum_k v_k d log w_k / d phi
        sticking_the_landing      sum_k v_k (d log w_k / d z_k) (d z_k / d phi)
        doubly_reparameterized    sum_k v_k^2 (d log w_k / d z_k) (d z_k / d phi)

    The first is unbiased, but its signal-to-noise ratio falls as K grows. The second has no variance if q(z|x) is
    exact; it is unbiased with one sample, and biased with more. The third is unbiased, and its signal grows with K. The
    last two need the gradient of log q(z|x) with respect to z, which inverts a flow: an `InverseAutoregressiveFlow`
    takes D passes per map.

    Args:
        num_samples: importance samples of q(z|x) per example (symbol k in Burda 2016).
        estimator: `"standard"`, `"sticking_the_landing"` or `"doubly_reparameterized"`.

    Raises:
        ValueError: for arguments out of range; when a model is constructed, for a posterior with relaxed codes.

    Example:
        >>> import numpy as np
        >>> import keras_ae as kae
        >>> small = kae.networks.MLP([8]), kae.networks.MLP([8])
        >>> model = kae.Autoencoder(*small, latent_dim=2, objective=IWAE(5))
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 4, 4, 1), verbose=0).history
        >>> history["loss"][0] <= history["kl"][0] + history["reconstruction"][0]
        True

    References:
        Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519, equation 8; Roeder, Wu and Duvenaud 2017,
        arXiv:1703.09194, for the second estimator; Tucker et al. 2019, arXiv:1810.04152, section 3, for the third and
        for the bias of the second.
    """

    def __init__(self, num_samples=50, *, estimator="standard", **kwargs):
        super().__init__(1, num_samples, estimator, **kwargs)
