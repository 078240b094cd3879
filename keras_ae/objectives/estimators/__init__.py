"""Estimators of the terms of objectives, as functions of tensors and distributions."""
