import numpy as np

from keras_ae.latents.samplers.descent import Descent
from keras_ae.latents.samplers.sampler import Sampler
from keras_ae.validation.arguments import MAX_COUNT, check_number, check_size


class GradientSampler(Sampler):
    """Base class of samplers fitted by gradient descent, with a tenth of the codes held out for early stopping.

    Args:
        epochs: maximum number of epochs.
        patience: number of epochs without improvement on the held-out codes after which training stops.
        learning_rate: learning rate of Adam, > 0.
    """

    def __init__(self, epochs, patience, learning_rate, **kwargs):
        super().__init__(**kwargs)
        self.epochs = check_size("epochs", epochs, high=MAX_COUNT)
        self.patience = check_size("patience", patience, high=MAX_COUNT)
        self.learning_rate = check_number("learning_rate", learning_rate, low=0.0)

    def fewest(self, latent_dim):
        return max(super().fewest(latent_dim), 20)

    def descend(self, layers, loss, codes, *, seed, verbose):
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

    def get_config(self):
        names = ("epochs", "patience", "learning_rate")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
