import os
from typing import Any

import keras
import numpy as np

from keras_ae.callbacks.callback import is_chief
from keras_ae.callbacks.events import Events
from keras_ae.callbacks.observer import Observer
from keras_ae.conditions.properties import for_each_property
from keras_ae.input_checks import checked_arrays
from keras_ae.objectives import kl_by_dimension

_CHUNK = 2048


@keras.saving.register_keras_serializable(package="keras_ae")
class KLByDimension(Observer):
    """Logs the KL of each latent dimension to TensorBoard after every epoch.

        kl_d = mean over x of KL(q(z_d|x) || p(z_d))

    Logs a scalar `kl/dimension_00` ... for each dimension and the histogram `kl/by_dimension` of all dimensions, by
    training step. A dimension near 0 is unused. Writing needs only TensorFlow; to view the files, `pip install
    tensorboard` and `tensorboard --logdir ...`. A resumed run starts a new file: steps after the last backup are in two
    files, with the same values.

    Args:
        log_dir: folder of the event files.
        x: examples [N, *event].
        condition: the conditions of the examples, for a conditional model.

    Raises:
        ValueError: for examples that are not arrays; when training starts, for examples that do not fit the model, and
            for a model without a prior.
        NotImplementedError: when training starts, if posterior or prior do not factorize over dimensions.

    Example:
        >>> import pathlib, tempfile
        >>> from keras_ae.models import VAE
        >>> log_dir, x = tempfile.mkdtemp(), np.random.rand(16, 8)
        >>> model = VAE(latent_dim=2)
        >>> model.compile()
        >>> history = model.fit(x, verbose=0, callbacks=[KLByDimension(log_dir, x)])
        >>> len(list(pathlib.Path(log_dir).glob("events.out.tfevents.*")))
        1
    """

    def __init__(self, log_dir: str | os.PathLike, x: Any, *, condition: Any = None):
        super().__init__(x, condition)
        self.log_dir = str(log_dir)
        self.events = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        self.kls()  # fail at the start, not after the first epoch
        self.events = None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if self.events is None and is_chief(
            self.model
        ):  # not when training starts: a resumed run does not know its step yet
            self.events = Events(self.log_dir)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.events is None:
            return
        kls, step = self.kls(), self.step
        width = max(2, len(str(len(kls) - 1)))
        for dimension, kl in enumerate(kls):
            self.events.scalar(f"kl/dimension_{dimension:0{width}}", kl, step)
        self.events.histogram("kl/by_dimension", kls, step)
        self.events.flush()

    def on_train_end(self, logs: dict | None = None) -> None:
        if self.events is not None:
            self.events.close()

    def kls(self) -> np.ndarray:
        """Returns the mean KL of each latent dimension over the examples: float64 array [D], in nats."""
        x, condition, _ = checked_arrays(self.model, self.x, self.condition)
        total = 0.0
        for rows in (slice(start, start + _CHUNK) for start in range(0, len(x), _CHUNK)):
            given = for_each_property(lambda values, rows=rows: values[rows], condition)
            kls = kl_by_dimension(self.model.posterior(x[rows], given), self.model.prior(given))
            total += np.sum(kls, axis=0, dtype=np.float64)
        return total / len(x)

    def get_config(self):
        return {**super().get_config(), "log_dir": self.log_dir}
