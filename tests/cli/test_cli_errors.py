"""What a user sees of errors, and what does not load TensorFlow."""

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

import keras_ae
from keras_ae.cli import startup
from keras_ae.cli.error_messages import Command, sentence

HEAVY = "{'tensorflow', 'keras', 'numpy', 'matplotlib'} & set(sys.modules)"


def outcome(error, *arguments):
    """Runs a command that raises `error`."""
    app = typer.Typer()

    @app.callback()
    def root(debug: bool = False):
        pass

    @app.command("fail", cls=Command)
    def fail():
        raise error

    return CliRunner().invoke(app, [*arguments, "fail"])


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["export", "--help"], ["datasets"], ["--version"]]
)
def test_what_needs_no_tensorflow_does_not_load_it(arguments):
    code = (
        f"import sys; sys.argv = ['keras-ae', *{arguments}]\n"
        "from keras_ae.cli import main\n"
        f"try: main()\nexcept SystemExit as end: print('\\ncode', end.code, {HEAVY})"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "code 0 set()", result.stdout + result.stderr


@pytest.mark.parametrize("family", [ValueError, TypeError, OSError, RuntimeError, ImportError])
def test_an_error_is_one_sentence_on_stderr_and_exit_code_1(family):
    result = outcome(family("`beta` must be >= 0.\nReceived: -1"))
    assert result.exit_code == 1
    assert result.stderr == "`beta` must be >= 0. Received: -1\n"
    assert result.stdout == ""


def test_an_error_of_tensorflow_is_a_sentence_too():
    import tensorflow as tf

    assert outcome(tf.errors.InvalidArgumentError(None, None, "wrong shape")).exit_code == 1


@pytest.mark.parametrize("family", [AssertionError, KeyError, NotImplementedError, StopIteration, UserWarning])
def test_an_error_that_nobody_expected_is_a_sentence_too(family):
    result = outcome(family("what"))
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit)
    assert result.stderr.startswith(f"internal error: {family.__name__}: ")
    assert "what" in result.stderr and "--debug" in result.stderr and result.stderr.count("\n") == 1


def test_an_exit_keeps_its_code():
    assert outcome(SystemExit(3)).exit_code == 3
    assert outcome(typer.Exit(4)).exit_code == 4


@pytest.mark.parametrize("error", [ValueError("wrong"), AssertionError("wrong")])
def test_debug_shows_the_traceback(error):
    result = outcome(error, "--debug")
    assert result.exit_code == 1
    assert "Traceback" in result.stderr


def test_interruption_is_exit_code_130():
    result = outcome(KeyboardInterrupt())
    assert (result.exit_code, result.stderr) == (130, "Interrupted.\n")


def test_wrong_usage_is_exit_code_2():
    assert outcome(None, "--no-such-option").exit_code == 2
    assert outcome(typer.BadParameter("wrong")).exit_code == 2


def test_errors_that_do_not_explain_themselves_get_their_name():
    assert sentence(KeyError("loc")).startswith("internal error: KeyError: 'loc' (run `keras-ae --debug")
    assert sentence(ValueError()) == "ValueError"
    assert len(sentence(ValueError("x" * 5000))) < 1000


def test_another_backend_is_refused_before_anything_is_loaded(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(RuntimeError, match="Received: KERAS_BACKEND=jax"):
        startup.start_tensorflow()


def test_log_lines_are_kept_back_and_shown_where_loading_fails(capfd):
    import os

    with startup._stderr_kept_back():
        os.write(2, b"noise\n")
    assert capfd.readouterr().err == ""
    with pytest.raises(ImportError), startup._stderr_kept_back():
        os.write(2, b"the reason\n")
        raise ImportError
    assert capfd.readouterr().err == "the reason\n"


def test_version_is_printed():
    from keras_ae.cli.app import app

    assert CliRunner().invoke(app, ["--version"]).stdout == f"keras-ae {keras_ae.__version__}\n"
