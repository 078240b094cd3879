"""Stock Keras: a subclassed model with a custom `train_step`, trained by `fit` on a NumPy array."""

import keras
import tensorflow as tf
from keras import layers

from side_by_side.contestants.keras_epochs import EpochEnds
from side_by_side.contestants.tf_loss import loss, noise_shape
from side_by_side.referee import contestant
from side_by_side.task import PIXELS, SIDE


def encoder(task):
    parts = [keras.Input([PIXELS])]
    if task.network == "conv":
        convolutions = [layers.Conv2D(n, 3, strides=2, padding="same", activation="relu") for n in task.hidden]
        parts += [layers.Reshape([SIDE, SIDE, 1]), *convolutions, layers.Flatten()]
    else:
        parts += [layers.Dense(width, activation="relu") for width in task.hidden]
    return keras.Sequential([*parts, layers.Dense(2 * task.latent_dim)])


def decoder(task):
    parts = [keras.Input([task.latent_dim])]
    if task.network == "conv":
        start = [SIDE // 4, SIDE // 4, task.hidden[-1]]
        parts += [layers.Dense(start[0] * start[1] * start[2], activation="relu"), layers.Reshape(start)]
        up = {"strides": 2, "padding": "same", "activation": "relu"}
        parts += [layers.Conv2DTranspose(n, 3, **up) for n in reversed(task.hidden)]
        return keras.Sequential([*parts, layers.Dense(1), layers.Flatten()])
    parts += [layers.Dense(width, activation="relu") for width in task.hidden]
    return keras.Sequential([*parts, layers.Dense(PIXELS)])


class VAE(keras.Model):
    def __init__(self, task):
        super().__init__()
        self.task = task
        self.encoder = encoder(task)
        self.decoder = decoder(task)
        self.seed_generator = keras.random.SeedGenerator(0)
        self.loss_tracker = keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        return [self.loss_tracker]

    def train_step(self, x):
        noise = keras.random.normal(noise_shape(self.task), seed=self.seed_generator)
        with tf.GradientTape() as tape:
            value = loss(self.task, x, self.encoder(x, training=True), self.decode, noise)
        gradients = tape.gradient(value, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        self.loss_tracker.update_state(value)
        return {"loss": self.loss_tracker.result()}

    def decode(self, z):
        return self.decoder(z, training=True)


def run(task, x, referee, options):
    referee.starts()
    model = VAE(task)
    model.compile(optimizer=keras.optimizers.Adam(task.learning_rate), jit_compile=options["jit_compile"])
    model.fit(x, batch_size=task.batch_size, epochs=10**6, verbose=0, callbacks=[EpochEnds(referee)])


if __name__ == "__main__":
    contestant(run)
