"""The data, the files and the libraries of the page, without a browser."""

import base64
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import parts
import pytest
from ai_edge_litert.interpreter import Interpreter
from scipy.special import logsumexp
from scipy.stats import norm
from subjects import X, in_short_run, make, prepare

import keras_ae as kae
from keras_ae.explore.page import libraries, write
from keras_ae.explore.page.data import even_rows, page_data, plane, quantized
from keras_ae.explore.page.prior_density import prior_density
from keras_ae.explore.page.write import copy_page
from keras_ae.networks import MLP


def built(cls=kae.models.VAE, event=(4, 4, 1), **options):
    model = cls(MLP([8]), MLP([8]), **{"latent_dim": 2, **options})
    model.build((None, *event))
    return model


def stored_codes(data):
    facts = data.facts["codes"]
    stored = data.files["codes.u16"].astype(np.float64)
    return np.float64(facts["low"]) + np.float64(facts["step"]) * stored


def field(data, name):
    facts = next(each for each in data.facts["fields"] if each["name"] == name)
    return facts, data.files[facts["file"]]


def numbers(data, name):
    facts, stored = field(data, name)
    (low, high), stored = facts["range"], stored.astype(np.float64)
    return np.where(stored == 65535, np.nan, low + (high - low) * stored / 65534)


def test_codes_of_16_bits_are_near():
    codes = np.random.default_rng(0).normal(size=[1000, 3]).astype(np.float32)
    codes[:, 2] = 5.0  # constant
    stored, low, step = quantized(codes)
    np.testing.assert_allclose(low + step * stored, codes, rtol=0, atol=float(step.max()) / 2 + 1e-6)


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_points_of_the_plane_have_codes_with_these_points(dim):
    codes = np.random.default_rng(0).normal(size=[200, dim]) @ np.diag(np.arange(1.0, dim + 1)) + 3
    center, axes, names = plane(codes.astype(np.float32))
    points = (codes - center) @ axes.T
    if dim <= 2:
        np.testing.assert_allclose(points[:, :dim], codes)
    else:
        expected, _ = kae.explore.codes_2d(codes)
        np.testing.assert_allclose(points, expected, rtol=0, atol=1e-4)  # float32 codes
        again = ((center + points @ axes) - center) @ axes.T
        np.testing.assert_allclose(again, points, rtol=0, atol=1e-4)
    assert len(names) == 2


def test_the_data_are_the_codes_errors_and_labels_of_the_examples():
    model, rng = built(latent_dim=3), np.random.default_rng(0)
    x, labels = rng.random([39, 4, 4, 1]).astype(np.float32), np.arange(39) % 3 - 1
    sizes = np.where(np.arange(39) == 7, np.nan, rng.random(39))
    data = page_data(model, x, {"kind": labels, "size": sizes}, None)
    codes = model.encode(x).numpy()
    np.testing.assert_allclose(stored_codes(data), codes, rtol=0, atol=1e-4)  # 16 bits
    errors = np.mean(np.square(model.reconstruct(x).numpy() - x), axis=(1, 2, 3))
    np.testing.assert_allclose(numbers(data, "reconstruction error"), errors, rtol=1e-4)
    facts, values = field(data, "kind")
    assert facts["classes"] == ["0", "1"] and values[:3].tolist() == [255, 0, 1]  # -1 is unknown
    np.testing.assert_allclose(numbers(data, "size"), sizes, rtol=0, atol=1e-4)  # 16 bits; one is unknown
    assert field(data, "cluster")[0]["classes"] == ["1", "2", "3"]
    kls = kae.objectives.kl_by_dimension(model.posterior(x), model.prior()).numpy()
    np.testing.assert_allclose(numbers(data, "KL"), kls.sum(axis=1), rtol=1e-4)
    dimensions = data.facts["dimensions"]
    assert [each["index"] for each in dimensions] == np.argsort(-kls.mean(axis=0)).tolist()
    assert all(each["low"] <= -3 and each["high"] >= 3 for each in dimensions)


@pytest.mark.slow
def test_p_values_are_those_of_a_detector():
    model, x = built(), np.random.default_rng(0).random([60, 4, 4, 1]).astype(np.float32)
    data = page_data(model, x, {}, None, seed=3)
    expected = kae.outliers.OutlierDetector(model, random_state=3).fit(x).p_values(x)
    np.testing.assert_allclose(numbers(data, "outlier p-value"), expected, rtol=0, atol=1e-4)  # 16 bits
    assert field(data, "outlier p-value")[0]["scale"] == "p-value"


def test_contours_are_on_the_plane_of_the_map():
    model, x = built(latent_dim=3), np.random.default_rng(0).random([39, 4, 4, 1]).astype(np.float32)
    data = page_data(model, x, {}, None)
    points, _ = kae.explore.codes_2d(stored_codes(data))
    assert [each["share"] for each in data.facts["contours"]] == [0.9, 0.5, 0.1]
    for each in data.facts["contours"]:
        line = np.concatenate(each["lines"])
        assert (abs(line - points.mean(axis=0)) < 3 * points.std(axis=0)).all()
    assert page_data(built(latent_dim=1), x, {}, None).facts["contours"] == []


def test_the_support_of_the_map_is_that_of_code_support():
    model = built(latent_dim=4)
    data = page_data(model, np.random.default_rng(0).random([39, 4, 4, 1]).astype(np.float32), {}, None)
    facts, codes = data.facts["plane"], stored_codes(data).astype(np.float32)
    low_x, high_x, low_y, high_y = facts["grid"]
    cells = data.facts["support"]["cells"]
    row, column = 40, 50
    point = [low_x + (high_x - low_x) * (column + 0.5) / cells, low_y + (high_y - low_y) * (row + 0.5) / cells]
    z = np.float32(facts["center"]) + np.float32(point) @ np.float32(facts["axes"])
    _, support = kae.explore.code_support(z[np.newaxis], codes)
    found = data.files["support.f32"].reshape(cells, cells)[row, column]
    np.testing.assert_allclose(found, support[0], atol=1 / 39)  # a rounded distance may change places with another


def test_many_examples_are_thinned_out_at_equal_steps():
    model = built()
    x = np.random.default_rng(0).random([40, 4, 4, 1]).astype(np.float32)
    data = page_data(model, x, {"row": np.arange(40)}, None, max_points=10)
    assert data.facts["num"] == 10 and data.facts["total"] == 40
    assert field(data, "row")[0]["classes"] == [str(row) for row in range(0, 40, 4)]
    assert even_rows(7, 3).tolist() == [0, 2, 4]


def test_properties_are_fields_once():
    condition = {"digit": kae.Categorical(3), "slant": kae.Continuous()}
    model = built(kae.models.ConditionalVAE, condition=condition)
    digits, slants = np.arange(20) % 3, np.linspace(-1, 1, 20, dtype=np.float32)
    x = np.random.default_rng(0).random([20, 4, 4, 1]).astype(np.float32)
    data = page_data(model, x, {"label": np.array(["zero", "one", "two"])[digits]}, {"digit": digits, "slant": slants})
    names = [each["name"] for each in data.facts["fields"]]
    assert names == ["label", "slant", "cluster", "reconstruction error", "KL"]
    assert data.facts["properties"] == {"digit": "label", "slant": "slant"}


@pytest.mark.parametrize(("event", "kind"), [((4, 4, 1), "image"), ((5,), "bars"), ((30, 2), "curves")])
def test_other_data_have_the_scale_of_their_values(event, kind):
    model = built(kae.models.AE, event=event, likelihood="normal")
    x = np.random.default_rng(0).normal(size=[10, *event]).astype(np.float32)
    facts = page_data(model, x, {}, None, names=["a"]).facts
    assert facts["kind"] == kind and facts["names"] == ["a"]
    np.testing.assert_allclose(facts["limits"], [x.min(), x.max()])
    assert {"index", "variance", "low", "high"} == set(facts["dimensions"][0])  # without a prior, there is no KL


@pytest.mark.parametrize(("event", "low"), [((3,), 0.0), ((30, 3), None)])
def test_columns_whose_ranges_differ_have_scales_of_their_own(event, low):
    model = built(kae.models.AE, event=event, likelihood="normal")
    x = np.random.default_rng(0).normal(10.0, size=[10, *event]).astype(np.float32)
    assert page_data(model, x, {}, None).facts["scales"] == [page_data(model, x, {}, None).facts["limits"]] * 3
    x[..., 1], x[..., 2] = x[..., 1] * 1000.0, 5.0
    scales, columns = page_data(model, x, {}, None).facts["scales"], x.reshape(-1, 3)
    for column in range(2):
        ends = [columns[:, column].min() if low is None else low, columns[:, column].max()]
        np.testing.assert_allclose(scales[column], ends)
    assert scales[2] == ([0.0, 5.0] if low == 0.0 else [4.5, 5.5])


def test_a_long_row_is_one_curve_with_one_scale():
    model = built(kae.models.AE, event=(50,), likelihood="normal")
    x = np.random.default_rng(0).normal(size=[10, 50]).astype(np.float32)
    facts = page_data(model, x, {}, None).facts
    assert facts["kind"] == "curves" and facts["scales"] == [facts["limits"]]


# The density of the prior.

MIXTURES = {"conditional_normal", "normal_mixture", "vamp"}


def with_prior(name, condition=None, **options):
    """A model with a small prior of a name, whose weights are random."""
    model = kae.Autoencoder(MLP([8]), MLP([8]), condition=condition, **parts.parts_with("prior", name), **options)
    model.build((None, 4, 4, 1))
    rng = np.random.default_rng(0)
    for weight in model.prior_layer.weights:
        weight.assign(weight + rng.normal(scale=0.5, size=weight.shape))
    return model


def check_density(mixture, prior, z, seed=1):
    """Asserts that a mixture has the density of a distribution at codes, and the quantiles of its samples."""
    weights, loc, scale, log_probs = (np.array(mixture[name]) for name in ("weights", "loc", "scale", "log_probs"))
    normals = norm.logpdf(z[:, np.newaxis], loc, scale).sum(axis=-1)  # [N, K]
    found = logsumexp(np.log(weights) + normals, axis=1)
    np.testing.assert_allclose(found, prior.log_prob(z), rtol=1e-5, atol=1e-5)  # float32
    assert log_probs.shape == (1000,) and (np.diff(log_probs) >= 0).all()
    others = np.sort(prior.log_prob(prior.sample(1000, seed=seed)))
    shares = np.searchsorted(log_probs, others) / 1000
    np.testing.assert_allclose(shares, np.arange(1000) / 1000, rtol=0, atol=0.09)  # Kolmogorov-Smirnov, p = 0.0006


@pytest.mark.parametrize("name", kae.latents.PRIORS)
def test_the_density_of_the_prior_is_known_for_mixtures_of_normals(name):
    categorical = name == "conditional_normal"
    model = with_prior(name, kae.Categorical(3) if categorical else None)
    density = prior_density(model, [0] if categorical else None)
    assert (density is not None) == (name in MIXTURES)
    if density is None:
        return
    json.dumps(density, allow_nan=False)
    z = np.random.default_rng(0).normal(size=[20, parts.DIM]).astype(np.float32)
    assert density["property"] == ("condition" if categorical else None)
    assert len(density["mixtures"]) == (3 if categorical else 1)
    for number, mixture in enumerate(density["mixtures"]):
        check_density(mixture, model.prior([number])[0] if categorical else model.prior(), z)


def test_a_mixture_has_one_density_for_all_conditions():
    condition = {"digit": kae.Categorical(3), "slant": kae.Continuous()}
    model = with_prior("vamp", condition)
    density = prior_density(model, {"digit": [0], "slant": [0.5]})
    assert density["property"] is None and len(density["mixtures"]) == 1


def test_a_density_that_depends_on_numbers_or_several_properties_is_unknown():
    digit = {"digit": kae.Categorical(3)}
    assert prior_density(with_prior("conditional_normal", digit), {"digit": [0]})["property"] == "digit"
    slant = {"slant": kae.Continuous()}
    assert prior_density(with_prior("conditional_normal", slant), {"slant": [0.5]}) is None
    both = with_prior("conditional_normal", {"digit": kae.Categorical(3), **slant})
    assert prior_density(both, {"digit": [0], "slant": [0.5]}) is None
    assert prior_density(built(kae.models.AE)) is None
    posterior = with_prior("vamp", posterior="full_covariance_normal")
    assert prior_density(posterior) is None


# Files.


def test_versions_are_pinned_and_the_lock_agrees():
    package = json.loads((libraries.STATIC / "package.json").read_text())
    locked = json.loads((libraries.STATIC / "package-lock.json").read_text())["packages"]
    wanted = package["dependencies"] | package["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all(entry["integrity"].startswith("sha512-") for name, entry in locked.items() if name)
    assert all(entry["license"] in ("MIT", "ISC", "Apache-2.0") for entry in locked.values() if not entry.get("dev"))


def test_the_page_names_no_other_address(tmp_path):
    copy_page(tmp_path)
    files = sorted(tmp_path.iterdir())
    assert {path.suffix for path in files} == {".html", ".css", ".js"}
    for path in files:
        assert not re.findall(r"(?:https?:)?//[a-z]", path.read_text()), path.name


def test_the_import_map_is_what_the_policy_allows():
    text = (libraries.STATIC / "index.html").read_text()
    (content,) = re.findall(r'<script type="importmap">(.*?)</script>', text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in text


# Libraries.

NPM = """#!/bin/sh
[ "$1" = ci ] || exit 1
test -f package-lock.json || exit 2
{then}
"""


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """A function that sets what npm does."""
    monkeypatch.delenv("KERAS_AE_NODE_MODULES", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "bin").mkdir()

    def set_npm(then):
        (tmp_path / "bin" / "npm").write_text(NPM.format(then=then))
        (tmp_path / "bin" / "npm").chmod(0o755)

    return set_npm


def test_npm_brings_the_libraries_into_the_cache_once(npm, tmp_path):
    files = " ".join(f"node_modules/{name}" for name in libraries._FILES.values())
    npm(f"for f in {files}; do mkdir -p $(dirname $f); echo $f > $f; done")
    with pytest.raises(FileNotFoundError, match="run `keras-ae explore --install-page`"):
        libraries.find()
    folder = libraries.install()
    assert folder == libraries.find() and folder.is_relative_to(tmp_path / "cache" / "keras_ae")
    npm("exit 3")
    assert libraries.install() == folder  # no second call
    libraries.copy(folder, tmp_path / "copy")
    assert (tmp_path / "copy" / "litert.js").read_text() == "node_modules/@litertjs/core/dist/index.js\n"
    licenses = (tmp_path / "copy" / "LICENSES.txt").read_text()
    assert "@litertjs/core 2.5.3: Apache-2.0" in licenses and "TERMS AND CONDITIONS" in licenses


@pytest.mark.slow
def test_a_wheel_has_the_libraries_that_are_at_hand(tmp_path):
    for name in libraries._FILES.values():
        (tmp_path / "modules" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "modules" / name).write_text(name)
    source = pathlib.Path(kae.__file__).parents[1]

    def build(name, modules):
        command = [sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(tmp_path / name)]
        given = {**os.environ, "KERAS_AE_NODE_MODULES": str(modules)}
        done = subprocess.run(command, cwd=source, env=given, capture_output=True, text=True, check=True)
        return tmp_path / name / "keras_ae" / "explore" / "page", done.stderr

    page, said = build("with", tmp_path / "modules")
    names = sorted(path.name for path in (page / "bundle").iterdir())
    assert names == sorted([*libraries._FILES, "LICENSES.txt"]) and "libraries of the page" not in said
    page, said = build("with", tmp_path / "nowhere")  # into the same folder: nothing of the earlier build stays
    assert (page / "libraries.py").is_file() and not (page / "bundle").exists()
    assert "The package is built without the libraries of the page." in said
    assert "run `keras-ae explore --install-page`, which downloads them with npm." in " ".join(said.split())
    assert not libraries.BUNDLE.exists()


def test_the_libraries_of_a_wheel_are_found_first(npm, monkeypatch, tmp_path):
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "LICENSES.txt").write_text("MIT")
    monkeypatch.setattr(libraries, "BUNDLE", bundle)
    npm("exit 3")
    assert libraries.find() == libraries.install() == bundle
    libraries.copy(bundle, tmp_path / "copy")
    assert (tmp_path / "copy" / "LICENSES.txt").read_text() == "MIT"


def test_a_failure_of_npm_leaves_nothing(npm, tmp_path):
    npm("echo no network >&2; exit 3")
    with pytest.raises(RuntimeError, match="npm could not download the libraries of the page: no network"):
        libraries.install()
    assert not list((tmp_path / "cache").rglob("*"))


def test_without_npm_a_sentence_says_what_to_do(npm, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"npm is not installed: install Node.js, or set KERAS_AE_NODE_MODULES"):
        libraries.install()


def test_a_folder_that_is_no_page_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(libraries, "find", lambda: tmp_path)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="`out` must be a new folder or an older page"):
        kae.explore.live(built(), np.zeros([4, 4, 4, 1]), out=tmp_path)
    with pytest.raises(ValueError, match="`labels` must be 4 numbers or names"):
        kae.explore.live(built(), np.zeros([4, 4, 4, 1]), [1, 2], out=tmp_path / "new")


@pytest.mark.parametrize("name", in_short_run("spherical_vae"))
def test_every_model_has_a_file_for_the_page(name, in_process, tmp_path):
    """With the score of its detector, but where LiteRT lacks an operation."""
    model, condition = make(name, run_eagerly=True)
    prepare(model, X, condition)
    detector = page_data(model, X, {}, condition).detector
    write._export(model, detector, tmp_path, None)
    assert [path.name for path in tmp_path.iterdir()] == ["model.tflite"]
    signatures = Interpreter(str(tmp_path / "model.tflite")).get_signature_list()
    assert {"encode", "decode"} <= set(signatures)
    assert ("score" in signatures) == (name != "spherical_vae")
