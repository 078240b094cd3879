"""The context of a training or evaluation step."""

import dataclasses
from typing import Any

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class StepContext:
    """The context of a training or evaluation step, for objectives and posteriors.

    Args:
        seed: int32 tensor [2], the stateless seed of the step; `None` if nothing is drawn.
        step: int tensor [], number of completed training steps, for schedules.
        weight: float32 tensor [B], weight of each row in statistics of the whole batch; 0 for padding rows. `None` for
            equal weights.
        training: whether the model is trained on the batch.
        copies: number of rows per example. Rows i and j are the same example if i - j is a multiple of B / copies.
    """

    seed: tf.Tensor | None = None
    step: Any = 0
    weight: tf.Tensor | None = None
    training: bool = False
    copies: int = 1


INFERENCE = StepContext()  # outside of a step
