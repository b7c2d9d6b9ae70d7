#!/usr/bin/env python3
"""Runs a bare-metal test image on QEMU and on Bochs, to know that the test is right.

Where they differ from the manual, the image's first comment and its marks say so: a failure there is
news only if it is not marked. Needs qemu-system-x86, bochs, grub-pc-bin, grub-common, xorriso.

    tests/bare/elsewhere.py build/tests/bare/pic.elf [--only qemu|bochs] [--seconds 60]
"""

import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

QEMU = ["qemu-system-i386", "-display", "none", "-debugcon", "stdio", "-serial", "null", "-serial",
        "null", "-parallel", "null", "-device", "isa-debug-exit,iobase=0xf4", "-m", "32",
        "-no-reboot"]

BOCHSRC = """
megs: 32
cpu: model=p3_katmai, count=1, ips=20000000, reset_on_triple_fault=0
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path="image.iso", status=inserted
boot: cdrom
port_e9_hack: enabled=1
com1: enabled=1, mode=null
com2: enabled=1, mode=null
parport1: enabled=1, file="printed"
log: log.txt
display_library: rfb, options="timeout=0"
clock: sync=none, time0=local
"""

DONE = re.compile(r"\d+ passed, \d+ failed|^FAIL un", re.MULTILINE)
RESULT = re.compile(r"FAIL|\d+ passed|unexpected")


def on_qemu(image, seconds):
    command = QEMU + ["-kernel", str(image)]
    try:
        run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             timeout=seconds)
    except subprocess.TimeoutExpired as error:
        return (error.stdout or b"").decode(errors="replace")
    return run.stdout


def on_bochs(image, seconds):
    """Boots the image from a CD with GRUB; Bochs has no exit port, so its output is watched."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        grub = folder / "cd/boot/grub"
        grub.mkdir(parents=True)
        (folder / "cd/boot/test.elf").write_bytes(image.read_bytes())
        (grub / "grub.cfg").write_text("multiboot /boot/test.elf\nboot\n")
        subprocess.run(["grub-mkrescue", "-o", folder / "image.iso", folder / "cd"], check=True,
                       capture_output=True)
        (folder / "bochsrc").write_text(BOCHSRC)
        (folder / "commands").write_text("c\n")  # Debian's Bochs starts in its debugger
        with open(folder / "out", "wb") as out:
            bochs = subprocess.Popen(["bochs", "-q", "-rc", "commands", "-f", "bochsrc"], cwd=folder,
                                     stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                     start_new_session=True)
            end = time.monotonic() + seconds
            while time.monotonic() < end and bochs.poll() is None:
                if DONE.search((folder / "out").read_text(errors="replace")):
                    break
                time.sleep(0.3)
            os.killpg(bochs.pid, signal.SIGKILL)  # bochs is a shell script around the program
            bochs.wait()
        return (folder / "out").read_text(errors="replace")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", type=pathlib.Path)
    parser.add_argument("--only", choices=["qemu", "bochs"])
    parser.add_argument("--seconds", type=int, default=60)
    args = parser.parse_args()
    for name, run in (("qemu", on_qemu), ("bochs", on_bochs)):
        if args.only in (None, name):
            print(f"{name}:")
            for line in run(args.image, args.seconds).splitlines():
                if RESULT.search(line):
                    print(f"    {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
