"""How a route reaches what the lifespan opened.

The routes of each room say in a `State` of their own what they need, so that no room imports the others by
way of what holds them all.
"""

from typing import Any

from fastapi import Request


async def current_state(request: Request) -> Any:  # not `def`: a thread costs more than this
    """Return the open clients and services of this process (`wiring/state.py`)."""
    return request.app.state.loopkeeper
