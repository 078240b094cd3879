"""Examples as details of a measurement, which the report draws."""

from collections.abc import Mapping
from typing import Any

import numpy as np

_MOST_VALUES = 40_000  # values of images in one detail, which a file and a page keep


def example_details(rows: Mapping[str, np.ndarray], num: int = 10) -> dict[str, Any]:
    """Returns details that show examples: rows of images, or the first value of the first sequence of each row.

    Args:
        rows: {label: examples [N, *event]}, of equal shapes: gray or color images in [0, 1], or sequences.
        num: largest number of images in a row; fewer of large images.

    Returns:
        `{"images": ...}`, `{"curve": ...}`, or no details for tables and other examples.

    Example:
        >>> import numpy as np
        >>> example_details({"generated": np.zeros([3, 4, 4, 1])}, num=2)["images"]["rows"]["generated"][0][0]
        [[0.0], [0.0], [0.0], [0.0]]
        >>> example_details({"generated": np.zeros([3, 2, 5])})["curve"]["y"], example_details({"a": np.ones([3, 2])})
        ({'generated': [0.0, 0.0]}, {})
    """
    event = next(iter(rows.values())).shape[1:]
    if len(event) == 3 and event[-1] in (1, 3):
        num = int(np.clip(_MOST_VALUES // (len(rows) * np.prod(event)), 1, num))
        images = {label: np.clip(x[:num], 0, 1).astype(np.float64).round(3).tolist() for label, x in rows.items()}
        return {"images": {"rows": images}}
    if len(event) == 2:
        first = {label: np.asarray(x[0, :, 0], np.float64).tolist() for label, x in rows.items()}
        return {"curve": {"x": list(range(event[0])), "y": first, "x_label": "step", "y_label": "first value"}}
    return {}
