"""What a step of training or evaluation knows beside its data."""

import dataclasses
from typing import Any

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class StepContext:
    """What a step of training or evaluation knows beside its data, for objectives and for posteriors.

    Args:
        seed: int32 tensor [2], the stateless seed of the step; `None` where nothing is drawn.
        step: int tensor [], how many steps were trained before, for values that follow a schedule.
        weight: float32 tensor [B], how much each row counts in what is measured of the batch as a whole; 0 for rows
            that fill up a smaller batch. `None` where all count alike.
        training: whether the model is trained on the batch.
        copies: how many rows each example has. Rows i and j are of the same one where i - j is a multiple of
            B / copies.
    """

    seed: tf.Tensor | None = None
    step: Any = 0
    weight: tf.Tensor | None = None
    training: bool = False
    copies: int = 1


INFERENCE = StepContext()  # outside of a step
