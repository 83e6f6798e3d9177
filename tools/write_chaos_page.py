"""Write docs/reference/chaos.md from the cases in tests/chaos.

Usage: write_chaos_page.py
"""

import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CASES = ROOT / "tests" / "chaos"
PAGE = ROOT / "docs" / "reference" / "chaos.md"


def main() -> None:
    """Write the page anew."""
    # Folders of tests are no packages.
    sys.path.insert(0, str(CASES))
    PAGE.write_text(import_module("chaos_page").render(), encoding="utf-8")
    print(PAGE.relative_to(ROOT))


if __name__ == "__main__":
    main()
