"""The only place where objects are wired together: what decides, what calls, and the gateway of both."""

from suffice.assembly.calling import open_upstreams
from suffice.assembly.deciding import build_memory, build_router, build_tiers, dry_run
from suffice.assembly.gateway import Gateway, open_gateway, open_lasting
from suffice.assembly.generations import Generations
from suffice.assembly.lasting import Lasting

__all__ = [
    "Gateway",
    "Generations",
    "Lasting",
    "build_memory",
    "build_router",
    "build_tiers",
    "dry_run",
    "open_gateway",
    "open_lasting",
    "open_upstreams",
]
