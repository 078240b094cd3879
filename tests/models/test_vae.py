import keras
import numpy as np
import pytest
from sklearn.decomposition import PCA

import keras_ae as kae


@pytest.mark.xla  # 1,200 steps
def test_linear_gaussian_vae_reaches_the_exact_likelihood_of_probabilistic_pca():
    """Lucas et al. 2019 (arXiv:1911.02469): the optimum of the linear VAE's bound is the likelihood of pPCA."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1024, 2)) @ np.array([[2.0, 0, 1, 0, 1, 0], [0, 1.0, 0, 1, 0, -1]])
    x = (x + rng.normal(size=x.shape) * 0.5 + np.arange(6)).astype("float32")
    exact = PCA(n_components=2).fit(x).score(x)  # mean log-likelihood in nats, Tipping and Bishop 1999

    steps = 150 * 8
    model = kae.models.VAE(
        keras.layers.Identity(),
        keras.layers.Identity(),
        latent_dim=2,
        likelihood=kae.likelihoods.Normal("shared"),
        objective=kae.objectives.ELBO(num_samples=32),
    )
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.05, steps)))
    model.fit(x, epochs=150, batch_size=128, verbose=0)
    bound = -model.evaluate(x, batch_size=1024, verbose=0, return_dict=True)["loss"]
    # 1,024 x 32 samples of a reconstruction with a deviation of about 1 nat: 0.006; pPCA's own likelihood is the limit.
    assert exact - 0.02 < bound < exact + 0.01
