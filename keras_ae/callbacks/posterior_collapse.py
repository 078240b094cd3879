import math
import warnings
from typing import Any

import keras
import numpy as np

from keras_ae.callbacks.observer import Observer
from keras_ae.validation.arguments import check_number


class PosteriorCollapseWarning(UserWarning):
    """Too few latent dimensions are active."""


@keras.saving.register_keras_serializable(package="keras_ae")
class PosteriorCollapse(Observer):
    """Counts the active units after each epoch, and warns of posterior collapse.

        dimension d is active where Var_x(E_q[z_d|x]) > threshold

    The logs contain the number as `active_units`, for the history and for later callbacks. The warning, a
    `PosteriorCollapseWarning`, is repeated only when the number changes.

    Args:
        x: examples [N, *event], at least two; a few hundred estimate the variance well.
        condition: the conditions of the examples, for a conditional model.
        share: minimum fraction of active dimensions, in [0, 1].
        threshold: variance above which a dimension is active; the paper uses 0.01.

    Raises:
        ValueError: for arguments out of range; when training starts, for examples that do not fit the model.

    Example:
        >>> from keras_ae.models import VAE
        >>> x = np.random.default_rng(0).random([64, 8])
        >>> model = VAE(latent_dim=2)
        >>> model.compile()
        >>> history = model.fit(x, verbose=0, callbacks=[PosteriorCollapse(x, share=0.0)])
        >>> history.history["active_units"][0] <= 2
        True

    References:
        Burda et al. 2016, arXiv:1509.00519, section 5.
    """

    def __init__(self, x: Any, condition: Any = None, *, share: float = 0.25, threshold: float = 0.01):
        super().__init__(x, condition)
        if len(self.x) < 2:
            raise ValueError(f"`x` must have at least two examples. Received: {len(self.x)}")
        self.share = check_number("share", share, low=0.0)
        if self.share > 1:
            raise ValueError(f"`share` must be in [0, 1]. Received: share={share!r}")
        self.threshold = check_number("threshold", threshold, low=0.0)
        self.warned_of = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        self.warned_of = None

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        variance = np.var(self.model.encode(self.x, self.condition), axis=0)
        active, num = int(np.sum(variance > self.threshold)), len(variance)
        wanted = math.ceil(self.share * num)
        logs["active_units"] = float(active)
        if active < wanted and active != self.warned_of:
            warnings.warn(
                f"Posterior collapse: {active} of {num} latent dimensions are active after epoch {epoch + 1}, "
                f"fewer than {wanted} (variance of the posterior mean over {len(self.x)} examples > "
                f"{self.threshold:g}). A KL warm-up, free bits or a smaller `latent_dim` may help.",
                PosteriorCollapseWarning,
                stacklevel=2,
            )
        self.warned_of = active if active < wanted else None

    def get_state(self) -> dict:
        return {"warned_of": self.warned_of}

    def set_state(self, state: dict) -> None:
        self.warned_of = state["warned_of"]

    def get_config(self):
        return {**super().get_config(), "share": self.share, "threshold": self.threshold}
