"""Writes docs/fidelity.md from what ``pytest --fidelity=FILE`` recorded; with ``--check`` it only compares.

Run it with ``make fidelity``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.sandbox.judges.page import COLUMNS, PAGE, kept_by_hand, render


def absent(record: dict[str, Any]) -> list[str]:
    """Return the judges that a record knows nothing of: a page made of it would be wrong."""
    return [
        judge
        for service, judges in COLUMNS.items()
        for judge in judges
        if not any(judge in seen for seen in record["endpoints"][service].values())
    ]


def main() -> int:
    """Write or compare the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("record", type=Path, help="what pytest --fidelity wrote")
    parser.add_argument("--check", action="store_true", help="fail when the committed page is another one")
    given = parser.parse_args()
    record = json.loads(given.record.read_text(encoding="utf-8"))
    if missing := absent(record):
        print(f"the record lacks {', '.join(missing)}: run all tests, with the extra 'dev' and with ../shared beside")
        return 1
    held = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    made = render(record, kept_by_hand(held))
    if given.check and made != held:
        print(f"{PAGE.name} is out of date: run make fidelity and commit it")
        return 1
    if not given.check:
        PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
