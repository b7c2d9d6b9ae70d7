#!/usr/bin/env python3
"""Checks that every #include "..." obeys the layers of ARCHITECTURE.md.

Run alone: tests/style/layers.py [top folder]
"""

import pathlib
import re
import sys

TOP = "main"  # the one file beside README.md

# A layer may include itself, those listed, and what those may include.
DIRECT = {
    "base": [],
    "snapshot": ["base"],
    "bus": ["snapshot"],
    "mmu": ["bus"],
    "cpu": ["mmu"],
    "jit": ["cpu"],
    "devices": ["bus"],
    "record": ["bus"],
    "control": ["record"],
    "machine": ["jit", "cpu", "devices", "control"],
    "host": ["control"],
    "ui": ["control"],
    "store": ["host"],
    "cli": ["machine", "ui", "store"],
    TOP: ["cli"],
}


# Data that a layer may use although it may not use the rest of the folder.
DATA = {"ui": ["bios/font.h"]}  # the firmware's character generator


def reachable(layer):
    seen = {layer}
    for below in DIRECT.get(layer, []):
        seen |= reachable(below)
    return seen


def check(top):
    problems = []
    files = 0
    for path in sorted(top.rglob("*.[ch]")):
        relative = path.relative_to(top)
        layer = relative.parts[0] if len(relative.parts) > 1 else TOP
        if layer not in DIRECT:
            continue
        files += 1
        allowed = reachable(layer)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not match:
                continue
            target = match.group(1)
            folder = target.split("/")[0] if "/" in target else TOP
            if target.endswith(".c"):
                problems.append(f"{relative}:{number}: includes a .c file")
            elif folder not in allowed and target not in DATA.get(layer, []):
                problems.append(f"{relative}:{number}: {layer} may not include {target}")
    return files, problems


def main():
    top = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    files, problems = check(top)
    for problem in problems:
        print(problem)
    print(f"layers: {files} files, {len(problems)} problems")
    return 1 if problems or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
