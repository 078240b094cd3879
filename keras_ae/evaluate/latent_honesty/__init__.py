"""Latent honesty: codes that are likely under the prior, yet decode to examples that do not look like data.

likeness.py   when an example is unlike data: its distance from training examples, and a threshold
search.py     the search for such codes within the typical set of the prior
metrics.py    these as metrics of a `Subject`
"""

from keras_ae.evaluate.latent_honesty import metrics as _metrics  # registers the metrics of the family  # noqa: F401
from keras_ae.evaluate.latent_honesty.likeness import Likeness
from keras_ae.evaluate.latent_honesty.search import FoundCodes, search_codes

__all__ = ["FoundCodes", "Likeness", "search_codes"]
