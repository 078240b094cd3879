"""Several processes that train together."""

import json
import os
import socket
import subprocess

import pytest


class Workers:
    """Starts processes with a `TF_CONFIG` each, and waits for them."""

    def __init__(self):
        self.started = []

    @staticmethod
    def environment(index=None, ports=()):
        """The environment of a process: worker `index` of those at the ports, or none."""
        values = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        values.pop("TF_CONFIG", None)
        if index is not None:
            cluster = {"worker": [f"localhost:{port}" for port in ports]}
            values["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        return values

    def start(self, num, folder, arguments):
        """Starts workers in a folder; their output goes to a file each. `arguments` may be a function of the index."""
        ports = _free_ports(num)
        for index in range(num):
            with open(folder / f"worker-{index}.txt", "w") as output:
                streams = {"stdout": output, "stderr": subprocess.STDOUT}
                given = arguments(index) if callable(arguments) else arguments
                process = subprocess.Popen(given, cwd=folder, env=self.environment(index, ports), **streams)
            self.started.append(process)
        return self.started[-num:]

    def run(self, num, folder, arguments, seconds=240):
        """Starts workers, and waits until all have ended well."""
        for index, worker in enumerate(self.start(num, folder, arguments)):
            assert worker.wait(seconds) == 0, (folder / f"worker-{index}.txt").read_text()[-2000:]


def _free_ports(num):
    sockets = [socket.create_server(("localhost", 0)) for _ in range(num)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="session")
def workers():
    made = Workers()
    yield made
    for process in made.started:
        process.kill()
        process.wait()
