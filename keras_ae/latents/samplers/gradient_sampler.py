import numpy as np

from keras_ae.latents.samplers.descent import Descent
from keras_ae.latents.samplers.sampler import Sampler
from keras_ae.validation.arguments import MAX_COUNT, check_positive, check_size


class GradientSampler(Sampler):
    """Base class of samplers fitted by gradient descent, with a tenth of the codes held out for early stopping.

    Args:
        epochs: maximum number of epochs.
        patience: number of epochs without improvement on the held-out codes after which training stops.
        learning_rate: learning rate of Adam, > 0.
    """

    def __init__(self, epochs: int, patience: int, learning_rate: float, **kwargs):
        super().__init__(**kwargs)
        self.epochs = check_size("epochs", epochs, high=MAX_COUNT)
        self.patience = check_size("patience", patience, high=MAX_COUNT)
        self.learning_rate = check_positive("learning_rate", learning_rate)

    def _fewest(self, latent_dim: int) -> int:
        return max(super()._fewest(latent_dim), 20)

    def _descend(self, layers, loss, codes, *, seed, verbose):
        """Fits layers to codes [N, ...]; `loss` is as in `Descent`."""
        codes = codes[np.random.default_rng(seed).permutation(len(codes))]  # sorted data would hold out one class
        Descent(layers, loss, seed=seed).run(
            codes,
            type(self).__name__,
            epochs=self.epochs,
            patience=self.patience,
            learning_rate=self.learning_rate,
            verbose=verbose,
        )
