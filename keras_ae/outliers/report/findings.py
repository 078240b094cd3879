"""The findings of a detector in a data set."""

import dataclasses
import functools
from typing import Any

import numpy as np

from keras_ae.outliers.decisions import Drift, conformal_p_values, drift


@dataclasses.dataclass(frozen=True)
class Findings:
    """Scores of a data set, and what follows from them.

    Args:
        scores: scores [N], higher for more anomalous rows.
        calibration: scores [n] of held-out usual examples.
        threshold: the score above which a row is an outlier.
        false_alarms: the requested rate of false alarms.
    """

    scores: np.ndarray
    calibration: np.ndarray
    threshold: float
    false_alarms: float

    def __len__(self) -> int:
        return len(self.scores)

    @functools.cached_property
    def p_values(self) -> np.ndarray:
        """The conformal p-value of each row, [N]."""
        return conformal_p_values(self.scores, self.calibration)

    @functools.cached_property
    def num_outliers(self) -> int:
        return int((self.scores > self.threshold).sum())

    @property
    def expected_alarms(self) -> float:
        """The largest expected number of outliers if all rows are usual."""
        return self.false_alarms * len(self)

    @functools.cached_property
    def drift(self) -> Drift | None:
        """Whether the rows as a whole follow the calibration examples; `None` for a single row."""
        return drift(self.scores, self.calibration) if len(self) > 1 else None

    def strangest(self, num: int) -> np.ndarray:
        """Returns the rows with the highest scores, the highest first: int64 [min(num, N)]."""
        num = min(num, len(self))
        rows = np.argpartition(-self.scores, num - 1)[:num]
        return rows[np.lexsort([rows, -self.scores[rows]])]

    def borderline(self, num: int) -> np.ndarray:
        """Returns the rows whose scores are nearest to the threshold, the highest first."""
        order = np.argsort(np.abs(self.scores - self.threshold), kind="stable")[:num]
        return order[np.argsort(-self.scores[order], kind="stable")]

    def usual(self, num: int) -> np.ndarray:
        """Returns rows at evenly spaced quantiles of the scores below the threshold, the highest first."""
        below = np.flatnonzero(self.scores <= self.threshold)
        order = below[np.argsort(-self.scores[below], kind="stable")]
        places = np.linspace(0, len(order), num + 2)[1:-1].astype(int)
        return order[np.unique(places)] if len(order) else order

    def summary(self) -> dict[str, Any]:
        """Returns what `summary.json` holds of the findings."""
        num = len(self.calibration)
        return {
            "rows": len(self),
            "outliers": self.num_outliers,
            "threshold": self.threshold,
            "false_alarms": {"asked": self.false_alarms, "expected": self.expected_alarms},
            "calibration_examples": num,
            "smallest_p_value": 1.0 / (num + 1),
            "drift": None if self.drift is None else dataclasses.asdict(self.drift),
        }
