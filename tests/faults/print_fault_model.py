"""Print the fault model with the tests of each row: `python tests/faults/print_fault_model.py`."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

from fault_model import collected, lines, read_rows


def main() -> int:
    rows = read_rows()
    counts = collected(sorted({test.partition("::")[0] for row in rows for test in row.tests}))
    print("\n".join(lines(rows, counts)))
    without = [row.number for row in rows if not any(counts.get(test) for test in row.tests)]
    tests = {test for row in rows for test in row.tests}
    cases = sum(counts.get(test, 0) for test in tests)
    print(f"\n{len(rows)} rows, {len(tests)} tests with {cases} cases; rows without: {without}")
    return 1 if without else 0


if __name__ == "__main__":
    sys.exit(main())
