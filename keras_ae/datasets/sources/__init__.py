"""Sources of examples, one file per kind, all with the methods of `IndexedSource` or `TfdsSource`."""
