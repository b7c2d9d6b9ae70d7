#!/usr/bin/env python3
"""Boots a test image of the firmware's services from a floppy and tells how it went.

run.py IMAGE [--emulator PATH | --qemu] [--bios F] [--vgabios F]

The machine gets the image as a 1.44 MB floppy and an empty hard disk of 20 MiB. Exit status 0 when the image ran
to its end and nothing failed. By hand: run.py build/tests/bios/video.img --emulator build/anachron
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('image')
    parser.add_argument('--emulator')
    parser.add_argument('--qemu', action='store_true')
    parser.add_argument('--bios')
    parser.add_argument('--vgabios')
    parser.add_argument('--verbose', action='store_true')
    parser.add_argument('--timeout', type=int, default=120)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        floppy, disk, out = (os.path.join(folder, n) for n in ('floppy.img', 'disk.img', 'out.txt'))
        shutil.copy(args.image, floppy)
        with open(disk, 'wb') as f:
            f.truncate(20 << 20)
        if args.qemu:
            command = ['qemu-system-i386', '-M', 'pc', '-m', '16', '-display', 'none', '-no-reboot',
                       '-drive', f'file={floppy},format=raw,if=floppy', '-drive', f'file={disk},format=raw',
                       '-boot', 'a', '-debugcon', f'file:{out}', '-device', 'isa-debug-exit,iobase=0x501']
            if args.bios:
                command += ['-bios', args.bios]
            if args.vgabios is None and args.bios:
                command += ['-vga', 'none', '-device', 'VGA,romfile=']
        else:
            command = [args.emulator, 'run', '--memory', '16M', '--floppy', floppy, '--disk', disk, '--boot', 'a',
                       '--debugcon', f'file:{out}', '--display', 'none', '--serial', 'none']
            if args.bios:
                command += ['--bios', args.bios]
            if args.vgabios:
                command += ['--vgabios', args.vgabios]
        try:
            run = subprocess.run(command, timeout=args.timeout, capture_output=True, text=True)
            status = run.returncode
            errors = run.stderr
        except subprocess.TimeoutExpired:
            status, errors = 'time-out', ''
        text = open(out, errors='replace').read() if os.path.exists(out) else ''
    lines = text.splitlines()
    note = ''
    for line in lines:
        if line.startswith('# '):
            note = line
        if args.verbose or line.startswith('not ok'):
            print(line if args.verbose else f'{line}   {note}')
    end = [line for line in lines if re.match(r'passed \d+ failed \d+$', line)]
    print(end[0] if end else f'did not end (status {status})\n{errors}' + '\n'.join(lines[-5:]))
    sys.exit(0 if end and end[0].endswith('failed 0') and not end[0].startswith('passed 0 ') else 1)


if __name__ == '__main__':
    main()
