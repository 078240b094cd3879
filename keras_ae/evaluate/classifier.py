import hashlib
import pathlib
import zipfile

import keras
import numpy as np

import keras_ae
from keras_ae.io.writing import replacing
from keras_ae.validation.arguments import check_array

_FEWEST_STEPS = 600


def train_classifier(x, labels, *, epochs=None, batch_size=128, seed=0, verbose=0, cache=None):
    """Trains a small convolutional classifier, the independent judge of generated examples.

    It sees only real examples and shares nothing with the model under evaluation.

    Args:
        x: images [N, H, W, C] in [0, 1].
        labels: integers [N] from 0.
        epochs: passes over the data; by default 5, and more on small data, for at least 600 steps.
        batch_size: examples per step.
        seed: integer seed of the weights, the order and the dropout. Sets Keras' global seed.
        verbose: as in `keras.Model.fit`.
        cache: folder that caches the classifier: the next call with the same examples and arguments, in this version of
            keras_ae, reads it. `None` for no cache.

    Returns:
        A compiled `keras.Model` from images to class probabilities, with accuracy as its metric.

    Raises:
        ValueError: for examples that are not images, or labels that do not fit.
    """
    x, labels = check_images(x), np.asarray(labels)
    if labels.shape != (len(x),) or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError(f"`labels` must be {len(x)} integers >= 0. Received: {labels.dtype} {labels.shape}")
    if len(np.unique(labels)) < 2:
        raise ValueError(f"`labels` must have at least two classes. Received: {labels[0]} alone")
    options = {"epochs": epochs or _epochs(len(x), batch_size), "batch_size": batch_size}
    if cache is None:
        return _train(x, labels, seed, verbose=verbose, **options)
    path = pathlib.Path(cache) / f"classifier-{_key(x, labels, seed, *options.values())}.keras"
    classifier = _kept(path)
    if classifier is None:
        classifier = _train(x, labels, seed, verbose=verbose, **options)
        with replacing(path) as temporary:
            classifier.save(temporary)
    return classifier


def features(classifier: keras.Model, x: np.ndarray) -> np.ndarray:
    """Returns the input of a classifier's last layer: the features that compare examples.

    Args:
        classifier: a sequential Keras model, such as `train_classifier` returns.
        x: examples [N, ...].

    Returns:
        float32 array [N, F].
    """
    inner = keras.Model(classifier.inputs, classifier.layers[-1].input)
    found = inner.predict(np.asarray(x), batch_size=500, verbose=0)
    return found.reshape(len(found), -1)


def _train(x, labels, seed, *, epochs, batch_size, verbose):
    keras.utils.set_random_seed(seed)
    last = keras.layers.Dense(int(labels.max()) + 1, activation="softmax")
    classifier = keras.Sequential([*_hidden_layers(x.shape[1:]), last])
    _fit(classifier, x, labels, "sparse_categorical_crossentropy", epochs, batch_size, verbose, metrics=["accuracy"])
    return classifier


def _epochs(num, batch_size):
    return max(5, -(-_FEWEST_STEPS // -(-num // batch_size)))


def check_images(x: np.ndarray) -> np.ndarray:
    """Returns images [N, H, W, C] in [0, 1], or raises a `ValueError`."""
    x = check_array(x, "x", support=(0.0, 1.0))
    if x.ndim != 4:
        raise ValueError(f"`x` must be images [N, H, W, C]. Received: shape {list(x.shape)}")
    return x


def _hidden_layers(shape):
    layers = keras.layers
    return [
        keras.Input(shape),
        layers.Conv2D(32, 3, padding="same", strides=2, activation="relu"),
        layers.Conv2D(64, 3, padding="same", strides=2, activation="relu"),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.3),
    ]


def _fit(network, x, y, loss, epochs, batch_size, verbose, **kwargs):
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, epochs * -(-len(x) // batch_size))
    network.compile(keras.optimizers.Adam(schedule), loss, **kwargs)
    network.fit(x, y, epochs=epochs, batch_size=batch_size, verbose=verbose)


def _key(x, labels, *arguments):
    """Returns a cache key of everything that a classifier depends on, including the examples."""
    parts = (repr((keras_ae.__version__, x.shape, *arguments)).encode(), x.tobytes(), labels.astype(np.int64).tobytes())
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:16]


def _kept(path):
    """Returns the classifier in a file; `None` if it is missing or unreadable."""
    try:
        return keras.saving.load_model(path, safe_mode=True) if path.is_file() else None
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile):
        return None
