"""The detector as one of PyOD: `pip install keras_ae[pyod]`."""

from typing import Any

import numpy as np
from pyod.models.base import BaseDetector

from keras_ae.outliers.detector import OutlierDetector


class KerasAE(BaseDetector):
    """`OutlierDetector` with PyOD's conventions: labels 0 and 1, higher scores are more anomalous.

    Args:
        contamination: share of outliers in the training data, in (0, 0.5].
        model, scoring, held_out, epochs, batch_size, random_state, verbose: as in `OutlierDetector`.

    Attributes:
        decision_scores_, threshold_, labels_: as in every PyOD detector.
        detector_: the fitted `OutlierDetector`.
    """

    def __init__(
        self,
        contamination: float = 0.1,
        *,
        model: Any = None,
        scoring: Any = "auto",
        held_out: float = 0.2,
        epochs: int | None = None,
        batch_size: int = 128,
        random_state: Any = None,
        verbose: int = 0,
    ):
        super().__init__(contamination=contamination)
        self.model = model
        self.scoring = scoring
        self.held_out = held_out
        self.epochs = epochs
        self.batch_size = batch_size
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: np.ndarray, y: Any = None) -> "KerasAE":
        """Fits the detector to examples [N, D]; `y` is ignored."""
        self._set_n_classes(y)
        names = ("model", "scoring", "held_out", "epochs", "batch_size", "random_state", "verbose")
        self.detector_ = OutlierDetector(**{name: getattr(self, name) for name in names}).fit(X)
        self.decision_scores_ = self.decision_function(X)
        self._process_decision_scores()
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Returns the outlier score of examples [N, D]: float64 [N], higher for more anomalous ones."""
        return -self.detector_.score_samples(X)
