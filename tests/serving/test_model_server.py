"""The files for TensorFlow Serving, and `keras-ae serve`."""

import json
import re
import shlex
import signal
import subprocess
import sys
import time

import pytest
from google.protobuf import text_format
from typer.testing import CliRunner

from keras_ae import serving
from keras_ae.cli.app import app
from keras_ae.serving import model_server

model_server_config_pb2 = pytest.importorskip(
    "tensorflow_serving.config.model_server_config_pb2", reason="the extra [serving] is not installed"
)


@pytest.fixture
def folder(tmp_path):
    """A folder of models, whose name needs care in a configuration and in a shell."""
    folder = tmp_path / 'models "of" Jürgen'
    for place in ("cvae/1", "cvae/12", "vae/7"):
        (folder / place).mkdir(parents=True)
        (folder / place / "saved_model.pb").touch()
    (folder / "notes" / "old").mkdir(parents=True)
    return folder


@pytest.fixture
def fake_server(tmp_path, monkeypatch):
    """A `tensorflow_model_server` that notes its arguments and its configuration, and waits for a signal if told so."""
    place = tmp_path / "bin" / "tensorflow_model_server"
    place.parent.mkdir()
    place.write_text(
        f"""#!{sys.executable} -IS
import json, os, pathlib, signal, sys, time
stop = lambda number, frame: os._exit(40 + number)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
config = next(a.split("=", 1)[1] for a in sys.argv if a.startswith("--model_config_file="))
note = {{"arguments": sys.argv[1:], "config": pathlib.Path(config).read_text(encoding="utf-8")}}
part = pathlib.Path({str(tmp_path / "part")!r})
part.write_text(json.dumps(note))
part.rename({str(tmp_path / "note.json")!r})
time.sleep(float(os.environ.get("SECONDS_TO_SERVE", 0)))
sys.exit(3)
"""
    )
    place.chmod(0o755)
    monkeypatch.setenv("PATH", str(place.parent))
    return tmp_path / "note.json"


def models_of(text):
    configs = text_format.Parse(text, model_server_config_pb2.ModelServerConfig()).model_config_list.config
    assert all(config.model_platform == "tensorflow" for config in configs)
    return {config.name: config.base_path for config in configs}


def test_the_configuration_names_all_models_of_a_folder(folder, tmp_path):
    serving.write_config(tmp_path / "models.config", folder)
    found = models_of((tmp_path / "models.config").read_text(encoding="utf-8"))
    assert found == {"cvae": str(folder / "cvae"), "vae": str(folder / "vae")}


def test_the_configuration_in_the_repository_is_what_would_be_written(serving_files, tmp_path):
    (tmp_path / "models/cvae/1").mkdir(parents=True)
    (tmp_path / "models/cvae/1/saved_model.pb").touch()
    serving.write_config(tmp_path / "models.config", tmp_path / "models", root="/models")
    ours = (serving_files / "models.config").read_text(encoding="utf-8")
    assert models_of(ours) == models_of((tmp_path / "models.config").read_text()) == {"cvae": "/models/cvae"}


def test_metrics_are_where_the_readme_says(serving_files):
    # The message MonitoringConfig is not among the official protos that can be installed.
    text = (serving_files / "monitoring.config").read_text()
    path = re.search(r'^prometheus_config \{\n  enable: true\n  path: "(.*)"\n\}$', text, re.MULTILINE)[1]
    assert f"`{path}`" in (serving_files / "README.md").read_text()


def test_batches_of_the_server_have_room_for_requests_of_the_client(serving_files):
    # The message BatchingParameters is not among the official protos that can be installed.
    text = (serving_files / "batching_parameters.txt").read_text()
    values = re.findall(r"^(\w+) \{ value: (\d+) \}(?:  #.*)?$", text, re.MULTILINE)
    client = serving.Client("http://localhost:8501", "cvae")
    assert {name: int(value) for name, value in values} == {
        "max_batch_size": client.max_rows,
        "batch_timeout_micros": 1000,
        "max_enqueued_batches": 100,
        "num_batch_threads": 4,
    }


def test_all_files_name_one_image_and_the_same_options(serving_files):
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    compose = yaml.safe_load((serving_files / "compose.yaml").read_text())["services"]["serving"]
    deployment, service, *_ = yaml.safe_load_all((serving_files / "kubernetes.yaml").read_text())
    (generated,) = yaml.safe_load((serving_files / "kustomization.yaml").read_text())["configMapGenerator"]
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert compose["image"] == container["image"] == model_server.IMAGE
    images = re.findall(r"tensorflow/serving:[\w.]+", (serving_files.parent / "README.md").read_text())
    assert set(images) == {model_server.IMAGE}
    assert compose["command"] == container["args"]
    named = [option.split("/")[-1] for option in container["args"] if "/config/" in option]
    assert named == generated["files"] and all((serving_files / name).is_file() for name in named)
    assert container["readinessProbe"]["httpGet"] == {"path": "/v1/models/cvae/metadata", "port": "rest"}
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == {"grpc": 8500, "rest": 8501}
    assert {port["targetPort"]: port["port"] for port in service["spec"]["ports"]} == {"grpc": 8500, "rest": 8501}
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert labels == service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in deployment["spec"]["template"]["spec"]["volumes"]}
    assert mounted == set(volumes) and volumes["config"]["configMap"]["name"] == generated["name"]


def test_the_container_gets_the_folder_and_its_configuration(folder):
    words = shlex.split(serving.container_command(folder, port=9500, rest_port=9501))
    assert words[:3] == ["docker", "run", "--rm"]
    assert words[3:7] == ["-p", "127.0.0.1:9500:8500", "-p", "127.0.0.1:9501:8501"]
    assert words[7:9] == ["--mount", f"type=bind,source={folder},target=/models,readonly"]
    assert {"--user=10001:10001", "--cap-drop=ALL", "--read-only"} <= set(words[9:-2])
    assert words[-2:] == [model_server.IMAGE, "--model_config_file=/models/models.config"]
    assert models_of((folder / "models.config").read_text()) == {"cvae": "/models/cvae", "vae": "/models/vae"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"folder": "nowhere"}, "`folder` must hold models, each a folder of numbered versions.*nowhere"),
        ({"port": 0}, r"`port` must be in \[1, 65535\]. Received: port=0"),
        ({"rest_port": 65536}, r"`rest_port` must be in \[1, 65535\]"),
        ({"port": 8501}, "`rest_port` must differ from `port`"),
    ],
)
def test_wrong_arguments_are_named(folder, fake_server, arguments, sentence):
    for function in (serving.serve, serving.container_command):
        with pytest.raises(ValueError, match=sentence):
            function(**{"folder": folder, **arguments})


def test_a_name_that_cannot_be_in_a_url_is_refused(folder, tmp_path):
    (folder / "cvae").rename(folder / "my model")
    with pytest.raises(ValueError, match=r"The name of a served model must .* Received: \['my model'\]"):
        serving.write_config(tmp_path / "models.config", folder)


def test_without_a_server_there_is_an_error(folder, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FileNotFoundError, match="tensorflow_model_server is not on the PATH"):
        serving.serve(folder)


def test_the_command_runs_the_server_and_ends_as_it_does(folder, fake_server):
    result = CliRunner().invoke(app, ["serve", str(folder), "--port", "9500", "--rest-port", "9501"])
    assert result.exit_code == 3
    note = json.loads(fake_server.read_text())
    assert note["arguments"][:2] == ["--port=9500", "--rest_api_port=9501"] and len(note["arguments"]) == 3
    assert models_of(note["config"]) == {"cvae": str(folder / "cvae"), "vae": str(folder / "vae")}
    assert not (folder / "models.config").exists()


def test_the_command_prints_the_container_where_there_is_no_server(folder, monkeypatch):
    monkeypatch.setenv("PATH", "")
    result = CliRunner().invoke(app, ["serve", str(folder)])
    assert result.exit_code == 1
    assert result.stdout == serving.container_command(folder) + "\n"
    assert "Nothing is served, because tensorflow_model_server is not on the PATH." in result.stderr
    assert "It needs Docker or Podman, and neither is on the PATH." in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_reach_the_server(folder, fake_server, monkeypatch, number):
    monkeypatch.setenv("SECONDS_TO_SERVE", "60")
    code = "from keras_ae.cli import main; main()"
    with subprocess.Popen([sys.executable, "-c", code, "serve", str(folder)]) as process:
        try:
            deadline = time.monotonic() + 30
            while not fake_server.exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            process.send_signal(number)
            assert process.wait(30) == 40 + number  # what the server makes of the signal
        finally:
            process.kill()
