from typing import Any, NamedTuple

import numpy as np

# The dtype names that differ between TensorFlow and NumPy.
_DTYPES = {"FLOAT": "float32", "DOUBLE": "float64", "STRING": "object"}


class Spec(NamedTuple):
    """Specification of a named tensor: a NumPy dtype, and a shape in which `None` is any size."""

    dtype: np.dtype
    shape: tuple[int | None, ...]

    def array(self, name: str, value: Any) -> np.ndarray:
        """Validates `value` and returns it as an array; a single row or number becomes a batch of one."""
        value = np.asarray(value)
        if value.shape == (0,) and self.shape[:1] == (None,):  # [], whose rows have no shape
            return self.empty()
        if value.ndim == len(self.shape) - 1:
            value = value[np.newaxis]
        sizes = zip(self.shape, value.shape, strict=False)
        if value.ndim != len(self.shape) or any(size not in (None, given) for size, given in sizes):
            raise ValueError(f"`{name}` must have shape {list(self.shape)}. Received: {list(value.shape)}")
        if value.dtype.kind not in ("iufb" if self.dtype.kind == "f" else "iub"):
            raise ValueError(f"`{name}` must hold {self.dtype} numbers. Received: dtype {value.dtype}")
        with np.errstate(over="ignore"):  # the server rejects infinity
            cast = value.astype(self.dtype)
        if self.dtype.kind != "f" and (cast != value).any():
            raise ValueError(f"`{name}` must hold {self.dtype} numbers. Received: {value[cast != value].flat[0]}")
        return cast

    def empty(self) -> np.ndarray:
        """Returns an array without rows, such as float32 [0, 28, 28, 1]."""
        return np.zeros([0, *(size or 0 for size in self.shape[1:])], self.dtype)


class Signature(NamedTuple):
    """A signature as described by the server: its name, and {name: `Spec`} of inputs and outputs."""

    name: str
    inputs: dict[str, Spec]
    outputs: dict[str, Spec]

    def arrays(self, values: dict[str, Any]) -> dict[str, np.ndarray]:
        """Validates the values of a call and returns them as {name: array}."""
        if set(values) != set(self.inputs):
            raise ValueError(f"`{self.name}` takes {sorted(self.inputs)}. Received: {sorted(values)}")
        return {name: self.inputs[name].array(name, value) for name, value in values.items()}

    def parts(self, arrays: dict[str, np.ndarray], max_rows: int) -> list[dict[str, np.ndarray]]:
        """Splits a call into requests {name: array} of at most `max_rows` rows; none for an empty batch.

        A single row is repeated to match the other inputs. A signature with scalar inputs, such as `generate`, is
        called once with everything.
        """
        specs = [*self.inputs.values(), *self.outputs.values()]
        if not all(spec.shape and spec.shape[0] is None for spec in specs):
            return [arrays]
        counts = {name: len(array) for name, array in arrays.items()}
        rows = next((count for count in counts.values() if count != 1), 1)
        if not set(counts.values()) <= {1, rows}:
            raise ValueError(f"Inputs must have equal numbers of rows, or a single row. Received: {counts}")
        whole = {name: np.broadcast_to(array, (rows, *array.shape[1:])) for name, array in arrays.items()}
        return [
            {name: array[start : start + max_rows] for name, array in whole.items()}
            for start in range(0, rows, max_rows)
        ]


def read_signatures(definitions: dict[str, dict]) -> dict[str, Signature]:
    """Parses the JSON form of a model's SignatureDefs to {name: `Signature`}."""
    return {
        name: Signature(name, _specs(definition["inputs"]), _specs(definition["outputs"]))
        for name, definition in definitions.items()
        if definition.get("inputs")  # others, such as __saved_model_init_op, are internal
    }


def _specs(tensors):
    return {name: Spec(_dtype(tensor["dtype"]), _shape(tensor["tensor_shape"])) for name, tensor in tensors.items()}


def _dtype(name):
    name = name.removeprefix("DT_")
    return np.dtype(_DTYPES.get(name, name.lower()))


def _shape(shape):
    return tuple(None if int(dim["size"]) < 0 else int(dim["size"]) for dim in shape.get("dim", []))
