"""Arguments of parts and models after construction: hyperparameters may be assigned, all others are fixed.

A part keeps its hyperparameters as plain Python numbers, which are what its config holds. Within a compiled training
or test step they are read from one variable, so that a number that was assigned takes effect at the next call of the
step without a new compilation.
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
    """An argument that may be assigned at any time, and takes effect at the next batch. Declared in the class:

        beta = Hyperparameter(check_value)

    Args:
        check: function of (name, value) to the value that is kept; it raises a `ValueError` for a wrong one.
        live: whether a number is read from a variable in compiled steps. Otherwise, as for a schedule in place of a
            number, the step is traced again, once.
        zero_is_off: whether 0 leaves something out of the step, so that it is traced again on the way from or to 0.

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
        """Whether compiled steps read this value from a variable."""
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
    """Notes when the constructor of an object has ended."""

    @property
    def __signature__(cls):  # else tools would show `__call__`'s, which is empty
        signature = inspect.signature(cls.__init__)
        return signature.replace(parameters=[*signature.parameters.values()][1:])

    def __call__(cls, *args, **kwargs):
        made = super().__call__(*args, **kwargs)
        vars(made)["_constructed"] = True
        return made


class ArgumentGuard(metaclass=_Constructed):
    """Base of parts and models: an argument of the constructor that is no `Hyperparameter` cannot be assigned later.

    Numbers, words and truth values that only a class outside of keras_ae takes may be assigned: steps are traced again.
    """

    def check_together(self) -> None:
        """Raises a `ValueError` where arguments that are right one by one do not go together.

        It is called after an assignment; a constructor that needs it calls it at its end.
        """

    def __setattr__(self, name, value):
        if vars(self).get("_constructed") and name in arguments_of(type(self)) and not _assignable(type(self), name):
            raise ValueError(self._refusal(name, value))
        super().__setattr__(name, value)

    def assignable(self) -> list[str]:
        """The names of the attributes that may be assigned."""
        cls = type(self)
        names = arguments_of(cls) | {name for name in hyperparameters_of(cls) if not name.startswith("_")}
        return sorted(name for name in names if _assignable(cls, name))

    def _refusal(self, name, value):
        kind = type(self).__name__
        article = "an" if kind[0] in "AEIO" else "a"
        maker = "keras_ae.Autoencoder" if name in getattr(self, "fixed", ()) else kind
        free = self.assignable()
        may = f" What may be assigned: {', '.join(free)}." if free else ""
        received = repr(value)
        received = received if len(received) < 80 else type(value).__name__
        return (
            f"`{name}` is fixed when {article} {kind} is made: make another, {maker}({name}=...).{may} "
            f"Received: {name}={received}"
        )


@functools.cache
def arguments_of(cls: type) -> frozenset[str]:
    """The names of the arguments that the constructors of a class and its bases in keras_ae take."""
    bases = [base for base in cls.__mro__ if base.__module__.startswith("keras_ae.")]
    return frozenset().union(*map(_own_arguments, bases))


@functools.cache
def _others_arguments_of(cls):
    """The names of those that are taken by bases outside of keras_ae, and Keras, alone."""
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
    return names - {"name", "dtype", "trainable"}  # which are Keras' own


def hyperparameters_of(cls: type) -> dict[str, Hyperparameter]:
    """The hyperparameters that a class declares: {name: descriptor}."""
    names = sorted({name for base in cls.__mro__ for name, v in vars(base).items() if isinstance(v, Hyperparameter)})
    return {name: getattr(cls, name) for name in names}


def _assignable(cls, name):
    attribute = inspect.getattr_static(cls, name, None)
    return isinstance(attribute, Hyperparameter) or getattr(attribute, "fset", None) is not None


class CurrentValues:
    """What the hyperparameters of a model are now, for its compiled steps.

    Args:
        model: the model.
    """

    def __init__(self, model: keras.Model):
        self.model = model
        self.version = 0  # changes where a step must be traced again
        self.numbers, self.structure = {}, None
        self.variable = None
        self.calling = False

    def following(self, make: Callable[[], Callable]) -> Callable:
        """A function like the one that `make` gives, made again where something was assigned that is no number."""
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
        """Takes up what was assigned since the last call.

        Raises:
            ValueError: where a schedule was changed to one that its part does not take, or parts do not go together.
        """
        found, structure, schedules = {}, [], []
        for part, names in self._parts:
            _read(part, names, found, structure, schedules)
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
            self.variable = self._new_variable(found) if found else None
        else:
            self.variable.assign([*found.values()])
        self.numbers, self.structure = found, structure

    @contextlib.contextmanager
    def in_step(self) -> Iterator[None]:
        """Within it, in the graph of a step, hyperparameters are tensors."""
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
        """Pairs of a part and its hyperparameters: parts are fixed once a model is made."""
        parts = [part for part in layers_in(self.model) if isinstance(part, ArgumentGuard)]
        return [(part, hyperparameters_of(type(part))) for part in parts]

    def _new_variable(self, found):
        with self.model.distribute_strategy.scope():
            return tf.Variable(
                [*found.values()],
                dtype=tf.float32,
                trainable=False,
                aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            )


def _read(part, names, found, structure, schedules):
    """Adds the numbers of a part to `found`, and all else that a step depends on to `structure`."""
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
    """The config of a schedule as text; of one without a config its identity says it all."""
    try:
        return repr(schedule.get_config())
    except NotImplementedError:
        return repr(schedule)
