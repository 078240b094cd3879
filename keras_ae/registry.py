"""What is found by name: parts, as in `prior="standard_normal"`, and functions of modules that cannot be imported."""

import difflib
import inspect
from collections.abc import Callable, Iterable
from typing import Any


def resolve(
    argument: str, value: Any, table: dict[str, Callable], base: type | tuple[type, ...], *, optional: bool = False
) -> Any:
    """Returns the part for an argument, given as a name or an instance.

    Args:
        argument: the name of the argument, for the error message.
        value: an instance of `base`, a short name, or `None` if the part is optional.
        table: dictionary of short names to classes.
        base: the class or classes of an instance.
        optional: whether `None` is allowed.

    Returns:
        `None` for `None`; an instance of `base` otherwise.

    Raises:
        ValueError: for an unknown name.
        TypeError: for any other object, and for `None` unless it is optional.
    """
    if (value is None and optional) or isinstance(value, base):
        return value
    if isinstance(value, str):
        if value in table:
            return _make(argument, value, table[value])
        hint = did_you_mean(value, table)
        raise ValueError(f"`{argument}` must be one of {sorted(table)} or an instance. Received: {value!r}.{hint}")
    kinds = " or ".join(kind.__name__ for kind in (base if isinstance(base, tuple) else (base,)))
    if isinstance(value, type):
        raise TypeError(f"`{argument}` must be an instance of {kinds}, not a class: write {value.__name__}(...).")
    raise TypeError(f"`{argument}` must be a name or an instance of {kinds}. Received: {type(value).__name__}")


def _make(argument, name, cls):
    empty = inspect.Parameter.empty
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = inspect.signature(cls).parameters.values()
    needed = [each.name for each in parameters if each.default is empty and each.kind in kinds]
    if needed:
        arguments = ", ".join(f"{each}=..." for each in needed)
        raise ValueError(f"`{argument}` {name!r} needs arguments: use {cls.__name__}({arguments}) instead.")
    return cls()


def did_you_mean(value: str, names: Iterable[str]) -> str:
    """Returns " Did you mean ...?" for a misspelled name, or "" if no known name is close."""
    close = difflib.get_close_matches(value.lower(), names, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


_PROVIDED: dict[str, Callable[[], Callable]] = {}


def provide(name: str, load: Callable[[], Callable]) -> None:
    """Registers a function for modules that cannot import it, because its module imports them.

    Args:
        name: name of the function.
        load: imports and returns it.
    """
    _PROVIDED[name] = load


def provided(name: str) -> Callable:
    """Returns the function that `provide` registered under a name."""
    return _PROVIDED[name]()
