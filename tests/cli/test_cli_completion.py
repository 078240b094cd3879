"""What the shell offers after a TAB."""

import os
import subprocess
import sys

import pytest

from keras_ae.cli import completion
from keras_ae.cli.source_names import model_names, part_names
from keras_ae.datasets import names
from keras_ae.models import MODELS
from keras_ae.run.assembly import PARTS

HEAVY = "{'tensorflow', 'keras', 'numpy', 'matplotlib'} & set(sys.modules)"


def test_the_light_tables_name_what_there_is():
    assert model_names() == list(MODELS)
    for argument in ("encoder", "prior", "likelihood"):
        assert part_names(argument) == list(PARTS[argument])


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with a run, an unfinished one and a file, in which the process stands."""
    for name in ("runs/cvae", "runs/vae.partial", "runs/other"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "runs/cvae/config.json").write_text("{}")
    (tmp_path / "data.npz").write_text("")
    (tmp_path / ".hidden").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("complete", "incomplete", "expected"),
    [
        (completion.models, "beta", ["beta_vae", "beta_tc_vae"]),
        (completion.datasets, "fash", ["fashion_mnist"]),
        (completion.datasets, "d", ["digits", "dsprites", "data.npz"]),
        (completion.runs, "", ["runs/"]),
        (completion.runs, "runs/", ["runs/cvae", "runs/other/", "runs/vae.partial/"]),
        (completion.unfinished_runs, "runs/v", ["runs/vae"]),
        (completion.paths, "", ["data.npz", "runs/"]),
        (completion.paths, ".", [".hidden"]),
        (completion.paths, "nowhere/", []),
        (completion.parts("likelihood"), "disc", ["discretized_logistic", "discretized_logistic_mixture"]),
    ],
)
def test_names_and_paths_are_completed(files, complete, incomplete, expected):
    assert complete(incomplete) == expected


def test_all_data_sets_are_offered(files):
    assert set(completion.datasets("")) == {*names(), "data.npz", "runs/"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [("train beta_t", "beta_tc_vae"), ("train vae --prior real", "real_nvp"), ("train vae --optimizer m", "muon")],
)
def test_a_shell_completes_names_without_slow_imports(words, expected):
    code = (
        "import sys; sys.argv = ['keras-ae']\n"
        "from keras_ae.cli import main\n"
        f"try: main()\nexcept SystemExit: print({HEAVY})"
    )
    variables = {"_TYPER_COMPLETE_ARGS": f"keras-ae {words}", "_KERAS_AE_COMPLETE": "complete_zsh"}
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=True)
    *completions, heavy = result.stdout.splitlines()
    assert heavy == "set()" and expected in "\n".join(completions)


def test_python_m_is_the_same_program():
    result = subprocess.run([sys.executable, "-m", "keras_ae", "train", "veo"], capture_output=True, text=True)
    assert result.returncode == 2 and "Usage: keras-ae train" in result.stderr
    assert "veo is not a model. Did you mean 'vae'?" in " ".join(result.stderr.split())
