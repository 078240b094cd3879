"""One process at a time writes into a folder, and a dead one does not count."""

import errno
import importlib
import os
import signal
import subprocess
import sys
import types

import pytest

from keras_ae.io import locking

HOLD = """
import sys, time
from keras_ae.io.locking import locked
with locked(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock of a folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


@pytest.mark.skipif(locking.fcntl is None, reason="Windows keeps the number of the process to itself")
def test_a_folder_that_another_process_holds_is_refused_until_it_dies(holder, tmp_path):
    for _ in range(2):  # the first refusal changes nothing
        with (
            pytest.raises(BlockingIOError, match=f"{tmp_path.name} is in use by process {holder.pid}: wait"),
            locking.locked(tmp_path),
        ):
            pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert os.listdir(tmp_path) == [locking.LOCK]  # what it left locks nothing
    with locking.locked(tmp_path):
        pass
    assert os.listdir(tmp_path) == []


@pytest.fixture(params=["as_here", "windows", "no_locks"])
def module(request, monkeypatch):
    """The module as it is, with Windows' locks in place of POSIX', and on a disk without locks."""
    if request.param == "as_here":
        return locking
    fcntl = pytest.importorskip("fcntl")

    def lock(descriptor, mode, num):
        assert (mode, num) == (2, 1)
        if request.param == "no_locks":
            raise OSError(errno.ENOLCK, "No locks available")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise PermissionError(errno.EACCES, "Permission denied") from error  # as Windows says it

    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", types.SimpleNamespace(locking=lock, LK_NBLCK=2))
    spec = importlib.util.spec_from_file_location("locking_elsewhere", locking.__file__)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    assert found.fcntl is None
    request.node.locks = request.param != "no_locks"
    return found


def test_a_lock_is_held_once_and_given_up_after_an_error(module, tmp_path, request):
    for _ in range(2):
        with pytest.raises(RuntimeError), module.locked(tmp_path):
            if getattr(request.node, "locks", True):
                with pytest.raises(BlockingIOError, match="is in use by"), module.locked(tmp_path):
                    pass
            raise RuntimeError
    with module.locked(tmp_path):
        pass
    assert [name for name in os.listdir(tmp_path) if name != locking.LOCK] == []


def test_a_lock_file_that_its_holder_removes_is_not_locked_again(tmp_path, monkeypatch):
    taken, real = [], locking.fcntl and locking.fcntl.flock
    if real is None:
        pytest.skip("POSIX removes files that are open")

    def late(descriptor, mode):
        if not taken:
            taken.append(os.unlink(tmp_path / locking.LOCK))  # as if the holder ended between open and lock
        return real(descriptor, mode)

    monkeypatch.setattr(locking.fcntl, "flock", late)
    with locking.locked(tmp_path):
        assert (tmp_path / locking.LOCK).read_text() == str(os.getpid())


def test_a_folder_that_is_missing_is_an_error_and_one_that_cannot_be_written_has_no_lock(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError), locking.locked(tmp_path / "no"):
        pass

    def refuse(*args):
        raise PermissionError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(locking.os, "open", refuse)
    with locking.locked(tmp_path):
        assert os.listdir(tmp_path) == []
