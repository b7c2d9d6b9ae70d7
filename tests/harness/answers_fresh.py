#!/usr/bin/env python3
"""Whether machine/answers is what capture makes. Only the processor that the files name can tell.

Run alone: tests/harness/answers_fresh.py build/tests/harness/capture machine/answers
"""

import pathlib
import subprocess
import sys
import tempfile

EXIT_SKIP = 77


def main():
    capture, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as name:
        done = subprocess.run([capture, name], capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            print(f"SKIPPED: {done.stderr.strip()}")
            return EXIT_SKIP
        for made in sorted(pathlib.Path(name).glob("*.answers")):
            new, old = made.read_text(), (folder / made.name).read_text()
            if new.splitlines()[0] != old.splitlines()[0]:
                print(f"SKIPPED: this is another processor than that of {made.name}")
                return EXIT_SKIP
            if new != old:
                print(f"{folder / made.name} is out of date: ninja -C build capture-answers")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
