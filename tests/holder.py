"""A stand-in for a model, for tests of options that set parts."""

import inspect

from keras_ae.run.assembly import PARTS


class Holder:
    """Stands for a model that takes any part of any kind."""

    __module__ = "keras_ae.models"
    fixed = ()

    def __init__(self, **parts):
        pass

    __init__.__signature__ = inspect.Signature(
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None)
        for name in ("self", "condition", "seed", *PARTS, "number")
    )
