"""Target speeds of keras_ae, and whether it reaches them."""

import dataclasses
import statistics

from side_by_side.cases import EVERYONE, FASTEST, GRID, GRID_BATCHES, WITH_XLA
from side_by_side.contestants import CONTESTANTS
from side_by_side.results import OURS, find, ratio, share, speeds


@dataclasses.dataclass(frozen=True)
class Target:
    """A minimum speed of keras_ae, relative to the fastest of other contestants or to the best matrix product.

    Args:
        task: name of the task.
        least: the minimum.
        others: names of contestants; none for the matrix product.
        processor: the target is for processors with this word in their name.
    """

    task: str
    least: float
    others: tuple = ()
    processor: str = ""


TARGETS = (
    Target("mlp-128", 2.5, ("pythae",)),
    Target("mlp-128", 1.9, ("keras", "keras-jit")),
    Target("mlp-128", 1.25, ("torch",)),
    Target("mlp-128", 1.05, ("torch-compile",)),
    Target("mlp-128", 0.95, ("xla-loop",)),
    Target("mlp-512", 0.75),
    Target("conv", 1.0, tuple(name for name in (*EVERYONE, WITH_XLA) if name != OURS)),
    *(Target(f"grid-{width}-{size}", 1.0, FASTEST[1:]) for width in GRID for size in GRID_BATCHES),
    *(Target(f"grid-{width}-512", 0.75, processor="AMD") for width in GRID),
    *(Target(f"grid-{width}-512", 0.6, processor="Intel") for width in GRID),  # the best product is faster there
)


def judge(results, targets=TARGETS):
    """Evaluates the targets for this processor whose contestants all participated.

    Returns:
        A list of dictionaries: task, against (text), least, figure and reached.
    """
    verdicts = []
    for target in targets:
        figure, against = _figure(results, target)
        if figure is not None and target.processor in results["machine"]["processor"]:
            # At the precision of the tables.
            reached = round(figure, 2) >= target.least
            row = {"task": target.task, "against": against, "least": target.least, "figure": figure}
            verdicts.append({**row, "reached": reached})
    return verdicts


def _figure(results, target):
    if not target.others:
        return share(results, target.task), "the best matrix product"
    present = [name for name in target.others if find(results, target.task, name) is not None]
    if len(present) < len(target.others) or find(results, target.task, OURS) is None:
        return None, ""
    fastest = max(present, key=lambda name: statistics.median(speeds(find(results, target.task, name))))
    return ratio(results, target.task, fastest), CONTESTANTS[fastest].label
