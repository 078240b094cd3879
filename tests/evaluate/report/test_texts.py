"""Numbers as text, the table of a terminal, and the page."""

import html.parser
import io
import re

import numpy as np
import pytest
from rich.console import Console

from keras_ae.evaluate import Evaluation, Measurement, report
from keras_ae.evaluate.report.details import RULES, pictures
from keras_ae.evaluate.report.figures import FIGURES, svg
from keras_ae.evaluate.report.page import page
from keras_ae.evaluate.report.results import Outcome
from keras_ae.evaluate.report.rows import Row, interval, number, plus_minus, rows, title
from keras_ae.evaluate.report.table import markdown, reasons, table


@pytest.mark.parametrize(
    ("measurement", "value", "ends", "both"),
    [
        (
            Measurement("m", -102.3456, 0.4, (-103.13, -101.56)),
            "\u2212102.35",
            "\u2212103.13 to \u2212101.56",
            "\u2212102.35 ± 0.79",
        ),
        (Measurement("m", 0.99, 0.01, (0.95, 0.998)), "0.990", "0.950 to 0.998", "0.990 (0.950 to 0.998)"),
        (Measurement("m", 12345.6, 90.0, (12_100.0, 12_591.2)), "12,346", "12,100 to 12,591", "12,346 ± 246"),
        (Measurement("m", 0.61234), "0.6123", "", "0.6123"),
        (Measurement("m", 6.0), "6", "", "6"),
        (Measurement("m", float("nan")), "not a number", "", "not a number"),
        (Measurement("m", 0.5, 0.0, (0.5, 0.5)), "0.5000", "0.5000 to 0.5000", "0.5000 ± 0.0000"),
        (
            Measurement("m", 12.0, details={"choices": [9, 12, 15]}),
            "12",
            "choices 9, 12, 15",
            "12 (choices 9, 12, 15)",
        ),
        (Measurement("m", 9.0, details={"choices": [9, 9, 9]}), "9", "", "9"),
        (Measurement("m", -1e-9, 0.01, (-0.02, 0.02)), "0.000", "\u22120.020 to 0.020", "0.000 ± 0.020"),
    ],
)
def test_numbers_have_the_digits_that_their_interval_supports(measurement, value, ends, both):
    assert (number(measurement), interval(measurement), plus_minus(measurement)) == (value, ends, both)


def test_names_become_words():
    names = {"log_likelihood": "Log-likelihood", "kl_by_dimension": "KL by dimension", "kmeans": "k-means"}
    names |= {"codes_2d": "Codes 2-D", "slant.floor": "Slant, floor", "two_sample_auroc": "Two-sample AUROC"}
    assert {name: title(name) for name in names} == names


def evaluations(**values):
    """Evaluations of one measurement that is better when it is lower."""
    return {
        name: Evaluation(
            name, outcomes={"m": Outcome("m", "maps", measurements=(Measurement("m", v, better="lower"),))}
        )
        for name, v in values.items()
    }


def test_the_best_value_is_marked_by_what_is_better():
    (row,) = rows(evaluations(a=2.0, b=1.0, c=float("nan")))["maps"]
    assert row.best == {"b"}
    for one_value in ({"a": 2.0}, {"a": 2.0, "b": 2.0}, {"a": 2.5, "b": 2.5 + 1e-12}, {"a": 2.0, "b": float("nan")}):
        (row,) = rows(evaluations(**one_value))["maps"]
        assert not row.best
    assert "| M ↓ | 2 | **1** |" in markdown(evaluations(a=2.0, b=1.0))


def test_a_row_is_named_in_words():
    of_model = {"a": Measurement("m", 1.0)}
    names = {("kmeans", "codes_nmi"): "k-means: codes NMI", ("elbo", "elbo"): "ELBO"}
    names[("kernel_distance", "kernel_distance.floor")] = "Kernel distance: floor"
    assert {name: Row(*name, of_model, frozenset()).label for name in names} == names


def test_equal_reasons_are_one_line():
    found = {
        "a": {"dci": "dci needs factors.", "sap": "sap needs factors.", "fid": "Too few."},
        "b": {"dci": "dci needs factors.", "fid": "Too few.", "kid": "Too few."},
    }
    assert reasons(found) == [
        (["dci"], ["a", "b"], "needs factors."),
        (["sap"], ["a"], "needs factors."),
        (["fid"], ["a", "b"], "Too few."),
        (["kid"], ["b"], "Too few."),
    ]
    del found["b"]
    assert reasons(found) == [(["dci", "sap"], ["a"], "needs factors."), (["fid"], ["a"], "Too few.")]


def test_the_table_of_a_terminal_has_families_intervals_and_reasons(cheap, data, representations):
    flat, half = representations
    found = report(flat, *data, against=[half], verbose=False)
    console = Console(file=io.StringIO(), width=120)
    console.print(table(found))
    text = console.file.getvalue()
    for expected in ("Clustering", "Two numbers: accuracy", "fraction ↑", "0.75 (0.60 to 0.86)", "Refused: needs pict"):
        assert expected in text, text


class Tags(html.parser.HTMLParser):
    """The tags and ids of a page; void elements aside, every tag that is opened must be closed."""

    def __init__(self, text):
        super().__init__()
        self.seen, self.open, self.ids = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def compared(cheap, data, representations):
    cheap.failing.add("of_models")
    flat, half = representations
    return report(flat, *data, against={"half <b>": half}, verbose=False, data="noise & more")


def test_the_page_is_whole_and_needs_nothing_else(compared):
    tags = Tags(page(compared))
    assert not tags.open and len(set(tags.ids)) == len(tags.ids)
    names = [tag for tag, _ in tags.seen]
    assert "script" not in names and "img" not in names and names.count("h1") == 1
    addresses = [
        value for _, attrs in tags.seen for key, value in attrs.items() if key in ("href", "src", "xlink:href")
    ]
    assert addresses and all(value.startswith(("#", "data:")) for value in addresses)
    inner = [value[1:] for value in addresses if value.startswith("#")]
    assert set(inner) <= set(tags.ids)
    assert {attrs.get("scope") for tag, attrs in tags.seen if tag == "th"} <= {"row", "col", "rowgroup"}
    assert all(attrs.get("aria-label") for tag, attrs in tags.seen if tag == "figure")


def test_the_page_says_what_was_found(compared):
    text = page(compared)
    for expected in (
        "half &lt;b&gt;",
        "noise &amp; more",
        "by &lt;count&gt;",
        '<strong class="best">0.75</strong>',
        "0.60 to 0.86",
        "Needs pictures.",
        compared.data["hash"],
        "↑ higher is better",
    ):
        assert expected in text, expected
    assert "<b>" not in re.sub(r"<b>[A-Z]\w*</b>", "", text.split("<main")[1])


def test_pictures_are_folded_where_models_are_compared(compared, cheap, data, representations):
    assert "<summary>2 pictures</summary>" in page(compared)
    assert "picture</summary>" not in page(report(representations[0], *data, verbose=False))


def test_a_failed_metric_is_at_the_top(cheap, data, representations):
    cheap.failing.add("mean_code")
    text = page(report(representations[0], *data, verbose=False))
    assert text.index("RuntimeError: the matrix is singular") < text.index("<main")


DETAILS = {
    "band": {"y": [1, 2], "low": [0, 0], "high": [3, 3], "expected": [1, 1], "surprise": [0.0, 1.0]},
    "bars": {"values": {"z1": 1.0, "z2": None}},
    "curve": {"x": [1, 10, 1000], "y": {"a": [1, 2, None], "b": [3, 2, 1]}, "x_label": "K"},
    "histogram": {
        "edges": [0, 1, 2],
        "counts": {"real": [3, 4], "generated": [1, 9]},
        "lines": {"threshold": 1},
        "log": True,
    },
    "images": {"rows": {"real": np.zeros([3, 4, 4, 1]).tolist(), "near": np.ones([3, 4, 4, 1]).tolist()}},
    "matrix": {"values": [[0.1, -0.2], [0.3, None]], "rows": ["a", "b"], "columns": ["x", "y"]},
    "points": {"x": [[0, 1], [1, 0], [1, 1]], "labels": [0, 1, 1]},
}


@pytest.mark.parametrize("kind", FIGURES)
def test_every_kind_of_detail_becomes_an_svg_in_the_color_of_the_text(kind):
    text, described = svg(kind, DETAILS[kind], "p")
    tags = Tags(text)
    assert tags.seen[0][0] == "svg" and not tags.open and described
    assert all(each.startswith("p-") for each in tags.ids) and len(set(tags.ids)) == len(tags.ids)
    assert "currentColor" in text or kind == "images"
    assert "http" not in text.replace("http://www.w3.org", "")


GIVEN = {
    "num_samples": [1, 10], "bound": [-2.0, -1.0], "rate": [1, 2], "distortion": [2, 1], "dimension": [1, 0],
    "kl": [2.0, 0.1], "candidates": [2, 3], "values": [[1.0, 2.0]], "noise": {"dims": [1, 2], "contrast": [9.0, 3.0]},
    "confusion": [[1, 0], [0, 2]], "per_class": {"a": 1.0}, "per_column": [0.5, 0.1], "p_values": [0.5],
    "factors": ["a"], "information": [[0.1], [0.2]], "predictability": [[0.1]],
    "importance": [[0.1]], "accuracy": [0.9],
}  # fmt: skip


@pytest.mark.parametrize("names", [names for names, _ in RULES], ids="-".join)
def test_details_of_the_families_have_a_picture(names):
    ((kind, detail),) = pictures({name: GIVEN[name] for name in names})
    assert svg(kind, detail, "p")[0].startswith("<svg")
    assert not list(pictures({names[0]: 3}))


def test_a_picture_that_cannot_be_drawn_does_not_lose_the_page(cheap, data, representations):
    found = report(representations[0], *data, verbose=False)
    found["mean_code"].details["points"]["x"] = [[1.0, 2.0, 3.0]]
    assert "This picture could not be drawn: " in page(found)
