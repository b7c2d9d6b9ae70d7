#!/usr/bin/env python3
"""Checks the size limits of the style: files of about 600 lines, functions of about 60.

Tables (.def files, initialisers) are exempt: only the bodies of functions count.
Run alone: tests/style/sizes.py [top folder]
"""

import pathlib
import re
import sys

FILE_LIMIT = 660
FUNCTION_LIMIT = 66
FOLDERS = ["base", "snapshot", "bus", "mmu", "cpu", "jit", "devices", "record", "control",
           "machine", "host", "store", "ui", "cli", "bios", "tests"]


def functions(lines):
    """Yields (name, first line, length) of function bodies: a '{' alone in column 0 opens one."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{" and start is None:
            start = number
        elif line.startswith("}") and start is not None:
            header = " ".join(lines[max(0, start - 4):start - 1])
            names = re.findall(r"(\w+)\s*\(", header)
            yield (names[0] if names else "?"), start, number - start + 1
            start = None


def main():
    top = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    problems = []
    for folder in FOLDERS:
        for path in sorted((top / folder).rglob("*.[ch]")):
            lines = path.read_text().splitlines()
            relative = path.relative_to(top)
            if len(lines) > FILE_LIMIT:
                problems.append(f"{relative}: {len(lines)} lines")
            for name, start, length in functions(lines):
                if length > FUNCTION_LIMIT:
                    problems.append(f"{relative}:{start}: {name} has {length} lines")
    for problem in problems:
        print(problem)
    print(f"sizes: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
