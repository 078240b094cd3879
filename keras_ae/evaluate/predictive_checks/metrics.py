"""The posterior predictive checks of a `Subject`."""

import numpy as np

from keras_ae.evaluate.metric import Measurement, Need, metric
from keras_ae.evaluate.predictive_checks.check import STATISTICS, predictive_check
from keras_ae.evaluate.predictive_checks.replicates import predictive_replicates


@metric("predictive_checks", Need.MODEL, Need.VECTORS)
def predictive_checks(subject, *, num=40, max_examples=2000):
    """Statistics of each column in data drawn from the posterior predictive distribution, against the real data.

    Args:
        subject: a `Subject`.
        num: number of generated data sets.
        max_examples: largest number of examples.
    """
    x = subject.examples[:max_examples]
    condition = subject.conditions
    if condition is not None:
        condition = _rows(condition, len(x))
    found = predictive_replicates(subject.model, x, condition, num=num, seed=subject.seed)
    replicates = np.stack([each.reshape(len(x), -1) for each in found])
    real = x.reshape(len(x), -1)
    for name in STATISTICS:
        if name == "zero_fraction" and not (real == 0).any():
            continue
        check = predictive_check(real, replicates, name)
        details = {each: getattr(check, each).tolist() for each in ("real", "generated", "low", "high", "p_values")}
        protocol = f"{num} generated data sets of {len(x)} examples, {real.shape[1]} columns"
        yield Measurement(
            f"{name}.inside",
            check.inside,
            unit="fraction",
            better="higher",
            protocol=f"columns whose real value is in the 95% interval; {protocol}",
            details=details,
        )
        yield Measurement(
            f"{name}.error",
            check.error,
            better="lower",
            protocol=f"mean absolute error over columns, relative to their spread; {protocol}",
        )


def _rows(condition, num):
    if isinstance(condition, dict):
        return {name: values[:num] for name, values in condition.items()}
    return condition[:num]
