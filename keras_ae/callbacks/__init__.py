"""Callbacks: Keras callbacks that monitor training. They are serializable by their config and resume exactly.

Use Keras for the following:

- **Exponential moving average of the weights**: `compile(keras.optimizers.Adam(use_ema=True, ema_momentum=0.999))`
  maintains it, also with several steps per call. When `fit` ends, Keras replaces the weights by the averages; during
  `fit`, `keras.callbacks.SwapEMAWeights()` does so for each validation. For an exact resume, use a backup, which holds
  both: a finished model has only the averages.
- **Learning rates**: `keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(...))`.
- KL warm-up, capacity and free bits belong to the objective: `keras_ae.schedules`,
  `keras_ae.objectives`.
"""

from keras_ae.callbacks.backup_and_restore import BackupAndRestore
from keras_ae.callbacks.callback import Callback, is_chief
from keras_ae.callbacks.early_stopping import EarlyStopping
from keras_ae.callbacks.kl_by_dimension import KLByDimension
from keras_ae.callbacks.posterior_collapse import PosteriorCollapse, PosteriorCollapseWarning
from keras_ae.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from keras_ae.callbacks.snapshots import Snapshots, read_snapshots

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
    "read_snapshots",
]  # fmt: skip
