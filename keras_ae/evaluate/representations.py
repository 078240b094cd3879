import numpy as np


def representations(subject, max_examples: int | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Returns codes and raw values of the same examples of a `Subject`, for metrics that compare the two.

    Args:
        subject: a `Subject`.
        max_examples: at most this many of `subject.rows`, evenly spaced; `None` for all.

    Returns:
        (codes [M, D], raw values [M, E], labels [M] or `None`).
    """
    step = 1 if max_examples is None else -(-len(subject.rows) // max_examples)
    rows = subject.rows[::step]
    raw = subject.examples[::step].reshape(len(rows), -1)
    return subject.codes[rows], raw, None if subject.labels is None else np.asarray(subject.labels)[rows]
