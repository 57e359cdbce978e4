"""The operations language that filters, properties, expressions and conditions of a workflow are written in.

A *chain* is a list of operations, each getting the result of the one before; a *statement* is true or false of named
values; *cases* pick the result of the first statement that is true. All three are JSON.
"""

from __future__ import annotations

from workflow_engine.query.errors import QueryError
from workflow_engine.query.interpreter import apply, apply_each, choose, holds

__all__ = ["QueryError", "apply", "apply_each", "choose", "holds"]
