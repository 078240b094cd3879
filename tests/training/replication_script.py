"""Trains under a strategy of `tf.distribute`, as a script of a user's would, and writes what came of it as JSON.

replication_script.py mirrored FILE      two logical CPU devices, in comparison with one device
replication_script.py more FILE          the same, of datasets, layers with a state, two optimizers, shuffles and XLA
replication_script.py worker FILE        one of the workers of TF_CONFIG
"""

import functools
import json
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf

import keras_ae as kae
from keras_ae.training.optimizers import build_optimizers
from keras_ae.training.replication import rows_of
from keras_ae.training.stacks import Batch
from keras_ae.training.step import apply, gradients

X = np.random.default_rng(0).random((50, 6)).astype("float32")
LABELS = (np.arange(50) % 3).astype("int32")
OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.01, weight_decay=0.01, use_ema=True, ema_overwrite_frequency=2),
    "accumulation": lambda: keras.optimizers.SGD(0.1, momentum=0.9, gradient_accumulation_steps=2),
    "clipping": lambda: keras.optimizers.RMSprop(0.01, centered=True, global_clipnorm=0.1),
    "loss_scale": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=64.0),
    "schedule": lambda: keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)),
    "nadam": lambda: keras.optimizers.Nadam(0.01),
    "adafactor": lambda: keras.optimizers.Adafactor(0.01),
}


def make(cls, strategy, *, jit_compile=False, **arguments):
    with strategy.scope():
        keras.utils.set_random_seed(1)
        model = cls(kae.networks.MLP([8]), kae.networks.MLP([8]), latent_dim=2, seed=3, **arguments)
    # As most users do, outside of the scope; XLA's compiler takes most of the time where it is asked for.
    model.compile(keras.optimizers.SGD(0.1), jit_compile=jit_compile)
    return model


def fitted(model, *data, **arguments):
    history = model.fit(*data, verbose=0, epochs=3, **arguments).history
    return {"history": history, "weights": [weight.tolist() for weight in model.get_weights()]}


def arrays(strategy):
    """An autoencoder on arrays, whose last batch is smaller, with metrics: the root of a mean is no mean of roots."""
    model = make(kae.models.AE, strategy)
    metrics = {"metrics": ["mse", keras.metrics.RootMeanSquaredError()], "weighted_metrics": ["mae"]}
    model.compile(keras.optimizers.SGD(0.1), jit_compile=False, **metrics)
    weight = np.linspace(0.5, 1.5, 50)
    return fitted(model, X, batch_size=16, sample_weight=weight, validation_data=(X[:21],))


def datasets(strategy):
    """A conditional VAE on a dataset, and an autoencoder on an endless one."""
    base = tf.data.Dataset.from_tensor_slices((X, LABELS)).batch(16)
    conditional = {"condition": kae.Categorical(3)}
    return {
        "stream": fitted(make(kae.models.ConditionalVAE, strategy, **conditional), base, validation_data=base),
        "endless": fitted(make(kae.models.AE, strategy), base.map(lambda x, y: x).repeat(), steps_per_epoch=5),
    }


def counted(strategy, as_dataset):
    """How often `fit` used each of 50 examples in an epoch of batches of 16: [50], times 1 / the size of its batch.

    Example i is row i of the identity, and everything but the bias of p(x|z), whose scale is 1, begins at 0 and stays
    there: the gradient of bias i is the share of example i in its batch, but for terms of the learning rate's size.
    """
    zeros = {"use_bias": False, "kernel_initializer": "zeros"}
    with strategy.scope():
        networks = [keras.Sequential([keras.layers.Dense(2, **zeros)]) for _ in range(2)]
        model = kae.models.AE(*networks, latent_dim=2, likelihood=kae.likelihoods.Normal(1.0))
    model.compile(keras.optimizers.SGD(1e-4), jit_compile=False)
    x = np.eye(50, dtype="float32")
    model.fit(tf.data.Dataset.from_tensor_slices((x,)).batch(16) if as_dataset else x, batch_size=16, verbose=0)
    return (np.array(model.likelihood_layer.dense.bias) / 1e-4).tolist()


def assigned(strategy, jit_compile):
    """The parts of a loss while its weight is assigned in between, and how often steps were traced: twice at first."""
    model, traces = make(kae.models.BetaVAE, strategy, jit_compile=jit_compile, beta=1.0), []
    terms = model.terms
    model.terms = lambda *args, **arguments: traces.append(1) or terms(*args, **arguments)
    results, before = [], None
    for beta in (1.0, 50.0):
        model.beta = beta
        logs = model.fit(X[:32], batch_size=16, verbose=0).history
        results.append({"beta": beta, **{name: values[0] for name, values in logs.items()}})
        results.append({"beta": beta, **model.evaluate(X[:32], verbose=0, return_dict=True)})
        before = before or len(traces)
    return {"results": results, "traced_again": len(traces) - before}


def optimizers(strategy):
    """The weights after training with optimizers that do more with the gradients than to subtract them."""
    found = {}
    for name, optimizer in OPTIMIZERS.items():
        model = make(kae.models.AE, strategy)
        model.compile(optimizer(), jit_compile=name == "adam")
        found[name] = fitted(model, X, batch_size=16)
    return found


def embedding(strategy):
    """An encoder with an embedding of 12 integers, whose gradient has the rows of a batch alone."""
    with strategy.scope():
        keras.utils.set_random_seed(1)
        layers = [keras.layers.Rescaling(11.0), keras.layers.Embedding(12, 3), keras.layers.Flatten()]
        encoder = keras.Sequential([*layers, keras.layers.Dense(8)])
        model = kae.models.AE(encoder, kae.networks.MLP([8]), latent_dim=2, seed=3)
    model.compile(keras.optimizers.SGD(0.1), jit_compile=False)
    return fitted(model, X, batch_size=16)


def mirrored():
    strategy = kae.devices.strategy(2)
    results = {"arrays": [arrays(strategy), arrays(tf.distribute.get_strategy())]}
    places = {"one": tf.distribute.get_strategy(), "two": strategy}
    results["counted"] = {name: [counted(place, kind) for kind in (False, True)] for name, place in places.items()}
    model = make(kae.models.VAE, strategy)
    results["noise"] = [step_with_noise(model, xla=False)]
    results["compressed"] = step_with_noise(model, xla=False, compression="bfloat16")
    model.compile(local_steps=2)
    try:
        model.fit(X, verbose=0)
    except ValueError as error:
        results["local"] = str(error)
    model.compile(keras.optimizers.SGD(1e30), jit_compile=False)
    try:
        model.fit(X, batch_size=16, verbose=0)
    except FloatingPointError as error:
        results["halt"] = str(error)
    results["finite"] = all(bool(np.isfinite(weight).all()) for weight in model.get_weights())
    results["shapes"] = [list(model.predict(X, verbose=0).shape), list(model.sample(3).shape)]
    results["assigned"] = assigned(strategy, jit_compile=False)
    results["evaluated"] = model.evaluate(X, verbose=0), model.evaluate(X, verbose=0)
    return results


def more():
    strategy = kae.devices.strategy(2)
    results = {"replicas": datasets(strategy), "single": datasets(tf.distribute.get_strategy())}
    two, shuffled = (make(cls, strategy) for cls in (kae.models.AdversarialAE, kae.models.FactorVAE))
    compiled = make(kae.models.VAE, strategy, jit_compile=True)
    results["noise"] = [step_with_noise(*given) for given in ((two, False), (shuffled, False), (compiled, True))]
    results["batch_normalization"] = batch_normalization(strategy)
    results["assigned"] = assigned(strategy, jit_compile=True)
    results["embedding"] = [embedding(strategy), embedding(tf.distribute.get_strategy())]
    results["optimizers"] = [optimizers(strategy), optimizers(tf.distribute.get_strategy())]
    return results


def worker():
    strategy = kae.devices.strategy()
    shares = [counted(strategy, as_dataset) for as_dataset in (False, True)]
    local = [local_steps(strategy, steps) for steps in (1, 3)]
    found = {"arrays": arrays(strategy), "counted": shares, "local": local}
    for name, compression in (("exact", None), ("compressed", "bfloat16")):
        model = make(kae.models.AE, strategy)
        model.compile(keras.optimizers.SGD(0.1), jit_compile=False, gradient_compression=compression)
        found[name] = fitted(model, X, batch_size=16)
    return {**found, **datasets(strategy)}


def local_steps(strategy, steps):
    """What workers train with local steps, and the same from one model per worker, whose weights are averaged."""
    one, num = tf.distribute.get_strategy(), strategy.num_replicas_in_sync

    def compiled(place, **options):
        model = make(kae.models.VAE, place)  # with noise, different on each worker
        with place.scope():
            model.build((None, 6))
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), metrics=["mse"], jit_compile=False, **options)
        with place.scope():
            build_optimizers(model)
        return model

    model, alone = compiled(strategy, local_steps=steps), [compiled(one) for _ in range(num)]
    data = {"batch_size": 16, "shuffle": False, "verbose": 0}
    history = model.fit(X, epochs=2, validation_data=(X[:21],), **data).history
    batches = [X[first : first + 16] for first in range(0, 50, 16)]
    for group in [batches[first : first + steps] for first in range(0, 4, steps)] * 2:
        for each in group:
            x = np.concatenate([each, np.zeros([16 - len(each), 6], "float32")])
            weight = (np.arange(16) < len(each)).astype("float32")
            for replica, copy in enumerate(alone):
                rows = rows_of(Batch(tf.constant(x), None, tf.constant(weight), None), replica, num)
                apply(copy, gradients(copy, rows._replace(count=len(each) / num), replica)[1])
        for values in zip(*(copy.variables + copy.optimizer_variables for copy in alone), strict=True):
            mean = np.mean([np.array(value) for value in values], axis=0)
            for value in values:
                value.assign(mean)
    found, expected = ([weight.tolist() for weight in each.get_weights()] for each in (model, alone[0]))
    return {"history": history, "weights": found, "expected": expected}


def batch_normalization(strategy):
    """The moving mean after a step, and the mean of what was normalized; and the loss with that of a regularizer."""
    with strategy.scope():
        dense = keras.layers.Dense(4, kernel_regularizer=keras.regularizers.L2(3.0))
        encoder = keras.Sequential([dense, keras.layers.BatchNormalization(momentum=0.9)])
        model = kae.models.AE(encoder, kae.networks.MLP([8]), latent_dim=2)
        model.build((None, 6))
    model.compile(jit_compile=False)
    kernel, mean = np.array(dense.kernel), (X[:48] @ np.array(dense.kernel)).mean(axis=0)
    history = model.fit(X[:48], batch_size=48, verbose=0).history
    penalty = history["loss"][0] - history["reconstruction"][0]
    normalized = np.array(encoder.layers[1].moving_mean)
    return {"moving": normalized.tolist(), "mean": mean.tolist(), "penalty": penalty, "norm": float((kernel**2).sum())}


def step_with_noise(replicated, xla, compression=None):
    """The weights after a step of two replicas, and after one with the gradients of their rows on one device."""
    replicated.fit(X, verbose=0)
    single = make(type(replicated), tf.distribute.get_strategy())
    single.fit(X[:1], verbose=0)
    single.set_weights(replicated.get_weights())
    for model in (replicated, single):
        model.compile(keras.optimizers.SGD(0.1), jit_compile=xla, gradient_compression=compression)
        build_optimizers(model)
    replicated.fit(X, batch_size=50, shuffle=False, verbose=0)
    batch = Batch(tf.constant(X), None, tf.ones(50), tf.constant(50))
    of_rows = tf.function(
        functools.partial(gradients, single), jit_compile=xla
    )  # XLA draws other noise than TensorFlow's kernels
    parts = [of_rows(rows_of(batch, replica, 2), tf.constant(replica))[1] for replica in range(2)]
    if compression is not None:
        parts = [[tf.cast(gradient, compression) for gradient in part] for part in parts]
    apply(single, [tf.cast(a + b, tf.float32) for a, b in zip(*parts, strict=True)])
    return [[weight.tolist() for weight in model.get_weights()] for model in (replicated, single)]


if __name__ == "__main__":
    jobs = {"mirrored": mirrored, "more": more, "worker": worker}
    pathlib.Path(sys.argv[2]).write_text(json.dumps(jobs[sys.argv[1]]()))
