"""Every script in examples/ runs, offline, and leaves its pictures; the notebooks are made from the scripts."""

import json
import pathlib
import re

import pytest
import tensorflow_datasets as tfds
from tiers import first

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"
DATA = ("strokes", "mnist")
WALKS = {"outliers_images": {"defects"}, "outliers_table": {"reasons"}, "outliers_sequences": {"faults"}}
LECTURE = {
    "01_clustering": {"clusters", "contrast"},
    "02_autoencoder_learns": {"learning", "training", "sizes"},
    "03_out_of_distribution": {"inputs"},
    "04_latent_map": {"unlabeled", "labeled", "thumbnails"},
    "05_generating": {"sources", "traversal"},
    "06_variational_autoencoder": {"map_ae", "map_vae", "manifold"},
    "07_sampling_and_outliers": {"samples", "scores", "outliers"},
    "08_likely_yet_bad": {"sources"},
    "09_conditional_generation": {"digits", "sweeps"},
    "10_latent_space_of_a_property": {"planes", "map", "styles"},
    "11_your_own_data": {"images", "table", "columns", "sequences"},
    "12_from_training_to_a_phone": {"digits"},
}


def test_every_example_is_known_here():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*WALKS, *LECTURE}


def test_scripts_of_the_lecture_are_short():
    for name in LECTURE:
        assert len((EXAMPLES / f"{name}.py").read_text(encoding="utf-8").splitlines()) < 80, name


@pytest.mark.parametrize("name", LECTURE)
def test_notebook_has_the_code_of_its_script(name):
    """`tox -e notebooks` makes it anew. The arguments of the command line are one line there."""
    notebook = json.loads((EXAMPLES / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    body = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8").split('"""', 2)[2]
    expected = re.sub(r"parser = .*?parse_args\(\)\n", "", body, flags=re.DOTALL)
    made = re.sub(r"arguments = argparse.Namespace.*\n", "", "\n".join(cells[:-1]))
    assert [line for line in made.splitlines() if line] == [line for line in expected.splitlines() if line]
    assert any(output.get("data", {}).get("image/jpeg") for output in notebook["cells"][-1]["outputs"])


@pytest.mark.parametrize("name", first(0, sorted(WALKS)))
def test_walk_through_of_outliers_runs(processes, name, tmp_path):
    processes.run(tmp_path, EXAMPLES / f"{name}.py", "--epochs", "1", "--out", tmp_path)
    assert {path.stem for path in tmp_path.glob("*.png")} == WALKS[name]


@pytest.mark.parametrize(("name", "dataset"), first(0, [(name, data) for data in DATA for name in sorted(LECTURE)]))
def test_script_of_the_lecture_runs_and_says_what_its_figures_show(processes, name, dataset, tmp_path):
    if dataset == "mnist" and not tfds.builder("mnist").is_prepared():
        pytest.skip("TFDS has no MNIST here; set TFDS_DATA_DIR to a folder that has")
    processes.run(tmp_path, EXAMPLES / f"{name}.py", "--short", "--dataset", dataset, "--out", tmp_path)
    assert {path.stem for path in tmp_path.glob("*.png")} == LECTURE[name]
    text = " ".join((tmp_path / "output.txt").read_text().split())
    assert "What surprised" in text and not re.search(r"\bnan\b|\binf\b", text)
