"""A client that meets a server which is busy, slow or not there."""

import time
import types

import grpc
import numpy as np
import pytest

from keras_ae.serving import (
    Client,
    DeadlineExceededError,
    ServingError,
    UnavailableError,
)

# float32 of TensorFlow and of Keras; REST and gRPC both carry all of its digits.
TOLERANCE = 2e-6


def codes(num=10):
    return np.random.default_rng(0).standard_normal([num, 4]).astype(np.float32)


def refused(number=1):
    return [(grpc.StatusCode.UNAVAILABLE, "The queue is full.")] * number


def test_a_request_is_sent_again_where_the_server_was_not_available(connect, server, cvae, pauses):
    client = connect()
    client.signatures()
    server.faults = refused(2)
    np.testing.assert_allclose(client.decode(codes(), condition=3), cvae.decode(codes(), [3] * 10), atol=TOLERANCE)
    assert len(server.requests) == 3 and pauses == [0.1, 0.2]


def test_retries_end(connect, server, pauses):
    client = connect(retries=3)
    server.faults = refused(9)
    with pytest.raises(UnavailableError, match="The queue is full"):
        client.decode(codes(), condition=3)
    assert len(server.requests) == 4 and pauses == [0.1, 0.2, 0.4]


def test_other_errors_are_not_tried_again(connect, server, pauses):
    server.faults = [(grpc.StatusCode.INTERNAL, "A bug.")]
    with pytest.raises(ServingError, match="A bug"):
        connect().decode(codes(), condition=3)
    assert len(server.requests) == 1 and pauses == []


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_where_nothing_listens_the_server_is_unavailable(scheme, free_port, pauses):
    if scheme == "grpc":
        pytest.importorskip("tensorflow_serving", reason="the extra [serving] is not installed")
    client = Client(f"{scheme}://127.0.0.1:{free_port()}", "cvae", retries=2)
    with client, pytest.raises(UnavailableError) as caught:
        client.decode(codes(), condition=3)
    assert isinstance(caught.value, ConnectionError) and pauses == [0.1, 0.2]


def test_a_call_ends_at_its_deadline(connect, server):
    client = connect(timeout=0.3)
    client.signatures()
    server.pause = 1
    start = time.monotonic()
    with pytest.raises(DeadlineExceededError) as caught:
        client.decode(codes(), condition=3)
    assert isinstance(caught.value, TimeoutError)
    assert 0.2 < time.monotonic() - start < 0.9  # the server would have answered after 1 s


def test_parts_share_one_deadline(connect, server):
    client = connect(timeout=0.5, max_rows=1)
    client.signatures()
    server.pause = 0.2
    with pytest.raises(DeadlineExceededError):
        client.decode(codes(), condition=3)
    assert len(server.requests) <= 3


def test_no_pause_goes_beyond_the_deadline(connect, server, monkeypatch):
    """On a clock that only the pauses move: how long the requests take depends on what else the machine does."""
    now = [0.0]
    clock = types.SimpleNamespace(monotonic=lambda: now[0], sleep=lambda seconds: now.append(now.pop() + seconds))
    monkeypatch.setattr("keras_ae.serving.client.time", clock)
    client = connect(timeout=0.5, retries=20)
    with monkeypatch.context() as patch:  # this question has its own time
        patch.setattr(client, "timeout", 60.0)
        client.signatures()
    server.faults = refused(20)
    with pytest.raises(UnavailableError, match="The queue is full"):
        client.decode(codes(), condition=3)
    assert len(server.requests) == 3 and now == pytest.approx([0.3])  # at 0, 0.1 and 0.3 s; the next would be at 0.7 s
