import pathlib
import zipfile

import keras

import keras_ae.models  # noqa: F401  (Keras finds the classes of the zoo by their registered names)
from keras_ae.autoencoder import Autoencoder


def load(path):
    """Loads what `model.save(path)` wrote: weights, optimizer state and all, without running code from the file.

    Training goes on exactly where it stopped, but for noise that Keras draws itself, as `Dropout` in a network of
    yours: Keras does not restore the state of its generators.

    Args:
        path: a `.keras` file.

    Returns:
        The model, an instance of `Autoencoder`.

    Raises:
        FileNotFoundError: where there is no such file.
        ValueError: for a file that is damaged, or holds something else.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no model file {path}. Write one with `model.save(...)`.")
    try:
        model = keras.saving.load_model(path, safe_mode=True)
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} could not be read as a .keras model: {error}") from error
    if not isinstance(model, Autoencoder):
        raise ValueError(f"{path} must hold a keras_ae model. Received: {type(model).__name__}")
    return model
