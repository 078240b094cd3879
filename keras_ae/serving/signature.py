from typing import NamedTuple

import numpy as np

# The names that TensorFlow and NumPy do not share.
_DTYPES = {"FLOAT": "float32", "DOUBLE": "float64", "STRING": "object"}


class Spec(NamedTuple):
    """What a named tensor holds: a NumPy dtype, and a shape in which `None` is any size."""

    dtype: np.dtype
    shape: tuple

    def array(self, name, value):
        """Returns `value` as an array that fits; a single row or number may stand for a batch of one."""
        value = np.asarray(value)
        if value.shape == (0,) and self.shape[:1] == (None,):  # [], whose rows have no shape and no numbers
            return self.empty()
        if value.ndim == len(self.shape) - 1:
            value = value[np.newaxis]
        sizes = zip(self.shape, value.shape, strict=False)
        if value.ndim != len(self.shape) or any(size not in (None, given) for size, given in sizes):
            raise ValueError(f"`{name}` must have shape {list(self.shape)}. Received: {list(value.shape)}")
        if value.dtype.kind not in ("iufb" if self.dtype.kind == "f" else "iub"):
            raise ValueError(f"`{name}` must hold {self.dtype} numbers. Received: dtype {value.dtype}")
        with np.errstate(over="ignore"):  # the server refuses infinity
            cast = value.astype(self.dtype)
        if self.dtype.kind != "f" and (cast != value).any():
            raise ValueError(f"`{name}` must hold {self.dtype} numbers. Received: {value[cast != value].flat[0]}")
        return cast

    def empty(self):
        """An array without rows: float32 [0, 28, 28, 1], say."""
        return np.zeros([0, *(size or 0 for size in self.shape[1:])], self.dtype)


class Signature(NamedTuple):
    """A signature as the server describes it: its name, and {name: `Spec`} of inputs and outputs."""

    name: str
    inputs: dict
    outputs: dict

    def arrays(self, values):
        """{name: array} of the values of a call."""
        if set(values) != set(self.inputs):
            raise ValueError(f"`{self.name}` takes {sorted(self.inputs)}. Received: {sorted(values)}")
        return {name: self.inputs[name].array(name, value) for name, value in values.items()}

    def parts(self, arrays, max_rows):
        """The requests of a call: {name: array} of at most `max_rows` rows each; none for no rows.

        Inputs with a single row have it repeated for each row of the others. A signature that has scalars, as
        `generate` does, is called once with all there is.
        """
        specs = [*self.inputs.values(), *self.outputs.values()]
        if not all(spec.shape and spec.shape[0] is None for spec in specs):
            return [arrays]
        counts = {name: len(array) for name, array in arrays.items()}
        rows = next((count for count in counts.values() if count != 1), 1)
        if not set(counts.values()) <= {1, rows}:
            raise ValueError(f"Inputs must have one number of rows, or a single row. Received: {counts}")
        whole = {name: np.broadcast_to(array, (rows, *array.shape[1:])) for name, array in arrays.items()}
        return [
            {name: array[start : start + max_rows] for name, array in whole.items()}
            for start in range(0, rows, max_rows)
        ]


def read_signatures(definitions):
    """{name: `Signature`} from the JSON form of the SignatureDefs of a model."""
    return {
        name: Signature(name, _specs(definition["inputs"]), _specs(definition["outputs"]))
        for name, definition in definitions.items()
        if definition.get("inputs")  # the others are not for callers: __saved_model_init_op
    }


def _specs(tensors):
    return {name: Spec(_dtype(tensor["dtype"]), _shape(tensor["tensor_shape"])) for name, tensor in tensors.items()}


def _dtype(name):
    name = name.removeprefix("DT_")
    return np.dtype(_DTYPES.get(name, name.lower()))


def _shape(shape):
    return tuple(None if int(dim["size"]) < 0 else int(dim["size"]) for dim in shape.get("dim", []))
