"""Server samplers, each a pure parse and a thin fetch: listed in ``catalog``, run by ``runner.Sampling``."""
