import contextlib

_SMALL = 200_000  # numbers


def threads_for(size: int) -> contextlib.AbstractContextManager:
    """Returns a context in which scikit-learn uses one thread if the data is small.

    On small data, threads wait for each other longer than they compute, above all where other processes run.

    Args:
        size: how many numbers are computed on in one step.
    """
    from threadpoolctl import threadpool_limits  # slow to import

    return threadpool_limits(1) if size < _SMALL else contextlib.nullcontext()
