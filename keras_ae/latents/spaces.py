"""Code spaces, families of distributions and closed forms, as values that can be compared.

A posterior and a prior are compatible if their spaces are equal. Equal families mean that the KL divergence between
their members has a closed form.
"""

import dataclasses
import enum


@dataclasses.dataclass(frozen=True)
class Space:
    """Base class of code spaces. `str` describes the space in an error message."""

    def accepts(self, other: "Space") -> bool:
        """Whether distributions over the two spaces are compatible."""
        return AnySpace() in (self, other) or self == other


@dataclasses.dataclass(frozen=True)
class AnySpace(Space):
    """Any space: for a posterior without a density, or a prior that takes the space of its posterior."""

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
    """Concatenated one-hot vectors.

    Args:
        num_classes: length of each vector.
    """

    num_classes: int

    def __str__(self):
        return f"one-hot vectors of {self.num_classes} classes"


@dataclasses.dataclass(frozen=True)
class Entries(Space):
    """Concatenated codebook entries."""

    def __str__(self):
        return "codes of a codebook"


@dataclasses.dataclass(frozen=True)
class Product(Space):
    """Concatenated codes of several kinds.

    Args:
        parts: pairs of a size and a space.
    """

    parts: tuple[tuple[int, Space], ...]

    def __str__(self):
        return ", then ".join(f"{size} values of {space}" for size, space in self.parts)


class Family(enum.Enum):
    """A family of distributions with a closed-form KL divergence between any two of them."""

    NORMAL = "normal"
    ONE_HOT = "one-hot"
    SPHERICAL = "spherical"


class Formula(enum.Enum):
    """Closed forms of a distribution over codes. The value completes "needs a posterior ..."."""

    MEAN = "with a closed-form mean"
    STDDEV = "with a closed-form standard deviation"
    COVARIANCE = "with a closed-form covariance"
    MARGINALS = "with a closed-form density for each dimension, such as a normal one"
    FACTORIZED = "that factorizes over the latent dimensions"
    LOG_PROB = "whose codes have a density in training, unlike relaxed codes"
    KL = "with a finite KL divergence from the prior, unlike a point mass"
