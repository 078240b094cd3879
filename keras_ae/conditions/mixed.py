from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ae.conditions.condition import Condition, check_tensor_spec
from keras_ae.validation.arrays import as_array
from keras_ae.validation.tensors import guard


@keras.saving.register_keras_serializable(package="keras_ae")
class Mixed(Condition):
    """Several properties together, each with a name.

    Values are a dictionary with one entry per property. If every property is a single number, an array [B, number of
    properties] with one column per property, in order, is accepted too.

    Args:
        properties: dictionary of names to `Categorical` or `Continuous`. A model converts a dictionary given as
            `condition` to `Mixed`.
    """

    properties = None  # an attribute, where the base has a property

    def __init__(self, properties: dict[str, Condition], **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(properties, dict) or not properties:
            raise ValueError(f"`properties` must be a dictionary of conditions by name. Received: {properties!r}")
        for name, part in properties.items():
            if not isinstance(name, str) or not name.isidentifier():
                raise ValueError(f"The name of a property must be a Python identifier. Received: {name!r}")
            if not isinstance(part, Condition) or isinstance(part, Mixed):
                raise TypeError(f"Property `{name}` must be Categorical or Continuous. Received: {type(part).__name__}")
        self.properties = dict(properties)
        self.size = sum(part.size for part in properties.values())

    def build(self, input_shape):
        for part in self.properties.values():
            if not part.built:
                part.build((None,))

    def call(self, values):
        values = self.by_name(values)
        return tf.concat([part(values[name]) for name, part in self.properties.items()], axis=-1)

    def by_name(self, values: Any) -> dict:
        """Returns the values as a dictionary, splitting a tensor [B, number of properties] into columns."""
        if isinstance(values, dict):
            return values
        columns = tf.unstack(values, axis=-1)
        return {
            name: tf.cast(column, part.spec()[0])
            for (name, part), column in zip(self.properties.items(), columns, strict=True)
        }

    def from_named(self, values: Any) -> Any:
        return values

    @property
    def needs_adapting(self) -> bool:
        return any(part.needs_adapting for part in self.properties.values())

    def check_spec(self, spec: Any, name: str = "condition") -> None:
        if not isinstance(spec, dict):
            self._check_columns(name)
            check_tensor_spec(spec, name, len(self.properties))
            return
        self._check_names(spec, name)
        for key, part in self.properties.items():
            part.check_spec(spec[key], f"{name}[{key!r}]")

    def adapt(self, values: Any) -> None:
        if not isinstance(values, dict):
            values = self._columns(np.asarray(values), "condition")
        for name, part in self.properties.items():
            part.adapt(values[name])

    def check(self, values: Any, num: int | None = None, name: str = "condition") -> Any:
        values = self._named(values, name)
        self._check_names(values, name)
        rows = {key: _rank(values[key]) - len(part.spec()[1]) for key, part in self.properties.items()}
        if num is None:
            num = next((len(values[key]) for key, rank in rows.items() if rank > 0), 1)
        return {key: part.check(values[key], num, f"{name}[{key!r}]") for key, part in self.properties.items()}

    def learn_names(self, values: Any, name: str = "condition") -> None:
        values = self._named(values, name)
        for key, part in self.properties.items():
            if key in values:
                part.learn_names(values[key], f"{name}[{key!r}]")

    def guard(self, values: Any, name: str = "condition") -> Any:
        if not isinstance(values, dict):  # no cast: a fractional label must not be rounded
            columns = tf.unstack(guard(values, name), axis=-1)
            values = dict(zip(self.properties, columns, strict=True))
        return {key: part.guard(values[key], f"{name}[{key!r}]") for key, part in self.properties.items()}

    def get_config(self):
        parts = {name: keras.saving.serialize_keras_object(part) for name, part in self.properties.items()}
        return {**super().get_config(), "properties": parts}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        parts = config.pop("properties")
        return cls({name: keras.saving.deserialize_keras_object(part) for name, part in parts.items()}, **config)

    def _check_names(self, values, name):
        missing = sorted(set(self.properties) - set(values))
        unknown = sorted(set(values) - set(self.properties))
        if missing or unknown:
            raise ValueError(
                f"`{name}` must have exactly the properties {sorted(self.properties)}. "
                f"Received: missing {missing}, unknown {unknown}"
            )

    def _named(self, values, name):
        """Returns the values of each property by name."""
        if hasattr(values, "columns"):  # a table: its columns have names
            values = {key: values[key] for key in values.columns}
        return values if isinstance(values, dict) else self._columns(as_array(values, name), name)

    def _check_columns(self, name):
        if any(part.spec()[1] for part in self.properties.values()):
            raise ValueError(
                f"`{name}` must be a dictionary, because a property with several numbers does not fit one column."
            )

    def _columns(self, values, name):
        self._check_columns(name)
        if values.ndim not in (1, 2) or values.shape[-1] != len(self.properties):
            raise ValueError(
                f"`{name}` must be a dictionary with {list(self.properties)}, or an array with {len(self.properties)} "
                f"columns in that order. Received: shape {values.shape}"
            )
        return {key: values[..., column] for column, key in enumerate(self.properties)}


def _rank(values):
    return values.ndim if hasattr(values, "ndim") else np.ndim(values)
