"""Metrics that are about single examples show them."""

import metric_walk
import numpy as np
import pytest

from keras_ae.evaluate import METRICS
from keras_ae.evaluate.example_details import example_details
from keras_ae.evaluate.report.details import pictures
from keras_ae.evaluate.report.figures import svg

ROWS = {
    "memorization": ["generated", "nearest in training"],
    "unlike_data": ["least like data", "most like data"],
    "searched_codes": ["found", "start"],
}


@pytest.mark.parametrize("name", ROWS)
def test_examples_are_shown_as_images(name):
    subject = metric_walk.subject_for(name)
    details = METRICS[name].measure(subject, **metric_walk.OPTIONS[name])[0].details
    assert list(details["images"]["rows"]) == ROWS[name]
    shown = {label: np.array(row) for label, row in details["images"]["rows"].items()}
    assert all(row.shape[1:] == (4, 4, 1) and np.isfinite(row).all() for row in shown.values())
    if name == "memorization":
        nearest = subject.reference[details["training_rows"]]
        np.testing.assert_allclose(shown["nearest in training"], nearest, atol=5e-4)  # three decimals
    if name == "unlike_data":
        np.testing.assert_allclose(
            shown["least like data"][0], subject.generated[details["worst_samples"][0]], atol=5e-4
        )
    assert [svg(kind, detail, "p")[1] for kind, detail in pictures(details) if kind == "images"]


def test_large_images_are_fewer_and_values_are_clipped():
    x = np.linspace(-1, 2, 5 * 64 * 64 * 3).reshape(5, 64, 64, 3)
    shown = example_details({"a": x, "b": x})["images"]["rows"]
    assert np.shape(shown["a"]) == (1, 64, 64, 3) and np.min(shown["a"]) == 0 and np.max(shown["b"]) <= 1


def test_sequences_are_curves_and_tables_are_not_shown():
    x = np.arange(12.0).reshape(2, 3, 2)
    ((kind, detail),) = pictures(example_details({"generated": x, "real": x + 1}))
    assert kind == "curve" and detail["y"] == {"generated": [0.0, 2.0, 4.0], "real": [1.0, 3.0, 5.0]}
    assert example_details({"a": np.ones([3, 2])}) == example_details({"a": np.ones([3, 4, 4, 2])}) == {}
