import numpy as np

from keras_ae.latents.samplers.descent import Descent
from keras_ae.latents.samplers.sampler import Sampler
from keras_ae.validation.arguments import MAX_COUNT, check_number, check_size


class GradientSampler(Sampler):
    """Base of the samplers that are fitted by gradients, with a tenth of the codes held out to know when to end.

    Args:
        epochs: the most times through the codes.
        patience: epochs in which the held-out codes get no more likely, before it ends.
        learning_rate: of Adam, > 0.
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
        codes = codes[np.random.default_rng(seed).permutation(len(codes))]  # what is held out is no class of its own
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
