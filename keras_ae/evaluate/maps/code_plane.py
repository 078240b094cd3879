"""A projection of codes to a plane that also decodes: an autoencoder of the codes."""

import dataclasses

import keras
import numpy as np
from rich.console import Console

from keras_ae.models import AE
from keras_ae.networks import MLP
from keras_ae.random import check_seed
from keras_ae.training.progress import ProgressBar
from keras_ae.validation.arguments import check_array, check_size

_BATCHES, _STEPS, _EPOCHS = (16, 128), 3000, 200  # sizes of batches; most steps and epochs


@dataclasses.dataclass(frozen=True)
class CodePlane:
    """A trained autoencoder of codes with two latent dimensions.

    Args:
        model: the `AE`, of codes that are scaled.
        loc: mean of the codes [D].
        scale: their standard deviation over all dimensions.
    """

    model: AE
    loc: np.ndarray
    scale: float

    def encode(self, codes: np.ndarray) -> np.ndarray:
        """Returns the points of codes [N, D]: float32 [N, 2]."""
        return np.asarray(self.model.encode((np.asarray(codes, np.float32) - self.loc) / self.scale))

    def decode(self, points: np.ndarray) -> np.ndarray:
        """Returns the codes of points [N, 2]: float32 [N, D]."""
        return self.loc + self.scale * np.asarray(self.model.decode(np.asarray(points, np.float32)))


def code_plane(codes: np.ndarray, *, epochs: int | None = None, seed: int = 0, verbose: int = 0) -> CodePlane:
    """Trains an autoencoder with two latent dimensions on codes of more: a projection that also decodes.

    Where the codes lie on a curved surface, it follows them, as t-SNE and UMAP do and PCA does not. With the decoder of
    the model behind it, each point of the plane has a picture.

    Args:
        codes: codes [N, D], N >= 3.
        epochs: epochs of the training; by default as many as 3,000 steps of up to 128 codes take, at most 200.
        seed: integer seed of weights and order.
        verbose: 1 shows the progress of the training, on the standard error; 0 does not.

    Returns:
        A `CodePlane`.

    Raises:
        ValueError: for codes of another shape, or that are not finite.

    Example:
        >>> codes = np.random.default_rng(0).normal(size=[100, 5])
        >>> plane = code_plane(codes, epochs=2)
        >>> plane.encode(codes).shape, plane.decode(np.zeros([3, 2])).shape
        ((100, 2), (3, 5))
    """
    codes = check_array(codes, "codes", event_shape=np.shape(codes)[1:])
    if codes.ndim != 2 or len(codes) < 3:
        raise ValueError(f"`codes` must have shape [N, D] with N >= 3. Received: {list(codes.shape)}")
    seed = check_seed(seed)
    batch = int(np.clip(len(codes) // 16, *_BATCHES))
    steps = -(-len(codes) // batch)
    epochs = min(-(-_STEPS // steps), _EPOCHS) if epochs is None else check_size("epochs", epochs)
    loc, scale = codes.mean(axis=0), float(codes.std()) or 1.0
    keras.utils.set_random_seed(seed)  # for the initial weights
    model = AE(MLP([64, 64]), MLP([64, 64]), latent_dim=2, likelihood="normal", seed=seed)
    rate = keras.optimizers.schedules.CosineDecay(3e-3, epochs * steps)
    model.compile(keras.optimizers.Adam(rate))
    shown = [ProgressBar("plane of the codes", Console(stderr=True))] if verbose else []
    model.fit((codes - loc) / scale, batch_size=batch, epochs=epochs, verbose=0, callbacks=shown)
    return CodePlane(model, loc.astype(np.float32), scale)
