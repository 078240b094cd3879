import dataclasses

import keras
import numpy as np

from keras_ae.evaluate.classifier import check_images
from keras_ae.validation.arguments import check_array, check_number

_EPOCHS, _MOST_IMAGES, _FEWEST_STEPS = 10, 500_000, 600  # of a training; the last counts first
_BLURS = 8
_CLIP = 1.0  # largest norm of a gradient: absolute errors have no small gradients near the end


@dataclasses.dataclass(frozen=True)
class PropertyRegressor:
    """Measures properties on images, such as the slant of a digit. `train_regressor` makes it.

    Attributes:
        network: Keras model of an image, its classes and its standardized properties, to standardized properties
            [B, 2, P]: first without, then with the other properties.
        loc: mean of each property on the training images, float64 [P].
        scale: standard deviation of each property on the training images, float64 [P].
    """

    network: keras.Model
    loc: np.ndarray
    scale: np.ndarray

    def measure(self, x: np.ndarray, values: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Measures the properties of images, twice.

        Args:
            x: images [N, H, W, C] in [0, 1].
            values: the requested or true properties [N, P]. Property p is measured without `values[:, p]`.
            classes: known classes as zeros and ones [N, K].

        Returns:
            Two float64 arrays [N, P]: measured on the image and its classes; and with the other P - 1 properties known.
        """
        inputs = [x, classes, (values - self.loc) / self.scale]
        found = self.network.predict(inputs, batch_size=500, verbose=0).astype(np.float64) * self.scale + self.loc
        return found[:, 0], found[:, 1]


def train_regressor(
    x, values, classes=None, *, blur=1.0, epochs=None, batch_size=128, seed=0, verbose=0
) -> PropertyRegressor:
    """Trains a small convolutional network that measures properties on images.

        loss = mean |measured - true| / scale, over the properties, without and with the other properties known

    Its best answer is the median of a property under p(property | image, classes) or p(property | image, classes, other
    properties), which has the least mean absolute error. The first may be wide where an image does not determine the
    properties: a straight line may be slanted or rotated. A network that was trained on sharp images alone reads the
    blur of generated images as a property, such as a thicker pen, so this one is trained on blurred copies, too.

    Args:
        x: images [N, H, W, C] in [0, 1].
        values: numbers [N, P], P properties per image.
        classes: known classes of each image as zeros and ones [N, K], or `None`.
        blur: largest standard deviation, in pixels, of the Gaussian blur of a copy of each image; 0 for no copies, such
            as for a property that is itself about sharpness.
        epochs: passes over the images and copies; by default 10, but no more than 500,000 images in all, and at
            least 600 steps.
        batch_size: examples per step.
        seed: integer seed of the weights and the order. Sets Keras' global seed.
        verbose: as in `keras.Model.fit`.

    Returns:
        A `PropertyRegressor`.

    Raises:
        ValueError: for examples that are not images, and for values or classes that do not fit.
    """
    x, values = check_images(x), check_array(values, "values")
    if values.ndim != 2 or len(values) != len(x):
        raise ValueError(f"`values` must have shape [{len(x)}, P]. Received: {list(values.shape)}")
    classes = np.zeros([len(x), 0], np.float32) if classes is None else check_array(classes, "classes")
    if classes.ndim != 2 or len(classes) != len(x):
        raise ValueError(f"`classes` must have shape [{len(x)}, K]. Received: {list(classes.shape)}")
    check_number("blur", blur, low=0.0)
    loc, scale = values.mean(axis=0, dtype=np.float64), values.std(axis=0, dtype=np.float64)
    scale = np.where(scale > 0, scale, 1.0)
    standard = ((values - loc) / scale).astype(np.float32)
    if blur:
        copies = _blurred(x, blur, np.random.default_rng(seed))
        x, standard, classes = np.concatenate([x, copies]), np.tile(standard, (2, 1)), np.tile(classes, (2, 1))
    keras.utils.set_random_seed(seed)
    network = _network(x.shape[1:], values.shape[1], classes.shape[1])
    steps = -(-len(x) // batch_size)
    epochs = epochs or max(1, min(_EPOCHS, _MOST_IMAGES // len(x)), -(-_FEWEST_STEPS // steps))
    schedule = keras.optimizers.schedules.CosineDecay(1e-3, epochs * steps)
    network.compile(keras.optimizers.Adam(schedule, clipnorm=_CLIP), "mae")
    twice = np.stack([standard, standard], axis=1)  # [N, 2, P]
    network.fit([x, classes, standard], twice, epochs=epochs, batch_size=batch_size, verbose=verbose)
    return PropertyRegressor(network, loc, scale)


def _blurred(x, most, rng):
    """Returns copies of images, each with one of `_BLURS` standard deviations up to `most` pixels."""
    from scipy.ndimage import gaussian_filter  # slow to import

    copies, group = np.empty_like(x), rng.integers(_BLURS, size=len(x))
    for each in range(_BLURS):
        sigma = most * (each + 1) / _BLURS
        copies[group == each] = gaussian_filter(x[group == each], (0, sigma, sigma, 0))
    return np.clip(copies, 0.0, 1.0, out=copies)


def _network(shape, num, num_classes):
    """Convolutions for all properties; then for each property two layers that also see what is known."""
    layers = keras.layers
    image, classes, values = keras.Input(shape), keras.Input([num_classes]), keras.Input([num])
    features = image
    for layer in (
        layers.Conv2D(32, 3, padding="same", strides=2, activation="relu"),
        layers.Conv2D(64, 3, padding="same", strides=2, activation="relu"),
        layers.Flatten(),
        layers.Dense(256, activation="relu"),
    ):
        features = layer(features)
    answers = [_head(features, classes, num)]
    others = [
        _head(features, layers.Concatenate()([classes, values * (np.arange(num) != each).astype(np.float32)]), 1)
        for each in range(num)
    ]
    answers.append(layers.Concatenate()(others) if num > 1 else others[0])
    stacked = layers.Concatenate(axis=1)([layers.Reshape([1, num])(each) for each in answers])
    return keras.Model([image, classes, values], stacked)


def _head(features, known, num):
    layers = keras.layers
    hidden = features
    for width in (128, 128):
        hidden = layers.Dense(width, activation="relu")(layers.Concatenate()([hidden, known]))
    return layers.Dense(num)(hidden)
