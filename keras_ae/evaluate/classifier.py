import hashlib
import pathlib
import zipfile

import keras
import numpy as np

import keras_ae
from keras_ae.io.writing import replacing
from keras_ae.validation.arguments import check_array


def train_classifier(x, labels, *, epochs=5, batch_size=128, seed=0, verbose=0, cache=None):
    """Trains a small convolutional classifier, the independent judge of what a model generates.

    It sees real examples only, never generated ones, and shares nothing with the model that it judges.

    Args:
        x: images [N, H, W, C] in [0, 1].
        labels: integers [N] from 0.
        epochs: passes over the data.
        batch_size: examples a step.
        seed: integer for the weights, the order and the dropout. Sets Keras' global seed.
        verbose: as in `keras.Model.fit`.
        cache: folder to keep the classifier in: the next call with the same examples and arguments, in this version of
            keras_ae, reads it from there. `None` for none.

    Returns:
        A compiled `keras.Model` from images to class probabilities, with accuracy as its metric.

    Raises:
        ValueError: for data that are no images, or labels that do not fit.
    """
    x = check_array(x, "x", support=(0.0, 1.0))
    labels = np.asarray(labels)
    if x.ndim != 4:
        raise ValueError(f"`x` must be images [N, H, W, C]. Received: shape {list(x.shape)}")
    if labels.shape != (len(x),) or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError(f"`labels` must be {len(x)} integers >= 0. Received: {labels.dtype} {labels.shape}")
    options = {"epochs": epochs, "batch_size": batch_size}
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
    """What the last layer of a classifier is given: the features in which examples are compared.

    Args:
        classifier: a Keras model of layers in a row, as `train_classifier` gives.
        x: examples [N, ...].

    Returns:
        float32 array [N, F].
    """
    inner = keras.Model(classifier.inputs, classifier.layers[-1].input)
    found = inner.predict(np.asarray(x), batch_size=500, verbose=0)
    return found.reshape(len(found), -1)


def _train(x, labels, seed, *, epochs, batch_size, verbose):
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    classifier = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.Conv2D(32, 3, padding="same", strides=2, activation="relu"),
            layers.Conv2D(64, 3, padding="same", strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(int(labels.max()) + 1, activation="softmax"),
        ]
    )
    steps = epochs * -(-len(x) // batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    classifier.compile(keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy", metrics=["accuracy"])
    classifier.fit(x, labels, epochs=epochs, batch_size=batch_size, verbose=verbose)
    return classifier


def _key(x, labels, *arguments):
    """What a classifier depends on, as a name: data set, split, size and all are in the examples themselves."""
    parts = (repr((keras_ae.__version__, x.shape, *arguments)).encode(), x.tobytes(), labels.astype(np.int64).tobytes())
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:16]


def _kept(path):
    """The classifier in a file; `None` where there is none, or one that cannot be read."""
    try:
        return keras.saving.load_model(path, safe_mode=True) if path.is_file() else None
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile):
        return None
