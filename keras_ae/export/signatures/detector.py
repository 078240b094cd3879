"""The signature of a fitted outlier detector."""

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from keras_ae.autoencoder import Autoencoder
from keras_ae.validation.arguments import Support

if TYPE_CHECKING:  # `keras_ae.outliers` imports scikit-learn, which exports of models do not need
    from keras_ae.outliers import OutlierDetector


class DetectorSignature:
    """`score(x[, condition])` of a fitted `OutlierDetector`, with x as in its `fit`.

        score     minus `score_samples`: higher is more anomalous
        p_value   (1 + #{calibration scores >= score}) / (n + 1), as `p_values`
        outlier   1 where score > threshold, where `predict` returns -1

    Calling it builds the graph: float32 tensors x [B, *event], context [B, F] or `None`, and 0 or NaN [B], which is
    added to score and p-value -> {output: [B]}. Where the score is NaN, the example is an outlier.

    Args:
        detector: the detector.

    Attributes:
        model: its model.
        support: the support of x, or `None` for all finite numbers.
        facts: the facts about the detector for a card.

    Raises:
        ValueError: if it is not fitted, or has a score that is not a formula of the statistics of an example.
    """

    def __init__(self, detector: "OutlierDetector"):
        from sklearn.utils.validation import check_is_fitted

        from keras_ae.outliers import SCORES, StatisticScore

        check_is_fitted(detector)
        if not isinstance(detector.score_, StatisticScore):
            names = [name for name, score in SCORES.items() if issubclass(score, StatisticScore)]
            raise ValueError(
                f"`scoring` must be {', '.join(names)} or a StatisticScore to be exported. "
                f"Received: {type(detector.score_).__name__}"
            )
        self.model, self._detector, self._scaling = detector.model_, detector, detector.scaling_
        self._calibration, self._threshold = detector.calibration_, -detector.offset_
        self.support = self._support()
        num, above = len(self._calibration), int((self._calibration > self._threshold).sum())
        self.facts = {
            "scoring": type(detector.score_).__name__,
            "threshold": self._threshold,
            "contamination": detector.contamination,
            "calibration_examples": num,
            "above_threshold": above,
            # The p-value of a score just above the threshold.
            "false_alarm_rate": (1.0 + above) / (num + 1.0),
            "smallest_p_value": 1.0 / (num + 1.0),
        }
        if not self._scaling.is_identity:
            self.facts |= {key: np.asarray(getattr(self._scaling, key)).tolist() for key in ("loc", "scale")}

    @property
    def sentence(self) -> str:
        """What `outlier` means, for the card."""
        facts = self.facts
        return (
            f"`outlier` is 1 where `score` > {facts['threshold']:.6g}: {facts['above_threshold']} of "
            f"{facts['calibration_examples']} held-out usual examples, so a false-alarm rate of about "
            f"{facts['false_alarm_rate']:.2g}. For a rate a with a guarantee, call an example an outlier where "
            f"`p_value` <= a, for a >= {facts['smallest_p_value']:.2g}."
        )

    def __call__(
        self, x: tf.Tensor, context: tf.Tensor | None = None, *, zero_or_nan: tf.Tensor | float = 0.0
    ) -> dict[str, tf.Tensor]:
        from keras_ae.outliers import Evidence
        from keras_ae.outliers.example_statistics import statistics_in_graph

        compute = functools.partial(statistics_in_graph, self.model, references=self._detector.references_)
        score = self._detector.score_(Evidence(self.model, self._scaling(x), context, compute=compute)) + zero_or_nan
        # Counting needs no search, which LiteRT lacks.
        at_least = tf.constant(self._calibration, tf.float32) >= score[:, tf.newaxis]  # [B, n]
        count = tf.reduce_sum(tf.cast(at_least, tf.float32), axis=-1)
        usual = score <= tf.constant(self._threshold, tf.float32)  # not where it is NaN
        return {
            "score": score,
            "p_value": (1.0 + count) / (len(self._calibration) + 1.0) + zero_or_nan,
            "outlier": 1 - tf.cast(usual, tf.int32),
        }

    def outputs(self, x: np.ndarray, condition: Any, relative: float) -> tuple[dict, dict]:
        """Returns the detector's outputs for examples, and the tolerances of those that are steps of the score.

        Args:
            x: examples [N, *event], as in `fit`.
            condition: their conditions, or `None`.
            relative: tolerance of a score, relative to the largest one.

        Returns:
            {output: array [N]}, and {"p_value" and "outlier": the largest change within the tolerance of the score}.
        """
        from keras_ae.outliers import conformal_p_values

        def decisions(scores):
            p_value = conformal_p_values(scores, self._calibration)
            return {"p_value": p_value, "outlier": (scores > self._threshold).astype(np.int32)}

        scores = -self._detector.score_samples(x, condition)
        found, slack = decisions(scores), relative * np.abs(scores).max()
        others = [decisions(scores + change) for change in (-slack, slack)]
        tolerances = {
            name: np.max([np.abs(other[name] - value) for other in others], axis=0).astype(np.float32)
            for name, value in found.items()
        }
        return {"score": scores, **found}, tolerances

    def examples(self, x: np.ndarray) -> np.ndarray:
        """Returns means of the model as examples of `fit`, every second with its values in reverse order."""
        mixed = np.array(x).reshape(len(x), -1)
        mixed[1::2] = mixed[1::2, ::-1]
        mixed = self._scaling.inverse(mixed.reshape(x.shape)).astype(np.float32)
        return mixed if self.support is None else np.clip(mixed, *self.support[:2])  # a mean may be rounded beyond

    def _support(self):
        support = self.model.likelihood_layer.support
        if support is None or self._scaling.is_identity:
            return support
        low, high, whole = Support(*support)
        low, high = (float(self._scaling.inverse(np.float32(end))) for end in (low, high))
        return Support(low, high, whole)


def model_and_detector(given: Any) -> tuple[Autoencoder, DetectorSignature | None]:
    """Returns the model to export, and the signature of the detector if one is given."""
    if isinstance(given, Autoencoder):
        return given, None
    from keras_ae.outliers import OutlierDetector

    if not isinstance(given, OutlierDetector):
        return given, None  # `check_model` refuses it
    detector = DetectorSignature(given)
    return detector.model, detector
