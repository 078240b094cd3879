"""keras_ae with its defaults, or with another `jit_compile` and `dtype`."""

import keras

import keras_ae as kae
from side_by_side.contestants.keras_epochs import EpochEnds
from side_by_side.referee import contestant
from side_by_side.task import SIDE


def run(task, x, referee, options):
    referee.starts()
    dtype, compiled = options.get("dtype", "float32"), {k: v for k, v in options.items() if k != "dtype"}
    keras.config.set_dtype_policy(dtype)
    if task.network == "conv":
        x = x.reshape(-1, SIDE, SIDE, 1)
        networks = kae.networks.ConvEncoder(task.hidden), kae.networks.ConvDecoder(task.hidden)
    else:
        networks = kae.networks.MLP(task.hidden), kae.networks.MLP(task.hidden)
    objective = "elbo" if task.num_samples == 1 else kae.objectives.IWAE(task.num_samples)
    model = kae.Autoencoder(*networks, latent_dim=task.latent_dim, objective=objective)
    model.compile(keras.optimizers.Adam(task.learning_rate), **compiled)
    model.fit(x, batch_size=task.batch_size, epochs=10**6, verbose=0, callbacks=[EpochEnds(referee)])


if __name__ == "__main__":
    contestant(run)
