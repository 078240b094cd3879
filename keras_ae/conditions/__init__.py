"""Conditions: known properties of an example, categorical or continuous, alone or several together."""

from keras_ae.conditions.categorical import Categorical, PartlyKnown
from keras_ae.conditions.condition import Condition
from keras_ae.conditions.continuous import Continuous
from keras_ae.conditions.mixed import Mixed

__all__ = ["Categorical", "Condition", "Continuous", "Mixed", "PartlyKnown", "get"]


def get(value: Condition | dict[str, Condition] | None) -> Condition | None:
    """Returns the condition, `Mixed` for a dictionary of conditions, or `None`.

    Raises:
        ValueError: for an empty dictionary.
        TypeError: for anything else.
    """
    if isinstance(value, dict):
        if not value:
            raise ValueError("`condition` must have at least one property, or be None. Received: {}")
        return Mixed(value)
    if value is None or isinstance(value, Condition):
        return value
    raise TypeError(
        "`condition` must be a condition such as Categorical(10), a dictionary of them, or None. "
        f"Received: {type(value).__name__}"
    )
