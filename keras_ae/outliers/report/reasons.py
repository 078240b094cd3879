"""The most unusual features of a row."""

from collections.abc import Sequence

import numpy as np

from keras_ae.drawing.curve_grid import MAX_BARS, is_image


def feature_names(event_shape: tuple[int, ...], columns: Sequence[str] = ()) -> "np.ndarray":
    """Returns a name for each value of an example, in order: text [size].

    Args:
        event_shape: shape of an example.
        columns: names of the columns of a table, or of the channels of a sequence [T, C].

    Raises:
        ValueError: for another number of columns than the last axis has.

    Example:
        >>> feature_names((2,), ["age", "income"]).tolist()
        ['age', 'income']
        >>> feature_names((28, 28, 1))[30]
        np.str_('pixel 1,2')
    """
    columns = [str(name) for name in columns]
    if columns and len(columns) != event_shape[-1]:
        raise ValueError(f"`columns` must have {event_shape[-1]} names. Received: {len(columns)}")
    kind = "step" if len(event_shape) == 1 and event_shape[0] > MAX_BARS else "column"
    last = columns or [f"{kind} {number}" for number in range(event_shape[-1])]
    if len(event_shape) == 1:
        return np.array(last)
    *places, channel = np.unravel_index(np.arange(np.prod(event_shape)), event_shape)
    if is_image(event_shape):
        if len(event_shape) == 2:
            places, channel = [*places, channel], np.zeros_like(channel)
        several = len(event_shape) == 3 and event_shape[-1] > 1
        ends = [f", {columns[c] if columns else ('red', 'green', 'blue')[c]}" if several else "" for c in channel]
        where = zip(*places, ends, strict=True)
        return np.array([f"pixel {row},{column}{end}" for row, column, end in where])
    steps = [",".join(map(str, place)) for place in zip(*places, strict=True)]
    if event_shape[-1] == 1 and not columns:
        return np.array([f"step {step}" for step in steps])
    return np.array([f"step {step}, {last[c]}" for step, c in zip(steps, channel, strict=True)])


def top_reasons(excess: np.ndarray, num: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the values with the most nats above usual of each row: their places and nats, [N, num] each.

    Args:
        excess: nats above the mean of usual examples, [N, *event].
        num: number of values.

    Example:
        >>> top_reasons(np.array([[0.5, 3.0, -1.0]]), 2)
        (array([[1, 0]]), array([[3. , 0.5]]))
    """
    flat = excess.reshape(len(excess), -1)
    num = min(num, flat.shape[1])
    some = np.argpartition(-flat, num - 1, axis=1)[:, :num]
    order = np.argsort(-np.take_along_axis(flat, some, axis=1), axis=1, kind="stable")
    places = np.take_along_axis(some, order, axis=1)
    return places, np.take_along_axis(flat, places, axis=1)
