import copy
import dataclasses
import pathlib
from typing import Any

from keras_ae.io.json_files import read_json
from keras_ae.registry import did_you_mean

_FOLDER = pathlib.Path(__file__).parent
_FIELDS = {"summary": str, "model": dict, "data": dict, "training": dict, "measure": dict, "claims": list}


@dataclasses.dataclass(frozen=True)
class Claim:
    """The target of a recipe, and the published result, for one measurement.

    Args:
        measurement: its key in a report of `keras_ae.evaluate`, such as `"log_likelihood"`.
        target: the goal of this project; `None` for a number that is only reported.
        paper: the published value, or `None`.
        source: where it was published, and the protocol where it differs.
        tolerance: how much worse than the published value still counts as reproduced.
        better: `"higher"` or `"lower"`.
        note: how to read the number, and what was tried where the target is missed.
    """

    measurement: str
    target: float | None = None
    paper: float | None = None
    source: str = ""
    tolerance: float = 0.0
    better: str = "higher"
    note: str = ""

    def verdict(self, value: float) -> str:
        """Returns whether a measured value reaches the target, and whether it reproduces the paper."""
        found = []
        if self.target is not None:
            found.append(f"target {'reached' if self._at_least(value, self.target) else 'missed'}")
        if self.paper is not None:
            least = self.paper - self.tolerance * (1 if self.better == "higher" else -1)
            found.append(f"paper {'reproduced' if self._at_least(value, least) else 'not reproduced'}")
        return ", ".join(found)

    def _at_least(self, value, limit):
        return value >= limit if self.better == "higher" else value <= limit


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A released model as data: the config of its training, its metrics, and its claims.

    Args:
        name: short name, which is the name of the preset.
        summary: one line.
        config: {"model", "data", "training"}, as `keras-ae train` writes it.
        measure: {metric: its options}, on the test split.
        claims: targets and published results.

    Example:
        >>> Recipe.open("cvae_mnist").config["model"]["name"]
        'cvae'
    """

    name: str
    summary: str
    config: dict[str, dict[str, Any]]
    measure: dict[str, dict[str, Any]]
    claims: tuple[Claim, ...]

    @classmethod
    def open(cls, name: str) -> "Recipe":
        """Reads a recipe of the package, or a JSON file of the same form.

        Args:
            name: short name, or the path of a file that ends in .json.

        Raises:
            ValueError: for an unknown name, and for a file that is not a recipe.
        """
        path = pathlib.Path(name)
        if path.suffix != ".json":
            path = _FOLDER / f"{name}.json"
            if name not in names():
                hint = did_you_mean(name, names())
                raise ValueError(f"`recipe` must be one of {', '.join(names())}. Received: {name}.{hint}")
        values = read_json(path)
        for field, kind in _FIELDS.items():
            if not isinstance(values.get(field), kind):
                raise ValueError(f"{path} must have a {kind.__name__} as `{field}`. Received: {values.get(field)!r}")
        config = {section: copy.deepcopy(values[section]) for section in ("model", "data", "training")}
        try:
            claims = tuple(Claim(**claim) for claim in values["claims"])
        except TypeError as error:
            raise ValueError(f"{path} has an invalid entry in `claims`: {error}") from error
        return cls(path.stem, values["summary"], config, values["measure"], claims)

    def with_seed(self, seed: int) -> dict[str, dict[str, Any]]:
        """Returns the config with another seed of weights, order and noise."""
        config = copy.deepcopy(self.config)
        config["training"]["seed"] = seed
        return config


def names() -> list[str]:
    """Returns the names of the recipes of the package."""
    return sorted(path.stem for path in _FOLDER.glob("*.json"))
