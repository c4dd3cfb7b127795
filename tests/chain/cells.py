"""Runs code as a notebook's cells: one namespace, and what the last line of a cell is gets shown."""

import ast
from typing import Any


def run(source: str, namespace: dict[str, Any]) -> Any:
    """Run a cell; the value of its last line, where that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), namespace)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)  # type: ignore[attr-defined]


def shown(value: Any) -> str:
    """What Jupyter shows of a value."""
    html = value._repr_html_() if hasattr(value, "_repr_html_") else None
    return html or repr(value)
