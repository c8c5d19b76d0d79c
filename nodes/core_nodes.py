"""ComfyUI's own nodes and modules, called by their names.

Core moves its nodes between files and rewrites them for its newer node schema, where methods get other names; the names
under which they are registered, and their inputs', stay.
"""

import inspect
import sys
from typing import Any

from . import host


def module(name: str) -> Any:
    """Returns a module that ComfyUI has imported."""
    try:
        return sys.modules[name]
    except KeyError:
        raise RuntimeError(f"there is no {name}; this node runs inside ComfyUI, from version 0.3.64 on") from None


def has(node_id: str) -> bool:
    return node_id in host.registered_nodes()


def call(node_id: str, **inputs: Any) -> tuple[Any, ...]:
    """Runs one of ComfyUI's nodes and returns its outputs; inputs that this version of it lacks are left out."""
    node: Any = host.registered_nodes().get(node_id)
    if node is None:
        raise RuntimeError(f"this ComfyUI has no node {node_id}, which the settings ask for; update ComfyUI")
    function = getattr(node(), node.FUNCTION)
    known = inspect.signature(function).parameters
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
        inputs = {name: value for name, value in inputs.items() if name in known}
    output = function(**inputs)
    output = getattr(output, "result", output)  # a NodeOutput, of nodes of the newer schema
    return tuple(output["result"] if isinstance(output, dict) else output)


def throw_if_interrupted() -> None:
    """Raises ComfyUI's InterruptProcessingException where the user has pressed the button."""
    module("comfy.model_management").throw_exception_if_processing_interrupted()
