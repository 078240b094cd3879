from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class ClusterModel(Protocol):
    """A model that assigns clusters itself, such as `GaussianMixtureVAE`."""

    def cluster(self, x: Any, condition: Any = None) -> Any:
        """Returns the cluster of each example x [B, *event], integers [B]."""
