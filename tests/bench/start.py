#!/usr/bin/env python3
"""How long it takes to start a machine, run an image of two instructions, and print its registers.

    tests/bench/start.py ANACHRON [RUNS]              (or: ninja -C build bench-start)

Conformance suites do that some ten thousand times. Prints medians and the 90th percentile of user
and system time, and of wall time, over RUNS runs (200).
"""

import json
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile
import time

LOAD = 0x100000
# A multiboot header with addresses, and: cli; hlt
FLAGS = 0x10000
IMAGE = struct.pack("<IIiIIIII", 0x1BADB002, FLAGS, -(0x1BADB002 + FLAGS), LOAD, LOAD, LOAD + 34,
                    LOAD + 34, LOAD + 32) + b"\xfa\xf4"
SCRIPT = "poke cr4 0x600\nsleep 10s\nregs\nquit 0\n"


def run(command):
    """User, system and wall time, in milliseconds."""
    before = time.monotonic()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - before
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0 or json.loads(output)["activity"] != "halted":
        sys.exit(f"start.py: error: status {child.returncode}: {output.decode()}")
    return usage.ru_utime * 1e3, usage.ru_stime * 1e3, wall * 1e3


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    runs = int(sys.argv[2]) if len(sys.argv) == 3 else 200
    with tempfile.TemporaryDirectory() as folder:
        image, script = pathlib.Path(folder, "image"), pathlib.Path(folder, "script")
        image.write_bytes(IMAGE)
        script.write_text(SCRIPT)
        command = [sys.argv[1], "run", "--display", "none", "--multiboot", image, "--script", script,
                   "--stop-on", "halt", "--stop-on", "fault"]
        times = [run(command) for _ in range(runs)]
    print(f"{runs} runs, milliseconds    median   90th")
    for name, column in zip(["user", "system", "wall"], zip(*times)):
        ordered = sorted(column)
        print(f"  {name:20} {statistics.median(ordered):10.1f} {ordered[len(ordered) * 9 // 10]:6.1f}")
    both = sorted(user + system for user, system, _ in times)
    print(f"  {'user and system':20} {statistics.median(both):10.1f} {both[len(both) * 9 // 10]:6.1f}")


main()
