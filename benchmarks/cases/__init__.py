"""What is measured: one module each, with ``measure(setting)`` that yields tables."""
