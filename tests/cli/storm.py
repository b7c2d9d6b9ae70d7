#!/usr/bin/env python3
"""A guest that writes every port and register window at random cannot hurt the emulator.

Run alone: tests/cli/storm.py ANACHRON STORM_IMAGE [INSTRUCTIONS [FIRST_SEED]]

The guest may reset the machine, or switch it off; then the next seed goes on until all
instructions have been executed. The run must end by itself, well, every time.
"""
import os
import re
import struct
import subprocess
import sys
import tempfile

anachron, image = os.path.abspath(sys.argv[1]), open(sys.argv[2], 'rb').read()
wanted = int(sys.argv[3]) if len(sys.argv) > 3 else 100_000_000
seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, 'storm.bin')
    for name, size in (('disk', 8 << 20), ('floppy', 1474560), ('cd', 2 << 20)):
        with open(os.path.join(folder, name), 'wb') as out:
            out.truncate(size)
    done = 0
    while done < wanted:
        with open(path, 'wb') as out:
            out.write(struct.pack('<I', seed * 2654435761 & 0xFFFFFFFF | 1) + image[4:])
        run = subprocess.run(
            [anachron, 'run', '--display', 'none', '--bios', path, '--memory', '8M',
             '--disk', f'{folder}/disk,snapshot', '--floppy', f'{folder}/floppy,snapshot',
             '--cdrom', f'{folder}/cd', '--serial', f'file:{folder}/serial', '--printer',
             f'file:{folder}/printer', '--on-triple-fault', 'reset', '--stats',
             '--stop-after', str(wanted - done)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors='replace')
        count = re.search(r'^instructions +(\d+)', run.stderr, re.M)
        if run.returncode != 0 or not count:
            sys.exit(f'seed {seed}: status {run.returncode}\n{run.stderr[-4000:]}')
        done += max(int(count[1]), 1)
        print(f'seed {seed}: {count[1]} instructions')
        seed += 1
print(f'{done} instructions')
