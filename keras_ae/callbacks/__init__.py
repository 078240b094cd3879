"""Callbacks: plain Keras callbacks that watch a training. They are saved by their config, and resume exactly.

What Keras has is not here again:

- **Exponential moving average of the weights**: `compile(keras.optimizers.Adam(use_ema=True, ema_momentum=0.999))`
  keeps it, in the many steps of a call as well. When `fit` ends, Keras puts the averages in the place of the weights;
  during `fit`, `keras.callbacks.SwapEMAWeights()` does so for each validation. To go on exactly after an interruption,
  resume from a backup, which holds both: a finished model has only the averages left.
- **Learning rates**: `keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(...))`.
- KL warm-up, capacity and free bits are no callbacks but part of the objective: `keras_ae.schedules`,
  `keras_ae.objectives`.
"""

from keras_ae.callbacks.backup_and_restore import BackupAndRestore
from keras_ae.callbacks.callback import Callback
from keras_ae.callbacks.chief import is_chief
from keras_ae.callbacks.early_stopping import EarlyStopping
from keras_ae.callbacks.kl_by_dimension import KLByDimension
from keras_ae.callbacks.posterior_collapse import PosteriorCollapse, PosteriorCollapseWarning
from keras_ae.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from keras_ae.callbacks.snapshots import Snapshots

__all__ = [
    "BackupAndRestore",
    "Callback",
    "EarlyStopping",
    "KLByDimension",
    "PosteriorCollapse",
    "PosteriorCollapseWarning",
    "ReduceLROnPlateau",
    "Snapshots",
    "is_chief",
]  # fmt: skip
