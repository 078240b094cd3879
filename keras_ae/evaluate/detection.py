"""How well scores separate outliers from usual examples."""

import numpy as np

from keras_ae.evaluate.metric import Measurement
from keras_ae.evaluate.statistics import resampled_measurement


def detection_metrics(
    usual: np.ndarray, outliers: np.ndarray, *, num_resamples: int = 200, seed: int = 0
) -> list[Measurement]:
    """Measures how well scores separate outliers from usual examples, with bootstrap intervals.

    | Name | What it is |
    |---|---|
    | auroc | P(outlier scores higher than a usual example): the area under the ROC curve |
    | aupr_in | area under the precision-recall curve, usual examples as positives |
    | aupr_out | the same, outliers as positives |
    | fpr_at_95_tpr | share of outliers that pass where 95% of the usual examples pass |
    | detection_error | the smallest mean of both error rates over all thresholds |

    Args:
        usual: scores [N] of usual examples.
        outliers: scores [M] of outliers; higher is more anomalous.
        num_resamples: number of bootstrap resamples.
        seed: integer seed of the resamples.

    Returns:
        Five `Measurement`s.

    Raises:
        ValueError: for no scores, or NaN.

    Example:
        >>> import numpy as np
        >>> found = detection_metrics(np.arange(20.0), np.arange(20.0) + 100.0)
        >>> [(each.name, each.value) for each in found][:2]
        [('auroc', 1.0), ('aupr_in', 1.0)]

    References:
        Hendrycks and Gimpel 2017, arXiv:1610.02136, section 3; Liang, Li and Srikant 2018, arXiv:1706.02690, section
        4.2, for the false positive rate and the detection error, with usual examples as positives.
    """
    usual, outliers = (np.asarray(each, np.float64) for each in (usual, outliers))
    for name, each in (("usual", usual), ("outliers", outliers)):
        if each.ndim != 1 or not len(each) or np.isnan(each).any():
            raise ValueError(f"`{name}` must be scores [N] without NaN. Received: shape {list(each.shape)}")
    protocol = f"{len(usual)} usual examples and {len(outliers)} outliers; bootstrap of {num_resamples} resamples"
    rng = np.random.default_rng(seed)
    draws = [_curves(rng.choice(usual, len(usual)), rng.choice(outliers, len(outliers))) for _ in range(num_resamples)]
    found = []
    for name, value in _curves(usual, outliers).items():
        better = "lower" if name in ("fpr_at_95_tpr", "detection_error") else "higher"
        fields = {"unit": "fraction", "better": better, "protocol": protocol}
        found.append(resampled_measurement(name, value, [draw[name] for draw in draws], (0.0, 1.0), **fields))
    return found


def _curves(usual, outliers):
    from sklearn.metrics import average_precision_score, roc_curve  # slow to import

    is_usual = np.arange(len(usual) + len(outliers)) < len(usual)
    scores = np.concatenate([usual, outliers])
    # A usual example is a positive, and passes if its score is low.
    passed, hits, _ = roc_curve(is_usual, -scores, drop_intermediate=False)
    return {
        "auroc": float(np.trapezoid(hits, passed)),
        "aupr_in": float(average_precision_score(is_usual, -scores)),
        "aupr_out": float(average_precision_score(~is_usual, scores)),
        "fpr_at_95_tpr": float(passed[hits >= 0.95].min()),
        "detection_error": float((0.5 * (1.0 - hits) + 0.5 * passed).min()),
    }
