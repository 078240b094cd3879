"""The rows of tables: one measurement, side by side for all subjects, as text."""

import dataclasses
import math
from collections.abc import Mapping

from keras_ae.evaluate.metric import METRICS, Measurement
from keras_ae.evaluate.report.results import Evaluation, in_order


@dataclasses.dataclass(frozen=True)
class Row:
    """One measurement of all subjects.

    Args:
        metric: name of the metric.
        name: name of the measurement.
        cells: {subject: `Measurement`}, without those that do not have it.
        best: names of the subjects with the best value; empty if there is no better, or if all values read the same.
    """

    metric: str
    name: str
    cells: dict[str, Measurement]
    best: frozenset[str]

    @property
    def label(self) -> str:
        """Metric and measurement as words, such as "k-means: codes accuracy"."""
        name = self.name.removeprefix(f"{self.metric}.")
        return title(self.metric) if name == self.metric else f"{title(self.metric)}: {words(name)}"

    @property
    def unit(self) -> str:
        return next(iter(self.cells.values())).unit

    @property
    def better(self) -> str:
        return next(iter(self.cells.values())).better


def rows(subjects: Mapping[str, Evaluation]) -> dict[str, list[Row]]:
    """Returns {family: rows} of all measurements, in the order of the registry."""
    found = {}
    for family, metrics in in_order(subjects.values()).items():
        of_family = [row for metric in metrics for row in rows_of(metric, subjects)]
        if of_family:
            found[family] = of_family
    return found


def rows_of(metric: str, subjects: Mapping[str, Evaluation]) -> list[Row]:
    """Returns the rows of one metric."""
    measured = {
        name: {each.name: each for each in one.outcomes[metric].measurements}
        for name, one in subjects.items()
        if metric in one.outcomes
    }
    names = dict.fromkeys(each for one in measured.values() for each in one)
    cells = {each: {subject: one[each] for subject, one in measured.items() if each in one} for each in names}
    return [Row(metric, each, row, _best(row)) for each, row in cells.items()]


def _best(cells):
    values = {name: each.value for name, each in cells.items() if math.isfinite(each.value)}
    better = next(iter(cells.values())).better
    if not better or len({number(cells[name]) for name in values}) < 2:
        return frozenset()
    best = (max if better == "higher" else min)(values.values())
    return frozenset(name for name, value in values.items() if value == best)


def number(measurement: Measurement) -> str:
    """Returns the value as text, with the digits that its interval supports."""
    return _rounded(measurement.value, _decimals(measurement))


def interval(measurement: Measurement) -> str:
    """Returns the interval as text, such as "-103.2 to -101.4", or the choices of several runs that differ."""
    choices = measurement.details.get("choices", ())
    if len(set(choices)) > 1:
        return f"choices {', '.join(map(str, choices))}"
    if measurement.interval is None:
        return ""
    low, high = (_rounded(end, _decimals(measurement)) for end in measurement.interval)
    return f"{low} to {high}"


def plus_minus(measurement: Measurement) -> str:
    """Returns the value and its interval as text: "0.93 ± 0.02", or "0.99 (0.95 to 1.00)" if it is not symmetric.

    A choice stands before the choices of all runs, if they differ: "9 (choices 9, 9, 12)".
    """
    text, of = number(measurement), interval(measurement)
    if not of or not math.isfinite(measurement.value):
        return text
    if measurement.interval is None:
        return f"{text} ({of})"
    low, high = (abs(end - measurement.value) for end in measurement.interval)
    if abs(low - high) > 0.05 * max(low, high):
        return f"{text} ({of})"
    return f"{text} ± {_rounded(high, _decimals(measurement))}"


def _decimals(measurement):
    """Two digits of the half interval; without one, four digits of the value."""
    size, digits = abs(measurement.value), 4
    half = 0.0 if measurement.interval is None else (measurement.interval[1] - measurement.interval[0]) / 2
    if half > 1e-6 * size:  # smaller ones come from rounding
        size, digits = half, 2
    elif measurement.value % 1 == 0:
        return 0
    if not size > 0 or not math.isfinite(size):
        return 3
    return min(max(digits - 1 - math.floor(math.log10(size)), 0), 6)


def _rounded(value, decimals):
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else f"{value}"
    text = f"{value:,.{decimals}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text.replace("-", "\u2212")


_WORDS = {
    "2d": "2-D", "aic": "AIC", "ari": "ARI", "auc": "AUC", "auroc": "AUROC", "bic": "BIC", "cas": "CAS", "dci": "DCI",
    "elbo": "ELBO", "fid": "FID", "frechet": "Frechet", "gaussian": "Gaussian", "hdbscan": "HDBSCAN", "irs": "IRS",
    "kid": "KID", "kl": "KL", "kmeans": "k-means", "knn": "k-NN", "mig": "MIG", "mmd": "MMD", "nmi": "NMI",
    "pca": "PCA", "sap": "SAP", "tsne": "t-SNE", "udr": "UDR", "umap": "UMAP", "vae": "VAE",
    "wasserstein": "Wasserstein",
}  # fmt: skip
_COMPOUNDS = {
    "log_likelihood": "log-likelihood", "k_means": "k-means", "k_nn": "k-NN", "v_measure": "V-measure",
    "two_sample": "two-sample", "beta_vae": "beta-VAE", "factor_vae": "FactorVAE",
    "precision_recall": "precision and recall",
}  # fmt: skip


def words(name: str) -> str:
    """Returns a name as words: "kl_by_dimension" becomes "KL by dimension", "slant.floor" becomes "slant, floor"."""
    found = name
    for compound, written in _COMPOUNDS.items():
        found = found.replace(compound, written)
    return ", ".join(" ".join(_WORDS.get(word, word) for word in part.split("_")) for part in found.split("."))


def title(name: str) -> str:
    """Returns a name as words, with a capital letter: "log_likelihood" becomes "Log-likelihood"."""
    found = words(name)
    return found if found.startswith("k-") else found[:1].upper() + found[1:]


def summary(metric: str) -> str:
    """Returns the first line of a metric's docstring; empty for one that is not registered any more."""
    return METRICS[metric].summary if metric in METRICS else ""
