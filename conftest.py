import pytest

from keras_ae.composition import Composition


@pytest.fixture(autouse=True)
def _xla_where_asked_for(request, monkeypatch):
    """Most tests train for a few steps, and XLA's compiler would take most of their time."""
    if not request.node.get_closest_marker("xla"):
        monkeypatch.setattr(Composition, "prefers_xla", False)
