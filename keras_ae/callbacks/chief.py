"""Which process writes files when several train one model."""

import keras


def is_chief(model: keras.Model) -> bool:
    """Whether this process writes files: the only one, or the chief of a multi-worker strategy.

    Uses the model's strategy, because callbacks run outside the scope of a strategy.
    """
    return bool(model.distribute_strategy.extended.should_save_summary)
