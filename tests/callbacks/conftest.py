import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ae as kae


@pytest.fixture
def make():
    """A function that makes a small compiled model."""

    def make(cls=kae.models.VAE, *, optimizer="adam", jit_compile=False, steps="auto", **arguments):
        keras.utils.set_random_seed(1)
        arguments = {"latent_dim": 3, "seed": 3, **arguments}
        model = cls(kae.networks.MLP([5]), kae.networks.MLP([5]), **arguments)
        model.compile(optimizer, jit_compile=jit_compile, steps_per_execution=steps)
        return model

    return make


@pytest.fixture
def drive():
    """A function that gives a callback epochs of ten steps with chosen logs, until it stops the training."""

    def drive(callback, model, logs, *, first=0, before=None, end=True):
        callback.set_model(model)
        model.stop_training = False
        if first == 0:
            callback.on_train_begin()
        for epoch, values in enumerate(logs, start=first):
            model.optimizer.iterations.assign(10 * epoch)
            callback.on_epoch_begin(epoch)
            if before is not None:
                before(epoch)
            model.optimizer.iterations.assign(10 * (epoch + 1))
            callback.on_epoch_end(epoch, values)
            if model.stop_training:
                break
        if end:
            callback.on_train_end()
        return epoch + 1

    return drive


@pytest.fixture
def read_events():
    """A function that reads the event files of a folder."""

    def read_events(folder, *, resumed=False):
        """What the event files of a folder hold: {(tag, step): (plugin, array)}.

        Each of them is there once; of a resumed training perhaps twice, with the same value.
        """
        found = {}
        for path in sorted(folder.glob("events.out.tfevents.*")):
            for record in tf.data.TFRecordDataset(str(path)):
                event = tf.compat.v1.Event.FromString(record.numpy())
                for value in event.summary.value:
                    key, array = (value.tag, event.step), tf.make_ndarray(value.tensor)
                    if key in found:
                        assert resumed
                        np.testing.assert_array_equal(array, found[key][1])
                    found[key] = value.metadata.plugin_data.plugin_name, array
        return found

    return read_events
