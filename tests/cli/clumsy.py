#!/usr/bin/env python3
"""A guest whose drivers do everything nearly right cannot hurt the emulator, and cannot tell the engines apart.

Run alone: tests/cli/clumsy.py ANACHRON CLUMSY_IMAGE [MILLISECONDS [SEEDS [FIRST_SEED]]]

Each seed runs for MILLISECONDS of virtual time, or until the guest ends the run by itself, in each engine; both
must end with the same state. Over all seeds, every drive must have moved data: otherwise the guest is too clumsy to show anything.
"""
import collections
import os
import re
import struct
import subprocess
import sys
import tempfile

DRIVES = {'disk': 8 << 20, 'floppy': 1474560, 'cd': 2 << 20}
DEBUG_EXIT = 16  # the guest's own statuses begin here

anachron, image = os.path.abspath(sys.argv[1]), open(sys.argv[2], 'rb').read()
milliseconds, seeds, first = [int(text) for text in sys.argv[3:6]] + [100, 3, 1][len(sys.argv) - 3:]


def run(folder, engine):
    """The line of the final state, and how many sectors each kind of drive has moved."""
    done = subprocess.run(
        [anachron, 'run', '--engine', engine, '--display', 'none', '--bios', 'clumsy.bin', '--memory', '8M',
         '--disk', 'disk,snapshot', '--floppy', 'floppy,snapshot', '--cdrom', 'cd', '--serial', 'file:serial',
         '--printer', 'file:printer', '--on-triple-fault', 'reset', '--script', 'script', '--stats'],
        cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors='replace')
    end = re.search(r'^icount \d+ state \w+', done.stdout, re.M)
    if done.returncode == 0 and end:
        end = end[0]
    elif done.returncode >= DEBUG_EXIT:
        end = f'status {done.returncode}'
    else:
        sys.exit(f'{engine}: status {done.returncode}\n{done.stdout}{done.stderr[-4000:]}')
    counts = re.findall(r'^(floppy|disk|CD) sectors +(\d+)', done.stderr, re.M)
    return end, {name: int(count) for name, count in counts}


moved = collections.Counter()
with tempfile.TemporaryDirectory() as folder:
    for name, size in DRIVES.items():
        with open(os.path.join(folder, name), 'wb') as out:
            out.truncate(size)
    with open(os.path.join(folder, 'script'), 'w') as out:
        out.write(f'sleep {milliseconds}ms\nstate\nquit 0\n')
    for seed in range(first, first + seeds):
        with open(os.path.join(folder, 'clumsy.bin'), 'wb') as out:
            out.write(struct.pack('<I', seed * 2654435761 & 0xFFFFFFFF | 1) + image[4:])
        (end, sectors), (other, _) = run(folder, 'jit'), run(folder, 'interp')
        if end != other:
            sys.exit(f'seed {seed}: the translator ends with {end}, the interpreter with {other}')
        moved.update(sectors)
        print(f'seed {seed}: {end}, {sectors}')
if len(moved) != len(DRIVES) or not all(moved.values()):
    sys.exit(f'a drive has moved nothing: {dict(moved)}')
