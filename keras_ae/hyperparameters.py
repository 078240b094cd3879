"""Arguments of parts and models after construction: hyperparameters can be assigned, all others are fixed.

A part stores its hyperparameters as Python numbers, which its config contains. Compiled steps read the numbers from one
variable, so an assigned number takes effect in the next step without a new compilation.
"""

import abc
import contextlib
import contextvars
import functools
import inspect
import numbers
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_ae.keras_internals import layers_in, schedule_of

_Schedule = keras.optimizers.schedules.LearningRateSchedule
_tensors = contextvars.ContextVar("tensors of hyperparameters", default=None)


class Hyperparameter:
    """An argument that can be assigned at any time, and takes effect with the next batch. A class declares it:

        beta = Hyperparameter(check_value)

    Args:
        check: function of (name, value) that returns the value to store, or raises a `ValueError`.
        live: whether compiled steps read numbers from a variable. Otherwise an assignment retraces the step, as the
            assignment of a schedule does.
        zero_is_off: whether 0 removes operations from the step, so that changes from or to 0 retrace it.

    Example:
        >>> import keras_ae as kae
        >>> model = kae.models.BetaVAE(latent_dim=2, beta=1.0)
        >>> model.beta = 50
        >>> model.objective.beta, model.get_config()["beta"]
        (50.0, 50.0)
        >>> model.beta = -1
        Traceback (most recent call last):
        ValueError: `beta` must be a finite number >= 0, or a schedule. Received: beta=-1
    """

    def __init__(self, check: Callable[[str, Any], Any], *, live: bool = True, zero_is_off: bool = False):
        self.check, self.live, self.zero_is_off = check, live, zero_is_off

    def is_live(self, value: Any) -> bool:
        """Returns whether compiled steps read this value from a variable."""
        return self.live and isinstance(value, numbers.Real) and not (self.zero_is_off and value == 0)

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, part, owner=None):
        if part is None:
            return self
        if self.name not in vars(part):
            raise AttributeError(f"{type(part).__name__} has no `{self.name}` yet.")
        tensors = _tensors.get()
        value = vars(part)[self.name]
        return value if tensors is None else tensors.get((id(part), self.name), value)

    def __set__(self, part, value):
        values = vars(part)
        before = values.get(self.name)
        values[self.name] = self.check(self.name, value)
        if not values.get("_constructed"):
            return
        try:
            part.check_together()
        except ValueError:
            values[self.name] = before
            raise


class _Constructed(abc.ABCMeta):
    """Marks objects as constructed when their constructors have ended."""

    @property
    def __signature__(cls):  # without it, tools show the signature of `__call__`
        signature = inspect.signature(cls.__init__)
        return signature.replace(parameters=[*signature.parameters.values()][1:])

    def __call__(cls, *args, **kwargs):
        made = super().__call__(*args, **kwargs)
        vars(made)["_constructed"] = True
        return made


class ArgumentGuard(metaclass=_Constructed):
    """Base class of parts and models: arguments that are not a `Hyperparameter` cannot be assigned after construction.

    Custom subclasses may assign their own arguments; a new number, string or boolean retraces the steps.
    """

    def check_together(self) -> None:
        """Raises a `ValueError` if arguments that are valid one by one are incompatible.

        Assignments call it; a constructor that needs it calls it at its end.
        """

    def __setattr__(self, name, value):
        if vars(self).get("_constructed") and name in arguments_of(type(self)) and not _assignable(type(self), name):
            raise ValueError(self._refusal(name, value))
        super().__setattr__(name, value)

    def assignable(self) -> list[str]:
        """Returns the names of the attributes that can be assigned."""
        cls = type(self)
        names = arguments_of(cls) | {name for name in hyperparameters_of(cls) if not name.startswith("_")}
        return sorted(name for name in names if _assignable(cls, name))

    def _refusal(self, name, value):
        kind = type(self).__name__
        article = "an" if kind[0] in "AEIO" else "a"
        maker = "keras_ae.Autoencoder" if name in getattr(self, "fixed", ()) else kind
        free = self.assignable()
        may = f" Assignable are: {', '.join(free)}." if free else ""
        received = repr(value)
        received = received if len(received) < 80 else type(value).__name__
        return (
            f"`{name}` is fixed when {article} {kind} is made: make a new one, {maker}({name}=...).{may} "
            f"Received: {name}={received}"
        )


@functools.cache
def arguments_of(cls: type) -> frozenset[str]:
    """Returns the names of the arguments of the constructors of a class and its bases in keras_ae."""
    bases = [base for base in cls.__mro__ if base.__module__.startswith("keras_ae.")]
    return frozenset().union(*map(_own_arguments, bases))


@functools.cache
def _others_arguments_of(cls):
    """Returns the names of the arguments that only bases outside of keras_ae and Keras have."""
    names = set()
    for base in cls.__mro__[:-1]:
        if base.__module__.startswith(("keras.", "tensorflow.")):
            break
        names |= _own_arguments(base)
    return sorted(names - arguments_of(cls) - set(hyperparameters_of(cls)))


def _own_arguments(cls):
    if "__init__" not in vars(cls):
        return set()
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    names = {each.name for each in parameters if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)}
    return names - {"name", "dtype", "trainable"}  # arguments of Keras


def hyperparameters_of(cls: type) -> dict[str, Hyperparameter]:
    """Returns the hyperparameters of a class: {name: descriptor}."""
    names = sorted({name for base in cls.__mro__ for name, v in vars(base).items() if isinstance(v, Hyperparameter)})
    return {name: getattr(cls, name) for name in names}


def _assignable(cls, name):
    attribute = inspect.getattr_static(cls, name, None)
    return isinstance(attribute, Hyperparameter) or getattr(attribute, "fset", None) is not None


class CurrentValues:
    """The current hyperparameters of a model, for its compiled steps."""

    def __init__(self, model: keras.Model):
        self.model = model
        self.version = 0  # changes if the steps must be retraced
        self.numbers, self.structure = {}, None
        self.variable = self.seed_variable = None
        self.calling = False

    def following(self, make: Callable[[], Callable]) -> Callable:
        """Returns a function that calls the result of `make`, which is made again when steps must be retraced."""
        made = {}

        def call(*args):
            self.update()
            if made.get("version") != self.version:
                made.update(function=make(), version=self.version)
            self.calling = True
            try:
                return made["function"](*args)
            finally:
                self.calling = False

        return call

    def update(self) -> None:
        """Updates the variable and the version after assignments.

        Raises:
            ValueError: for a changed schedule that its part does not allow, and for incompatible parts.
        """
        found, structure, schedules = values_of(self._parts)
        for optimizer in (self.model.optimizer, self.model.discriminator_optimizer):
            kl = schedule_of(optimizer)
            structure.append(_described(kl) if isinstance(kl, _Schedule) else None)
        again = structure != self.structure or found.keys() != self.numbers.keys()
        if not again and found == self.numbers:
            return
        for descriptor, schedule in schedules:
            descriptor.check(descriptor.name, schedule)
        for part, _ in self._parts:
            part.check_together()
        if again:
            self.version += 1
            self.variable = self._new_variable([*found.values()], tf.float32) if found else None
            self.seed_variable = self._new_variable(self.model.seed, tf.int32)
        else:
            self.variable.assign([*found.values()])
        self.numbers, self.structure = found, structure

    @contextlib.contextmanager
    def in_step(self) -> Iterator[None]:
        """Context in which hyperparameters are tensors, in the graph of a step."""
        if self.variable is None or not self.calling or tf.executing_eagerly():
            yield
            return
        values = tf.unstack(tf.convert_to_tensor(self.variable))
        token = _tensors.set(dict(zip(self.numbers, values, strict=True)))
        try:
            yield
        finally:
            _tensors.reset(token)

    @functools.cached_property
    def _parts(self):
        """Pairs of a part and its hyperparameters. The parts of a model are fixed."""
        return parts_of(layers_in(self.model))

    @property
    def seed(self) -> int | tf.Tensor:
        """The seed of the noise: a tensor in the graph of a step, so that seeds do not make the graphs differ."""
        if self.seed_variable is None or not self.calling or tf.executing_eagerly():
            return self.model.seed
        return tf.convert_to_tensor(self.seed_variable)

    def _new_variable(self, values, dtype):
        with self.model.distribute_strategy.scope():
            return tf.Variable(
                values,
                dtype=dtype,
                trainable=False,
                aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            )


def parts_of(layers: list[keras.layers.Layer]) -> list[tuple[ArgumentGuard, dict[str, Hyperparameter]]]:
    """Returns pairs of a part and its hyperparameters, for the parts among layers."""
    return [(part, hyperparameters_of(type(part))) for part in layers if isinstance(part, ArgumentGuard)]


def values_of(parts: list[tuple[ArgumentGuard, dict[str, Hyperparameter]]]) -> tuple[dict, list, list]:
    """Returns the current values of the hyperparameters of parts.

    Returns:
        The live numbers, by part and name; all other values that a step depends on; the schedules among them, each with
        its hyperparameter.
    """
    found, structure, schedules = {}, [], []
    for part, names in parts:
        _read(part, names, found, structure, schedules)
    return found, structure, schedules


def _read(part, names, found, structure, schedules):
    """Adds the live numbers of a part to `found`, and all other values that a step depends on to `structure`."""
    for name, descriptor in names.items():
        value = vars(part).get(name)
        if descriptor.is_live(value):
            found[id(part), name] = float(value)
        elif isinstance(value, _Schedule):
            schedules.append((descriptor, value))
            own = hyperparameters_of(type(value))
            structure += [value, None if own else _described(value)]
            _read(value, own, found, structure, schedules)
        else:
            structure.append(value)
    others = (vars(part).get(name) for name in _others_arguments_of(type(part)))
    structure += [repr(value) for value in others if isinstance(value, (bool, numbers.Number, str, type(None)))]


def _described(schedule):
    """Returns the config of a schedule as text, or its identity if it has no config."""
    try:
        return repr(schedule.get_config())
    except NotImplementedError:
        return repr(schedule)
