"""Runs the gateway with a wall clock that another process may set: `python shifted_clock.py FILE serve ...`.

FILE holds the seconds by which the clock is off; the monotonic clock goes on as ever, as it does on a real machine.
"""

import sys
import time
from pathlib import Path


def shift_clock(file: Path) -> None:
    """Let `time.time` be off by what the file says at that moment."""
    right = time.time
    time.time = lambda: right() + float(file.read_text(encoding="utf-8") or 0)


if __name__ == "__main__":
    shift_clock(Path(sys.argv.pop(1)))
    # Only now: modules keep the clock that they find when they are loaded.
    from suffice.cli import main

    main()
