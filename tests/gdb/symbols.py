#!/usr/bin/env python3
"""Assembles guest.asm, and writes its symbols as a Python module's dictionary.

    symbols.py NASM guest.asm guest.bin guest_symbols.py
"""
import pathlib
import re
import subprocess
import sys
import tempfile

nasm, source, image, module = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    text = pathlib.Path(source).read_text() + f'\n[map symbols {folder}/map]\n'
    pathlib.Path(folder, 'guest.asm').write_text(text)
    subprocess.run([nasm, '-f', 'bin', '-I', f'{pathlib.Path(source).parent}/', '-o', image, f'{folder}/guest.asm'], check=True)
    lines = pathlib.Path(folder, 'map').read_text().splitlines()
names = {}
for line in lines:
    found = re.fullmatch(r'\s*([0-9A-F]+)\s+(?:[0-9A-F]+\s+)?([a-z_][\w.]*)\s*', line)
    if found:
        names[found[2]] = int(found[1], 16)
pathlib.Path(module).write_text(f'SYMBOLS = {names!r}\n')
