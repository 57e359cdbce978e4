"""What segflow is measured against, and how: ``python -m benchmarks --help``."""
