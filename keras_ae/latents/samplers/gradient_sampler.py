from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_ae.latents.samplers.sampler import Sampler
from keras_ae.training import Trainer
from keras_ae.training.progress import ProgressBar
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


_BATCH = 256
_FEWEST_BATCHES = 20
_HELD_OUT = 0.1


class Descent(Trainer):
    """Fits layers to codes by gradient descent, with the training loop of the models.

    Args:
        layers: built layers. They are trainable only during `run`.
        loss: function from codes [B, D] and a stateless seed to the loss of each code, [B], in nats.
        seed: integer seed of the noise and the order.
    """

    def __init__(
        self, layers: Sequence[keras.layers.Layer], loss: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], *, seed: int
    ):
        super().__init__((), seed=seed)
        self.parts = list(layers)
        self.loss_of_codes = loss
        self.built = True

    def terms(self, x, condition, step_context):
        return {"loss": self.loss_of_codes(x, step_context.seed)}

    def _check_arrays(self, x, condition, sample_weight):
        return x, None, None

    def _must_be_finite(self):
        """The fitted weights, which must stay finite. Other weights of the layers may be set at the end."""
        return [variable.value for variable in self.trainable_variables]

    def run(
        self, codes: np.ndarray, label: str, *, epochs: int, patience: int, learning_rate: float, verbose: bool
    ) -> None:
        """Trains with early stopping on held-out codes, and restores the best weights.

        Args:
            codes: float32 array [N, D], in random order.
            label: name in the progress bar.
            epochs: maximum number of epochs.
            patience: number of epochs without improvement on the held-out codes after which training stops.
            learning_rate: learning rate of Adam.
            verbose: whether to show a progress bar.
        """
        stopping = keras.callbacks.EarlyStopping(mode="min", patience=patience, restore_best_weights=True)
        progress = ProgressBar(label)
        self._set_trainable(True)
        # XLA takes longer to compile such small networks than they take to train.
        self.compile(keras.optimizers.Adam(learning_rate), jit_compile=False)
        try:
            self.fit(
                codes,
                batch_size=min(_BATCH, max(1, len(codes) // _FEWEST_BATCHES)),
                epochs=epochs,
                validation_split=_HELD_OUT,
                callbacks=[stopping, progress] if verbose else [stopping],
                verbose=0,
            )
        finally:
            progress.close()
            self._set_trainable(False)

    def _set_trainable(self, value):
        for layer in self.parts:
            layer.trainable = value
