"""Description of a data set before it is loaded."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class DatasetInfo:
    """Describes a data set.

    Args:
        name: its name or path.
        image_shape: shape of one example, (H, W, C) for images; `None` if sizes differ or are unknown.
        num_classes: number of classes of the labels; `None` if there are no labels or the number is unknown.
        class_names: names of the classes, in the order of the labels; empty if there are none.
        splits: dictionary of split names to numbers of examples, or to `None` if unknown.
        properties: names of the properties if y is a dict; empty otherwise.
        source: "embedded", "tfds", "folder" or "file".
        description: one line.
    """

    name: str
    image_shape: tuple | None
    num_classes: int | None = None
    class_names: tuple = ()
    splits: dict = field(default_factory=dict)
    properties: tuple = ()
    source: str = "embedded"
    description: str = ""
