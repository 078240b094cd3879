"""A disk without room, for tests of what is written."""

import contextlib

import pytest


@contextlib.contextmanager
def files_of_at_most(size):
    """No file gets larger: the system refuses, as on a full disk, in real writes of any library. In bytes."""
    resource = pytest.importorskip("resource", reason="needs limits of the system on the size of files")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
