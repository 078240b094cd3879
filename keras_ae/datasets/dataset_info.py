"""What is known of a data set before it is loaded."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class DatasetInfo:
    """What a data set holds.

    Args:
        name: its name or path.
        image_shape: the shape of one example, (H, W, C) for images; `None` where sizes differ or it is not known.
        num_classes: number of classes of the labels, or `None` if there are none, or none that is known.
        class_names: their names, in the order of the labels; empty where they have none.
        splits: split name to number of examples, or to `None` where it is not known.
        properties: names of the properties where y is a dict of them; empty otherwise.
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
