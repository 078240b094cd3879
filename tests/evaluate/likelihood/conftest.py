"""Probabilistic PCA as a VAE: everything about it has a closed form."""

import dataclasses

import keras
import numpy as np
import pytest
from scipy import stats

import keras_ae as kae


@dataclasses.dataclass
class Linear:
    """x = W z + b + noise, z ~ N(0, 1), and an encoder q(z|x) = N(V x, 1.2^2).

    Args:
        model: the model.
        x: float32 [N, 4].
        basis, offset, noise: W [4, 2], b [4] and the standard deviation of the noise.
        means, scale: the means [N, 2] and the standard deviation of q(z|x).
    """

    model: keras.Model
    x: np.ndarray
    basis: np.ndarray
    offset: np.ndarray
    noise: float
    means: np.ndarray
    scale: float = 1.2

    @property
    def evidence(self):
        """log p(x): [N], of x ~ N(b, W W' + noise^2)."""
        covariance = self.basis @ self.basis.T + self.noise**2 * np.eye(4)
        return stats.multivariate_normal(self.offset, covariance).logpdf(self.x)

    @property
    def kl(self):
        """KL(q(z|x) || p(z)): [N]."""
        return 0.5 * (self.means**2 + self.scale**2 - 1).sum(axis=1) - 2 * np.log(self.scale)

    @property
    def reconstruction(self):
        """E_q[-log p(x|z)]: [N]."""
        errors = self.x - self.offset - self.means @ self.basis.T
        squares = (errors**2).sum(axis=1) + self.scale**2 * (self.basis**2).sum()
        return 2 * np.log(2 * np.pi * self.noise**2) + 0.5 * squares / self.noise**2


@pytest.fixture(scope="session")
def linear():
    identity = keras.layers.Identity
    model = kae.models.VAE(identity(), identity(), latent_dim=2, likelihood="normal")
    model.build((None, 4))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape, scale=0.3) for w in model.get_weights()])
    # The encoder is a little too wide, so that the importance weights are bounded.
    kernel = np.concatenate([rng.normal(size=(4, 2), scale=0.1), np.zeros([4, 2])], axis=1)
    model.posterior_layer.dense.set_weights([kernel, np.repeat([0.0, np.log(np.expm1(1.2))], 2)])
    offset = model.decode(np.zeros([1, 2], "float32")).numpy()[0].astype("float64")
    basis = (model.decode(np.eye(2, dtype="float32")).numpy() - offset).T.astype("float64")
    noise = float(model.likelihood(np.zeros([1, 2])).stddev()[0, 0])
    x = rng.normal(size=(25, 4)).astype("float32")
    return Linear(model, x, basis, offset, noise, x.astype("float64") @ kernel[:, :2])


@pytest.fixture(scope="session")
def conditional():
    mlp = kae.networks.MLP
    model = kae.models.ConditionalVAE(mlp([8]), mlp([8]), latent_dim=2, condition=kae.Categorical(3))
    model.build((None, 5))
    return model
