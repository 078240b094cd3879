import keras


class EpochEnds(keras.callbacks.Callback):
    """Tells the referee of the epochs of a `fit`.

    Args:
        referee: a `Referee`.
    """

    def __init__(self, referee):
        super().__init__()
        self.referee = referee

    def on_epoch_end(self, epoch, logs=None):
        self.referee.epoch_ended(logs["loss"])
