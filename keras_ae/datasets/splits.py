"""Split names and slices, in the syntax of TFDS: "train", "test[:100]", "train[:90%]", "train+test"."""

from types import SimpleNamespace

import numpy as np


def split_ranges(split: str, sizes: dict[str, int], name: str) -> list[tuple[str, int, int]]:
    """Parses a split.

    Args:
        split: the split, in TFDS syntax.
        sizes: dictionary of split names to numbers of examples.
        name: name of the data set, for errors.

    Returns:
        A list of (split name, start, stop).

    Raises:
        ValueError: if it cannot be parsed, names an unknown split, exceeds the split or is empty.

    Example:
        >>> split_ranges("train[:50%]+test", {"train": 10, "test": 4}, "digits")
        [('train', 0, 5), ('test', 0, 4)]
    """
    import tensorflow_datasets as tfds  # slow to import

    infos = {key: SimpleNamespace(num_examples=size, shard_lengths=[size]) for key, size in sizes.items()}
    try:
        parts = tfds.core.ReadInstruction.from_spec(split).to_absolute(infos)
    except (ValueError, TypeError, AttributeError, NotImplementedError, AssertionError) as error:
        known = ", ".join(f"{key} ({size})" for key, size in sizes.items())
        raise ValueError(
            f'`split` must be one of {known}, or a slice such as "train[:90%]". '
            f"Received for {name}: {split!r} ({error})"
        ) from error
    ranges = [(p.splitname, p.from_ or 0, sizes[p.splitname] if p.to is None else p.to) for p in parts]
    ranges = [(str(key), start, stop) for key, start, stop in ranges if stop > start]
    if not ranges:
        raise ValueError(f"`split` must hold at least one example. Received for {name}: {split!r}")
    return ranges


def split_indices(split: str, sizes: dict[str, int], name: str) -> np.ndarray:
    """Returns the indices of a split's examples, int64 [N], counting through all splits in order."""
    offsets = dict(zip(sizes, np.cumsum([0, *sizes.values()]).tolist(), strict=False))
    ranges = split_ranges(split, sizes, name)
    return np.concatenate([offsets[key] + np.arange(start, stop) for key, start, stop in ranges])
