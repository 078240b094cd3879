"""What the shell offers after a TAB."""

import os
import shutil
import subprocess
import sys

import pytest

from keras_ae.cli import completion
from keras_ae.cli.tables import PART_TABLES, model_arguments, model_names, part_arguments, part_names
from keras_ae.datasets import names
from keras_ae.models import MODELS
from keras_ae.run.assembly import PARTS, arguments

HEAVY = "{'tensorflow', 'keras', 'numpy', 'matplotlib'} & set(sys.modules)"


def test_the_light_tables_name_what_there_is():
    assert model_names() == list(MODELS)
    assert set(PART_TABLES) == set(PARTS)
    for argument, table in PARTS.items():
        assert part_names(argument) == list(table)
    assert part_names("latent_dim") == []


@pytest.mark.parametrize("model", MODELS)
def test_the_light_arguments_of_a_model_are_its_arguments(model):
    assert set(model_arguments(model)) == set(arguments(MODELS[model]))


@pytest.mark.parametrize("part", [(kind, name) for kind, table in PARTS.items() for name in table], ids="-".join)
def test_the_light_arguments_of_a_part_are_its_arguments(part):
    kind, name = part
    assert set(part_arguments(kind, name)) == set(arguments(PARTS[kind][name])) - {"trainable"}


def test_defaults_are_written_as_settings_are():
    assert part_arguments("encoder", "mlp")["hidden"] == "200,200"
    assert model_arguments("vae")["sampler"] == "none" and model_arguments("beta_tc_vae")["num_examples"] in (
        "",
        "none",
    )
    assert model_arguments("vae")["posterior"] == "diagonal_normal"


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


SHELLS = {
    "zsh": lambda words: {"_TYPER_COMPLETE_ARGS": " ".join(words)},
    "fish": lambda words: {"_TYPER_COMPLETE_ARGS": " ".join(words), "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
}


def complete(shell, *words):
    """What `keras-ae` says to a shell, in a process of its own that must not load what is slow."""
    code = (
        "import sys; sys.argv = ['keras-ae']\n"
        "from keras_ae.cli import main\n"
        f"try: main()\nexcept SystemExit: print({HEAVY})"
    )
    variables = {**SHELLS[shell](["keras-ae", *words]), "_KERAS_AE_COMPLETE": f"complete_{shell}"}
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=True)
    *said, heavy = result.stdout.splitlines()
    assert heavy == "set()"
    return said


@pytest.mark.parametrize("shell", ["zsh", pytest.param("fish", marks=pytest.mark.slow)])
def test_a_shell_is_told_the_settings_of_a_model(shell):
    said = "\n".join(complete(shell, "train", "beta_vae", "--set", "prior=vamp", "--set", "prior.comp"))
    assert "prior.components=500" in said


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_what_stands_after_an_equals_sign(tmp_path):
    """Bash itself cuts words there, and asks with its own script."""
    program = tmp_path / "keras-ae"
    program.write_text(f"#!{sys.executable}\nfrom keras_ae.cli import main\nmain()\n")
    program.chmod(0o755)
    script = f"""
        eval "$(_KERAS_AE_COMPLETE=source_bash {program})"
        ask() {{
            COMP_WORDS=({program} "$@"); COMP_CWORD=$#
            _keras_ae_completion {program}
            echo "${{COMPREPLY[*]}}"
        }}
        ask train vae --set prior = real
        ask train vae --set latent
    """
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == ["real_nvp", "latent_dim=16"], result.stderr


def test_python_m_is_the_same_program():
    result = subprocess.run([sys.executable, "-m", "keras_ae", "train", "veo"], capture_output=True, text=True)
    assert result.returncode == 2 and "Usage: keras-ae train" in result.stderr
    assert "veo is not a model. Did you mean 'vae'?" in " ".join(result.stderr.split())
