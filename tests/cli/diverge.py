#!/usr/bin/env python3
"""`anachron diverge`: engines agree where they should, and a mistake that was put into the translator
is found: the instruction, what differs, and the code.

Run alone: tests/cli/diverge.py build/anachron IMAGE.elf
"""

import re
import subprocess
import sys

ANACHRON, IMAGE = sys.argv[1], sys.argv[2]


def diverge(*options, status):
    done = subprocess.run([ANACHRON, "diverge", *options], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=600)
    if done.returncode != status:
        sys.exit(f"diverge {options}: status {done.returncode} instead of {status}\n"
                 + done.stdout[-3000:] + done.stderr)
    return done.stdout + done.stderr


def expect(text, pattern):
    match = re.search(pattern, text, re.MULTILINE)
    if not match:
        sys.exit(f"nothing like {pattern!r} in:\n{text[:6000]}")
    return match


def find_mistake(mnemonic, *options):
    """The report of a mistake in the translation of mnemonic."""
    text = diverge("--multiboot", IMAGE, "--translator", f"warm=1,break={mnemonic}", *options,
                   status=1)
    differ, same = map(int, expect(text, r"differ after (\d+) instructions. They were the same "
                                         r"after (\d+)").groups())
    index = int(expect(text, rf"^-> *(\d+)  [0-9a-f]{{8}}  [0-9a-f]+ +{mnemonic} ").group(1))
    expect(text, rf"^ +{index}  [A-Z]+")       # its operation
    expect(text, r"^ +[0-9a-f]{12}  sub r11d, 0x")  # host code: the budget
    after = int(expect(text, r"registers that differ after (\d+) instructions").group(1))
    expect(text, r"^  e..: interp 0x[0-9a-f]+, jit 0x[0-9a-f]+")
    expect(text, r"^  cpu\.gpr\[\d\]: interp [0-9a-f]{8}, jit [0-9a-f]{8}")
    if not same < after <= differ or after != same + index + 1:
        sys.exit(f"counts do not fit: {same} {index} {after} {differ}")
    return after


def main():
    expect(diverge("--multiboot", IMAGE, status=0), r"interp and jit agree after \d+ instructions")
    expect(diverge("--multiboot", IMAGE, "--limit", "100000", status=0),
           r"agree after 100000 instructions")
    for settings in ["warm=1", "warm=1,unlinked", "warm=1,single", "warm=1,flush",
                     "warm=1,cache=64"]:
        diverge("--multiboot", IMAGE, "--translator", settings, status=0)
    # the place does not depend on how often they are compared
    if find_mistake("shld") != find_mistake("shld", "--every", "77777"):
        sys.exit("two places for one mistake")
    find_mistake("imul")
    expect(diverge("--engines", "jit,bochs", status=2), "no engine 'bochs'")
    expect(diverge("--every", "0", status=2), "--every 0: give a number")
    expect(diverge("--translator", "broken", status=1), "warm=N")


main()
