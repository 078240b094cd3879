"""The model that a detector trains if it is given none, chosen from the data."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from keras_ae.models import VAE
from keras_ae.networks import MLP

_FEWEST_STEPS = 3000
_MOST_EPOCHS = 300


@dataclasses.dataclass(frozen=True)
class Scaling:
    """x -> (x - loc) / scale for each column or channel, from training data.

    Args:
        loc, scale: numbers or arrays that broadcast with x; scale > 0. By default, nothing changes.
    """

    loc: np.ndarray | float = 0.0
    scale: np.ndarray | float = 1.0

    @property
    def is_identity(self) -> bool:
        """Whether it changes nothing."""
        return not np.any(self.loc) and bool(np.all(self.scale == 1))

    def __call__(self, x: np.ndarray | tf.Tensor) -> np.ndarray | tf.Tensor:
        """Returns scaled examples: a float32 array, or a float32 tensor in a graph."""
        x = x if tf.is_tensor(x) else np.asarray(x, np.float32)
        return x if self.is_identity else (x - np.float32(self.loc)) / np.float32(self.scale)

    def inverse(self, x: np.ndarray) -> np.ndarray:
        """Returns examples in the units of the data."""
        return x * self.scale + self.loc


def choose_model(x: np.ndarray, seed: int) -> tuple[keras.Model, Scaling]:
    """Returns a VAE for this kind of data, not yet trained, and how to scale the data for it.

    | Data | Scaling | Likelihood |
    |---|---|---|
    | images [N, H, W, C] in [0, 1] or [0, 255] | to [0, 1] | Bernoulli |
    | 0 and 1 | none | Bernoulli |
    | tables of integers >= 0 with a maximum above 1, unless the largest is common | none | negative binomial |
    | other numbers, in tables [N, D] or windows of sequences [N, T, D] | mean 0, variance 1 by column | normal |

    Args:
        x: training examples [N, *event].
        seed: integer seed of the model.
    """
    low, high = float(x.min()), float(x.max())
    wide = x[0].size > _WIDE
    hidden = [400, 300] if wide else [64, 64]
    latent_dim = 24 if wide else int(np.clip(x[0].size // 4, 2, 16))
    sizes = {"encoder": MLP(hidden), "decoder": MLP(hidden), "latent_dim": latent_dim, "seed": seed}
    if x.ndim == 4 and low >= 0 and high <= 255:
        return VAE(**sizes), (Scaling() if high <= 1 else Scaling(scale=255.0))
    whole = np.array_equal(x, np.round(x)) and low >= 0
    if whole and high <= 1:
        return VAE(**sizes), Scaling()
    if whole and x.ndim == 2 and not _has_ceiling(x):
        return VAE(likelihood="negative_binomial", **sizes), Scaling()
    axes = tuple(range(x.ndim - 1))
    scale = x.std(axis=axes)
    return VAE(likelihood="normal", **sizes), Scaling(x.mean(axis=axes), np.where(scale > 0, scale, 1.0))


def _has_ceiling(x):
    """Whether integers are levels up to a largest one, not counts: it is more common than the one below."""
    top = x.max()
    return float(np.mean(x == top)) > max(float(np.mean(x == top - 1)), _COMMON)


def default_epochs(num: int, batch_size: int) -> int:
    """The number of epochs for `num` examples: 3,000 steps or more, within 40 and 300 epochs."""
    steps = -(-num // batch_size)
    return int(np.clip(-(-_FEWEST_STEPS // steps), 40, _MOST_EPOCHS))


_COMMON = 0.01  # share of the values
_WIDE = 100  # values per example, from which the network is wider
