"""Feature extractors: the spaces in which generated and real examples are compared."""

from collections.abc import Callable

import keras
import numpy as np

from keras_ae.evaluate.classifier import features
from keras_ae.registry import did_you_mean

Extractor = Callable[[np.ndarray], np.ndarray]
EXTRACTORS: dict[str, Extractor] = {}


def register_extractor(name: str, extractor: keras.Model | Extractor) -> None:
    """Registers a feature extractor under a short name, for `Subject(extractor=name)`.

    Args:
        name: the short name.
        extractor: a Keras model, or a function, from examples [B, *event] to features [B, ...].

    Raises:
        ValueError: if the name is taken, or the extractor cannot be called.
    """
    if name in EXTRACTORS:
        raise ValueError(f"`name` must be new. Received: {name!r}, which is registered already.")
    EXTRACTORS[name] = _checked(extractor)


def image_extractor(model: keras.Model, preprocess: Callable | None = None) -> Extractor:
    """Returns an extractor for images in [0, 1] from a Keras model of color images, such as one of Keras Applications.

    Images are resized to the size of the model's input, gray ones get three equal channels, and values become 0 to 255,
    as `keras.applications` expects before its `preprocess_input`.

    Args:
        model: a Keras model from images [B, H, W, 3] to features, with weights that you loaded.
        preprocess: the `preprocess_input` of the model, or `None`.

    Example:
        >>> import keras, numpy as np
        >>> network = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.GlobalAveragePooling2D()])
        >>> image_extractor(network)(np.ones([2, 8, 8, 1])).tolist()
        [[255.0, 255.0, 255.0], [255.0, 255.0, 255.0]]
    """
    height, width = (size or 224 for size in model.input_shape[1:3])

    def extract(x):
        x = keras.ops.image.resize(np.asarray(x, np.float32), (height, width), interpolation="bilinear")
        x = keras.ops.convert_to_numpy(x)
        x = 255.0 * (np.repeat(x, 3, axis=-1) if x.shape[-1] == 1 else x)
        return model.predict(x if preprocess is None else preprocess(x), batch_size=50, verbose=0)

    return extract


def find_extractor(given, classifier: keras.Model | None) -> tuple[str, Extractor]:
    """Returns the name and the function of an extractor.

    Args:
        given: a name in `EXTRACTORS`, a Keras model, a function, or `None` for the default.
        classifier: the default: its features are compared; the raw values without one.
    """
    if isinstance(given, str):
        if given not in EXTRACTORS:
            hint = did_you_mean(given, EXTRACTORS)
            raise ValueError(f"`extractor` must be one of {', '.join(EXTRACTORS)}. Received: {given!r}.{hint}")
        return given, EXTRACTORS[given]
    if given is not None:
        return getattr(given, "name", None) or getattr(given, "__name__", "extractor"), _checked(given)
    if classifier is None:
        return "raw values", EXTRACTORS["raw values"]
    return "features of a classifier trained on the reference", lambda x: features(classifier, x)


def _checked(extractor):
    if isinstance(extractor, keras.Model):
        return lambda x: extractor.predict(x, batch_size=100, verbose=0)
    if not callable(extractor):
        raise ValueError(f"`extractor` must be a Keras model or a function. Received: {type(extractor).__name__}")
    return extractor


register_extractor("raw values", lambda x: np.asarray(x, np.float32))
