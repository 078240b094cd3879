"""Several processes that train together."""

import json
import socket

import pytest


class Workers:
    """Starts processes with a `TF_CONFIG` each, and waits for them."""

    def __init__(self, processes):
        self.processes = processes

    def start(self, num, folder, arguments):
        """Starts workers in a folder; their output goes to a file each. `arguments` may be a function of the index."""
        cluster = {"worker": [f"localhost:{port}" for port in _free_ports(num)]}
        started = []
        for index in range(num):
            config = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
            given = arguments(index) if callable(arguments) else arguments
            started.append(self.processes.start(folder, *given, output=f"worker-{index}", TF_CONFIG=config))
        return started

    def run(self, num, folder, arguments, seconds=240):
        """Starts workers, and waits until all have ended well."""
        for worker in self.start(num, folder, arguments):
            assert worker.wait(seconds) == 0, worker.said()[-2000:]


def _free_ports(num):
    sockets = [socket.create_server(("localhost", 0)) for _ in range(num)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="session")
def workers(processes):
    return Workers(processes)
