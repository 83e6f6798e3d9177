"""Periods as people write them."""

import re
from datetime import UTC, datetime

_UNITS_S = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


def parse_since(text: str, *, now: float) -> float:
    """The Unix time that `24h`, `7d` or `2026-11-01` means; dates without a zone are UTC.

    Args:
        text: A number with one of the units m, h, d, w: so long ago. Or a date or time in ISO 8601.
        now: Unix time.

    Raises:
        ValueError: The text is neither.
    """
    ago = re.fullmatch(r"(\d+(?:\.\d+)?)([mhdw])", text.strip())
    if ago is not None:
        return now - float(ago[1]) * _UNITS_S[ago[2]]
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is no period; write 24h, 7d or 2026-11-01") from None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
