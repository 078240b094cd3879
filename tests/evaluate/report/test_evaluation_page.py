"""docs/evaluation.md is up to date, and what it tells the reader to type works."""

import pathlib
import re
import runpy

import numpy as np

from keras_ae.evaluate import METRICS, Subject

DOCS = pathlib.Path(__file__).parents[3] / "docs"


def test_the_tables_of_metrics_are_up_to_date():
    written = runpy.run_path(str(DOCS / "write_metrics.py"))["page"]()
    assert written == (DOCS / "evaluation.md").read_text(encoding="utf-8"), "run: python docs/write_metrics.py"
    assert all(f"| `{name}` |" in written for name in METRICS)


def test_the_metric_of_the_page_is_one(cheap, data):
    example = re.findall(r"```python\n(.*?)```", (DOCS / "evaluation.md").read_text(encoding="utf-8"), re.DOTALL)[1]
    exec(example, {})
    x, labels = data
    (found,) = METRICS["class_distance"].measure(Subject(lambda x: x.reshape(len(x), -1), x, labels))
    flat = x.reshape(len(x), -1)
    means = np.stack([flat[labels == label].mean(0) for label in range(3)])
    np.testing.assert_allclose(found.value, np.sum((flat - means[labels]) ** 2, axis=1).mean(), rtol=1e-5)
