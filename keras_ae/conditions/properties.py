from collections.abc import Callable
from typing import Any

import numpy as np


def for_each_property(function: Callable, condition: Any) -> Any:
    """Applies a function to the array of a condition, or of each of its properties; `None` stays `None`."""
    if isinstance(condition, dict):
        return {name: function(np.asarray(values)) for name, values in condition.items()}
    return None if condition is None else function(np.asarray(condition))
