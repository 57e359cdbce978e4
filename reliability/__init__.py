"""Whether the promises of safety and steadiness hold: checks that try to break them, counted and timed.

``python -m reliability`` runs all of them in full and writes the results; the tests run the same checks with fewer
cases, and look at no clock.
"""
