"""A program that prints hashes of what instructions compute, on the host and in a guest."""

import pathlib
import re
import shutil
import subprocess

from cases import case
from guests import run
from packages import Unavailable

SOURCE = pathlib.Path(__file__).resolve().parent / "forms.c"
FLAGS = ["-m32", "-O1", "-static", "-nostdlib", "-ffreestanding", "-fno-pic", "-no-pie",
         "-fno-stack-protector"]
INIT = """#!/bin/sh
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
/bin/forms >/dev/ttyS0
poweroff -f
"""
LINE = re.compile(r"^([a-z].*) ([0-9a-f]{8})$", re.MULTILINE)


def on_the_host(program):
    try:
        done = subprocess.run([program], capture_output=True, text=True, timeout=60)
    except OSError as reason:
        raise Unavailable(f"the host does not run 32-bit programs: {reason}")
    if "forms done" not in done.stdout:
        raise Unavailable(f"the host's processor lacks something: status {done.returncode}")
    return dict(LINE.findall(done.stdout))


@case
def instruction_forms(bench):
    """A Linux program computes every integer form, and some of x87, over corner cases of operands;
    results and defined flags in the guest are the host processor's."""
    program = bench.folder / "forms"
    run("gcc", *FLAGS, "-o", program, SOURCE)
    expected = on_the_host(program)
    bench.check(len(expected) > 100, f"only {len(expected)} forms")
    tree = bench.guests.busybox_tree("forms", INIT)
    shutil.copy(program, tree / "bin/forms")
    initrd = bench.folder / "initrd.gz"
    bench.guests.pack_initrd(tree, initrd)
    bench.run("--memory", "128M", "--kernel", bench.guest("linux-6.1")["kernel"], "--initrd",
              initrd, "--append", "console=ttyS0,115200 quiet", "--serial",
              f"file:{bench.serial_file()}", script='wait serial "forms done" 900s\nquit 0\n')
    found = dict(LINE.findall(bench.serial_text().replace("\r", "")))
    wrong = [name for name in expected if found.get(name) != expected[name]]
    bench.check(not wrong, f"{len(wrong)} of {len(expected)} forms differ: {wrong}")
