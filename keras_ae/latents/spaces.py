"""What codes are, and which formulas a distribution over them has, as values that can be compared.

A posterior and a prior go together where their spaces are equal. Two families are equal where the KL divergence between
their members has a closed form.
"""

import dataclasses
import enum


@dataclasses.dataclass(frozen=True)
class Space:
    """Base of the spaces. `str` gives the words for an error message."""

    def accepts(self, other: "Space") -> bool:
        """Whether a distribution over this space may stand beside one over another."""
        return AnySpace() in (self, other) or self == other


@dataclasses.dataclass(frozen=True)
class AnySpace(Space):
    """No restriction: of a posterior without a density, or of a prior that takes the space of its posterior."""

    def __str__(self):
        return "any codes"


@dataclasses.dataclass(frozen=True)
class Real(Space):
    """Vectors of real numbers."""

    def __str__(self):
        return "real vectors"


@dataclasses.dataclass(frozen=True)
class UnitInterval(Space):
    """Vectors of numbers in (0, 1)."""

    def __str__(self):
        return "numbers in (0, 1)"


@dataclasses.dataclass(frozen=True)
class Sphere(Space):
    """Points on the unit sphere."""

    def __str__(self):
        return "the unit sphere"


@dataclasses.dataclass(frozen=True)
class OneHot(Space):
    """One-hot vectors, one after the other.

    Args:
        num_classes: the length of each.
    """

    num_classes: int

    def __str__(self):
        return f"one-hot vectors of {self.num_classes} classes"


@dataclasses.dataclass(frozen=True)
class Entries(Space):
    """Entries of a codebook, one after the other."""

    def __str__(self):
        return "codes of a codebook"


@dataclasses.dataclass(frozen=True)
class Product(Space):
    """Codes of several kinds, one after the other.

    Args:
        parts: pairs of a size and a space.
    """

    parts: tuple[tuple[int, Space], ...]

    def __str__(self):
        return ", then ".join(f"{size} values of {space}" for size, space in self.parts)


class Family(enum.Enum):
    """Distributions between which the KL divergence has a closed form."""

    NORMAL = "normal"
    ONE_HOT = "one-hot"
    SPHERICAL = "spherical"


class Formula(enum.Enum):
    """What a distribution over codes has a formula for. The value completes "needs a posterior ..."."""

    MEAN = "whose mean has a formula"
    STDDEV = "whose standard deviation has a formula"
    COVARIANCE = "whose covariance has a formula"
    MARGINALS = "whose values have a density each with a formula, such as a normal one"
    FACTORIZED = "that is a product over the dimensions of the code"
    LOG_PROB = "whose codes have a density in training, which relaxed ones have not"
    KL = "whose divergence from a prior is finite, which that of a point is not"
