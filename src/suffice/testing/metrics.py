"""A gateway's metrics page, read."""

import re
from collections.abc import Iterator

from suffice.testing.raw import call

_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Metrics:
    """The samples of one moment."""

    def __init__(self, page: str) -> None:
        self._samples: dict[str, list[tuple[dict[str, str], float]]] = {}
        for line in page.splitlines():
            match = _SAMPLE.fullmatch(line)
            if match is not None:
                labels = dict(_LABEL.findall(match["labels"] or ""))
                self._samples.setdefault(match["name"], []).append((labels, float(match["value"])))

    def total(self, name: str, **labels: str) -> float:
        """The sum of all samples of this name that have these labels, and maybe others; 0 where there are none."""
        return sum(value for found, value in self._samples.get(name, ()) if labels.items() <= found.items())

    def by(self, label: str, name: str, **labels: str) -> Iterator[tuple[str, float]]:
        """The samples of this name that have these labels, each with its value of `label`."""
        for found, value in self._samples.get(name, ()):
            if labels.items() <= found.items():
                yield found.get(label, ""), value


def read_metrics(address: str) -> Metrics:
    """Ask a gateway for its metrics."""
    return Metrics(call(address, "GET", "/metrics").body.decode())
