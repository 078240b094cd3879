import keras
import tensorflow as tf


class Callback(keras.callbacks.Callback):
    """Base of the callbacks: plain Keras callbacks that are saved by their config, and part of an exact resume.

    A subclass gives `get_config`; one that remembers something from epoch to epoch gives `get_state` and `set_state`.
    """

    def get_config(self):
        """The arguments of the constructor, as Keras serializes them."""
        raise NotImplementedError

    @classmethod
    def from_config(cls, config):
        return cls(**{name: keras.saving.deserialize_keras_object(value) for name, value in config.items()})

    def get_state(self):
        """What a resumed training must know: a dictionary of numbers, strings, `None`, and NumPy arrays."""
        return {}

    def set_state(self, state):
        """Goes on from what `get_state` gave; to be called after `on_train_begin`, which starts afresh."""

    @property
    def step(self):
        """How many steps the model was trained."""
        return int(tf.convert_to_tensor(self.model.optimizer.iterations))  # under a strategy, a variable is no number
