"""Parts and sizes of posteriors and priors over concatenated codes of several kinds."""

from collections.abc import Callable, Sequence

from keras_ae.latents.spaces import Product
from keras_ae.parts import Part
from keras_ae.validation.arguments import check_widths


class OfParts:
    """Mixin of layers over codes of several kinds. Attributes: `parts`, `sizes`, and others derived from them."""

    def _set_parts(
        self, parts: Sequence[Part], sizes: Sequence[int], base: type[Part], fits: Callable[[Part], bool], wanted: str
    ) -> None:
        """Checks and sets the parts of a code and their sizes.

        Args:
            parts: a sequence of `base`.
            sizes: a sequence of positive integers, one per part.
            base: the class of a part.
            fits: function that says whether a part is allowed.
            wanted: description of an allowed part, for the error message.

        Raises:
            ValueError: for anything else.
        """
        sizes = check_widths("sizes", sizes, each="one a part")
        listed = isinstance(parts, (list, tuple))
        if not listed or len(parts) != len(sizes) or not all(isinstance(part, base) and fits(part) for part in parts):
            names = [type(part).__name__ for part in parts] if listed else parts
            raise ValueError(
                f"`parts` must be {wanted}, one for each of `sizes`. Received: parts={names}, sizes={sizes}"
            )
        if len({id(part) for part in parts}) < len(parts):
            names = [type(part).__name__ for part in parts]
            raise ValueError(f"`parts` must be different instances. Received: the same instance twice, parts={names}")
        self.parts, self.sizes = list(parts), sizes
        families = [part.family for part in parts]
        self.space = Product(tuple(zip(sizes, (part.space for part in parts), strict=True)))
        self.family = None if None in families else Product(tuple(zip(sizes, families, strict=True)))
        self.formulas = frozenset.intersection(*(part.formulas for part in parts))

    def check_latent_dim(self, latent_dim: int) -> None:
        """Raises a `ValueError` if the sizes do not add up to the code's dimension, or a part cannot have its size."""
        sizes = self.sizes
        if latent_dim != sum(sizes):
            raise ValueError(
                f"`latent_dim` must be {sum(sizes)}, the sum of {sizes}. Received: latent_dim={latent_dim}"
            )
        for number, (part, size) in enumerate(zip(self.parts, sizes, strict=True)):
            try:
                part.check_latent_dim(size)
            except ValueError as error:
                of = f"`parts[{number}]` {type(part).__name__} has the `latent_dim` sizes[{number}]={size}"
                raise ValueError(f"{of}: {error}") from None
