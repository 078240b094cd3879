"""The page of outliers in a headless browser."""

import numpy as np
import pytest
from report_page import check

import keras_ae as kae
from keras_ae.outliers import OutlierDetector, report

pytestmark = pytest.mark.slow
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("likelihood", "x"),
    [
        ("bernoulli", RNG.random([40, 8, 8, 1])),
        ("normal", RNG.normal(size=[40, 6])),
        ("normal", RNG.normal(size=[40, 30, 2])),
    ],
    ids=["images", "table", "sequences"],
)
def test_the_page_fits_and_asks_for_nothing(browser, tmp_path, likelihood, x):
    model = kae.models.VAE(latent_dim=2, likelihood=likelihood)
    model.build((None, *x.shape[1:]))
    detector = OutlierDetector(model, random_state=0).fit(x)
    columns = [f"a_very_long_name_of_a_column_{number}" for number in range(x.shape[-1])]
    files = lambda rows: [f"folder_with_a_long_name/picture-of-a-part-{row:09d}.png" for row in rows]  # noqa: E731
    report(detector, x, x, out=tmp_path, false_alarms=0.1, columns=columns, row_names=files, data={"name": "x" * 99})
    check(browser, tmp_path / "outliers.html")
