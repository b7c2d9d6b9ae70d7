#!/usr/bin/env python3
"""Runs bare-metal test images on Bochs, to know that the tests are right.

    tests/bare/on_bochs.py build/tests/bare/gates.elf ...        (or: ninja -C build bare-on-bochs)

Needs Debian's bochs, grub-pc-bin, xorriso. Prints what each image says. Exit status 1 if an image
reports a failure that KNOWN does not name: there Bochs departs from the manual.
"""

import os
import re
import subprocess
import sys
import tempfile
import threading

from peer import report

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "boot"))
from grub_cd import make_grub_cd  # noqa: E402

# What Bochs 2.7 does otherwise, with the reason why the manual's word stands.
KNOWN = {
    "paging": [
        # Its cache of decoded instructions does not look at the second page again.
        "SDM 3A 4.7, EIP is the instruction's",
        "SDM 3A 4.7, CR2 is the missing byte's",
    ],
    # It reads selectors before offsets, and wide operands from their end; it writes wide operands and
    # frames piece by piece; its cache of decoded instructions does not look at the second page again.
    "crossing": ["second page: LFS", "second page: F", "nothing is written", "CR2 == SECOND",
                 "CR2: bare_caught.cr2 == SECOND", "second page exchanged"],
    "debug": ["SDM 3B 17.3.1.1, RF between iterations"],
    "stepping": ["RF is set between iterations"],
    # It wants the frame of a far call in one piece.
    "stacks": ["CALL far", "call_far_4"],
    # The breakpoint behind a trap is not reported once.
    "priorities": ["and its breakpoint"],
    # It checks the new task's segments in another order than SDM 3A table 7-1.
    "protection": ["SDM 3A 7, task switches"],
    # The same: CS and SS are both wrong there.
    "task_faults": ["CS DPL below RPL"],
    # The manual wants the state from before back; it leaves the old task not busy.
    "task_pages": ["second page of the old TSS"],
    # MOV DR at CPL 3 with GD set is #DB there, not #GP.
    "breakpoints": ["GD by register", "17.2.3, BD", "17.2.4, GD"],
    "control": ["SDM 2B RDMSR, unknown"],
    # Its page registers take bytes only.
    "forms": ["immediate port", "a word is two byte ports"],
    # Its poll answers without bit 7, and what INTA takes is settled when INT rises.
    "pic": ["8259A data sheet: poll", "8259A data sheet: set priority"],
    # It counts in the host's time zone, and sets PF only with its interrupt.
    "rtc": ["midnight: hours", "midnight: date", "midnight: weekday", "12-hour mode",
            "PF without PIE"],
    # No software requests, no memory to memory, no alias of the page registers.
    "dma": ["memory", "terminal count", "temporary", "after it", "until it is enabled", "alias"],
    # No pace in loopback, another time-out, no delay of THRE, an OUT2 that loses an edge.
    "uart": ["receiver FIFO reset", "trigger level", "time-out", "break: line status", "OUT2",
             "9600 baud", "THRE waits", "without its stop bit"],
    # FERR# comes with the next waiting instruction.
    "ferr": ["requested at the slave PIC", "IGNNE#: no new request"],
    # Its PIC goes round the local APIC.
    "local_apic": ["LINT0 masked"],
    # An APIC that was switched off needs a reset.
    "kernels": ["back again", "what was written meanwhile", "one shot"],
    # No remote IRR, an ID of eight bits, NMI twice.
    "io_apic": ["ID is four bits", "remote IRR", "EOI with the line high", "level: over",
                "NMI delivery", "82093AA data sheet: masked"],
}
SECONDS = 90

CONFIGURATION = """\
megs: 32
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path={directory}/image.iso, status=inserted
boot: cdrom
log: {directory}/log
display_library: rfb, options="timeout=0"
port_e9_hack: enabled=1
com2: enabled=1, mode=null
cpu: model=p3_katmai, ips=50000000, reset_on_triple_fault=0
clock: sync=none
"""


def run(name, image):
    """The lines that the image printed."""
    with tempfile.TemporaryDirectory() as directory:
        make_grub_cd(os.path.join(directory, "image.iso"), os.path.join(directory, "tree"),
                     "set timeout=0\nmultiboot /boot/image.elf\nboot\n", {"image.elf": image})
        with open(os.path.join(directory, "bochsrc"), "w") as config:
            config.write(CONFIGURATION.format(directory=directory))
        with open(os.path.join(directory, "commands"), "w") as commands:
            commands.write("c\n")
        bochs = subprocess.Popen(
            ["stdbuf", "-o0", "bochs", "-q", "-f", directory + "/bochsrc", "-rc",
             directory + "/commands"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, errors="replace")
        timer = threading.Timer(SECONDS, bochs.kill)
        timer.start()
        lines = []
        for line in bochs.stdout:
            lines.append(line.rstrip())
            if re.search(r"\d+ passed, \d+ failed|FAIL unexpected", line):
                break
        timer.cancel()
        bochs.kill()
        bochs.wait()
        return [line for line in lines if re.search(r"FAIL|passed,", line)]


if __name__ == "__main__":
    sys.exit(report(run, lambda name, line: any(known in line for known in KNOWN.get(name, []))))
