#!/usr/bin/env python3
"""Runs bare-metal images of chips on QEMU, to know that the tests are right.

    tests/bare/on_qemu.py build/tests/bare/pic.elf ...           (or: ninja -C build bare-on-qemu)

Needs Debian's qemu-system-x86. Prints what each image says. Exit status 1 if an image reports a
failure without the mark "(QEMU)": there QEMU departs from the data sheet, as the image's first
comment says.
"""

import subprocess
import sys

from peer import report

QEMU = ["qemu-system-i386", "-display", "none", "-debugcon", "stdio", "-serial", "null", "-serial",
        "null", "-parallel", "null", "-device", "isa-debug-exit,iobase=0xf4", "-m", "32",
        "-no-reboot"]
# Timers that do not depend on the host's load. The clock chip goes by the host's time all the same.
INSTRUCTION_COUNT = ["-icount", "shift=4,sleep=off"]
HOST_TIME = {"rtc"}
SECONDS = 120


def run(name, image):
    """The lines that the image printed."""
    command = QEMU + ([] if name in HOST_TIME else INSTRUCTION_COUNT) + ["-kernel", image]
    try:
        output = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                timeout=SECONDS).stdout
    except subprocess.TimeoutExpired:
        return []
    return [line for line in output.splitlines() if "FAIL" in line or "passed," in line]


if __name__ == "__main__":
    sys.exit(report(run, lambda name, line: "(QEMU)" in line))
