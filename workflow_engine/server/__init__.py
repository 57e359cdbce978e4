"""The face for HTTP: the ecosystem's workflow routes on this engine."""
