import pytest

from keras_ae.composition import Composition


@pytest.fixture(autouse=True)
def _no_xla_in_examples(request, monkeypatch):
    """The examples of the docstrings train a step or two: XLA's compiler would take most of their time."""
    if hasattr(request.node, "dtest"):
        monkeypatch.setattr(Composition, "prefers_xla", False)
