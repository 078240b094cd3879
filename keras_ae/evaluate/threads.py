import contextlib
import functools

_SMALL = 200_000  # numbers


def threads_for(size: int) -> contextlib.AbstractContextManager:
    """Returns a context in which scikit-learn uses one thread if the data is small.

    On small data, threads wait for each other longer than they compute, above all where other processes run.

    Args:
        size: how many numbers are computed on in one step.
    """
    return _controller().limit(limits=1) if size < _SMALL else contextlib.nullcontext()


@functools.cache
def _controller():
    # It looks through all libraries of the process, which takes longer than a small fit: once is enough.
    import sklearn.cluster  # slow to import; loads the libraries that have threads  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
