"""Where an answer says its result: the closing line that prompts ask for, `Answer: ...`."""

import re
from collections.abc import Sequence


def read_field(text: str, names: Sequence[str]) -> str:
    """What follows the last `NAME:` in `text`, without marks around it; empty where no name stands."""
    found: list[str] = re.findall(rf"(?:{'|'.join(names)})\s*:\s*\**\s*(.+)", text, re.IGNORECASE)
    return found[-1].strip().strip("`*. ").strip() if found else ""


def read_last_line(text: str) -> str:
    """The last line that is not blank; empty for a blank text."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
