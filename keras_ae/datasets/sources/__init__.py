"""Where examples come from: one file a kind, all with the methods of `IndexedSource` or `TfdsSource`."""
