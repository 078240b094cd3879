import keras
import tensorflow as tf


class Callback(keras.callbacks.Callback):
    """Base class of callbacks: Keras callbacks that are serializable by their config and support an exact resume.

    A subclass defines `get_config`, and `get_state` and `set_state` if it has a state between epochs.
    """

    def get_config(self):
        """Returns the arguments of the constructor, serialized by Keras."""
        raise NotImplementedError

    @classmethod
    def from_config(cls, config):
        return cls(**{name: keras.saving.deserialize_keras_object(value) for name, value in config.items()})

    def get_state(self) -> dict:
        """Returns the state for a resume: a dictionary of numbers, strings, `None`, and NumPy arrays."""
        return {}

    def set_state(self, state: dict) -> None:
        """Restores the result of `get_state`; call it after `on_train_begin`, which resets the state."""

    @property
    def step(self) -> int:
        """The number of completed training steps."""
        # Under a strategy, a variable does not convert to int.
        return int(tf.convert_to_tensor(self.model.optimizer.iterations))


def is_chief(model: keras.Model) -> bool:
    """Whether this process writes files: the only one, or the chief of a multi-worker strategy.

    Uses the model's strategy, because callbacks run outside the scope of a strategy.
    """
    return bool(model.distribute_strategy.extended.should_save_summary)
