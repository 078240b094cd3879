import keras

from keras_ae.training import Trainer
from keras_ae.training.progress import ProgressBar

_BATCH = 256
_FEWEST_BATCHES = 20
_HELD_OUT = 0.1


class Descent(Trainer):
    """Fits layers to codes by gradients, with the engine that trains the models.

    Args:
        layers: built layers. They are trainable while `run` runs, and not after it.
        loss: function of codes [B, D] and a stateless seed to the loss of each, [B], in nats.
        seed: integer; noise and order are drawn from it.
    """

    def __init__(self, layers, loss, *, seed):
        super().__init__((), seed=seed)
        self.parts = list(layers)
        self.loss_of_codes = loss
        self.built = True

    def terms(self, x, condition, step_context):
        return {"loss": self.loss_of_codes(x, step_context.seed)}

    def prepare(self, x, condition, sample_weight=None, *, training=False):
        return x, None, None

    def must_be_finite(self):
        """What must stay finite: what is fitted. Other weights of the layers may be set at the end of it."""
        return [variable.value for variable in self.trainable_variables]

    def run(self, codes, label, *, epochs, patience, learning_rate, verbose):
        """Trains until codes that are held out get less likely, and goes back to the weights that were best for them.

        Args:
            codes: float32 array [N, D], in random order.
            label: what to call it in its progress.
            epochs: the most.
            patience: epochs without a better loss of the held-out codes after which it ends.
            learning_rate: of Adam.
            verbose: whether to show the progress.
        """
        stopping = keras.callbacks.EarlyStopping(mode="min", patience=patience, restore_best_weights=True)
        progress = ProgressBar(label)
        self._set_trainable(True)
        # XLA takes longer to compile than such small networks take to train.
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
