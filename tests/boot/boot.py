#!/usr/bin/env python3
"""Boots real guests and checks what they do: one case a guest and way of booting.

    tests/boot/boot.py ANACHRON CACHE CASE [extra options of `anachron run`]
    tests/boot/boot.py --list

A case is a function of this file's folder modules decorated with @case. Guests come from Debian
packages (guests.py); when one cannot be had, the case says SKIPPED and ends with status 77. The
machine is driven by --script; scripts, and so runs, are deterministic.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import cases
import forms  # noqa: F401  its cases
import graphical  # noqa: F401
import past  # noqa: F401
import replays  # noqa: F401
import saved  # noqa: F401
from guests import Guests
from packages import Unavailable


class Failed(Exception):
    pass


class Bench:
    """What a case works with: guests, a scratch folder, and the emulator."""

    def __init__(self, anachron, cache, options):
        self.anachron = anachron
        self.guests = Guests(cache)
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="anachron-boot-"))

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def guest(self, name):
        return self.guests.build(name)

    def copy(self, image):
        """A private copy that the guest may write to."""
        target = self.folder / pathlib.Path(image).name
        shutil.copy(image, target)
        return target

    def run(self, *options, script, status=0):
        """Runs the machine with a script; returns its standard output. Fails on another status."""
        script_file = self.folder / "script"
        script_file.write_text(script)
        command = [self.anachron, "run", "--display", "none", "--clock", "virtual", "--script",
                   script_file, *options, *self.options]
        done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        output = done.stdout.decode(errors="replace")
        if done.returncode != status:
            raise Failed(f"status {done.returncode} instead of {status}\n"
                         f"{' '.join(map(str, command))}\n--- script\n{script}\n--- output\n"
                         f"{output[-4000:]}")
        return output

    def in_folder(self, script):
        """The script, with its screenshots in the scratch folder."""
        return script.replace("screenshot ", f"screenshot {self.folder}/")

    def serial_file(self):
        return self.folder / "serial"

    def serial_text(self):
        return self.serial_file().read_bytes().decode(errors="replace")

    def check(self, condition, what):
        if not condition:
            raise Failed(what)


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(cases.CASES))
        return 0
    anachron, cache, name, *options = sys.argv[1:]
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    bench = Bench(anachron, cache, options)
    try:
        cases.CASES[name](bench)
    except Unavailable as reason:
        print(f"SKIPPED: {name}: {reason}")
        return 77
    except Failed as failure:
        print(f"FAILED: {name}: {failure}")
        return 1
    finally:
        bench.close()
    print(f"passed: {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
