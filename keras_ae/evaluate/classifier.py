import keras
import numpy as np

from keras_ae.checks import check_array


def train_classifier(x, labels, *, epochs=5, batch_size=128, seed=0, verbose=0):
    """Trains a small convolutional classifier, the independent judge of what a model generates.

    It sees real examples only, never generated ones, and shares nothing with the model that it judges.

    Args:
        x: images [N, H, W, C] in [0, 1].
        labels: integers [N] from 0.
        epochs: passes over the data.
        batch_size: examples a step.
        seed: integer for the weights, the order and the dropout. Sets Keras' global seed.
        verbose: as in `keras.Model.fit`.

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
