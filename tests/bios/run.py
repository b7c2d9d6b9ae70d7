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
import struct
import subprocess
import sys
import tempfile

# Name: tracks, heads, sectors a track.
FORMATS = {
    '160k': (40, 1, 8), '180k': (40, 1, 9), '320k': (40, 2, 8), '360k': (40, 2, 9), '720k': (80, 2, 9),
    '1200k': (80, 2, 15), '1440k': (80, 2, 18), '1680k': (80, 2, 21), '2880k': (80, 2, 36),
}


def make_diskette(path, tracks, heads, sectors):
    """An image with a parameter block; every sector has its number in bytes 2 and 3."""
    with open(path, 'wb') as f:
        for number in range(tracks * heads * sectors):
            sector = bytearray(512)
            sector[2:4] = struct.pack('<H', number)
            if number == 0:
                struct.pack_into('<HBHBHHBHHH', sector, 0x0B, 512, 1, 1, 2, 112, tracks * heads * sectors, 0xF0, 3,
                                 sectors, heads)
            f.write(sector)


def make_cd(path, image, disk):
    """An ISO 9660 frame with an El Torito catalog for a diskette, or for a hard disk of 16 heads and 63 sectors."""
    data = bytearray(open(image, 'rb').read()[:1474560].ljust(1474560, b'\0'))
    if disk:
        data += bytes(63 * 16 * 8 * 512 - len(data))
        data[446:462] = struct.pack('<BBBBBBBBII', 0x80, 1, 1, 0, 6, 15, 63, 7, 63, 63 * 16 * 8 - 63)
    for number in range(256, len(data) // 512):
        struct.pack_into('<H', data, number * 512, number & 0xFFFF)
    descriptor = b'\1CD001\1'.ljust(2048, b'\0')
    boot = bytearray(b'\0CD001\1EL TORITO SPECIFICATION'.ljust(2048, b'\0'))
    struct.pack_into('<I', boot, 0x47, 19)
    end = b'\xffCD001\1'.ljust(2048, b'\0')
    catalog = bytearray(2048)
    catalog[0] = 1
    catalog[30:32] = b'\x55\xaa'
    struct.pack_into('<H', catalog, 28, -0xAA56 & 0xFFFF)
    struct.pack_into('<BBHBBHI', catalog, 32, 0x88, 4 if disk else 2, 0, 6 if disk else 0, 0, 1, 20)
    with open(path, 'wb') as f:
        f.write(bytes(16 * 2048) + descriptor + boot + end + catalog + data + bytes(150 * 2048))


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument('image')
    parser.add_argument('--emulator')
    parser.add_argument('--engine', default='jit', choices=['interp', 'jit'])
    parser.add_argument('--qemu', action='store_true')
    parser.add_argument('--bios')
    parser.add_argument('--vgabios')
    parser.add_argument('--memory', default='16M')
    parser.add_argument('--cpu')
    parser.add_argument('--format', choices=FORMATS, help='boot from disk, with a diskette of this format')
    parser.add_argument('--cd', choices=('floppy', 'disk'), help='boot from a CD that stands in for one')
    parser.add_argument('--verbose', action='store_true')
    parser.add_argument('--timeout', type=int, default=120)
    return parser.parse_args()


class Media:
    """Images in a folder, and from which drive the machine boots."""

    def __init__(self, args, folder):
        self.floppy, self.disk = f'{folder}/floppy.img', f'{folder}/disk.img'
        self.cd = f'{folder}/cd.iso' if args.cd else None
        self.boot = 'd' if args.cd else 'c' if args.format else 'a'
        shutil.copy(args.image, self.disk if args.format else self.floppy)
        with open(self.disk, 'ab') as f:
            f.truncate(20 << 20)
        if args.format:
            make_diskette(self.floppy, *FORMATS[args.format])
        if args.cd:
            make_cd(self.cd, args.image, args.cd == 'disk')
            for image, mark in ((self.floppy, b'FD'), (self.disk, b'HD')):
                with open(image, 'r+b') as f:
                    f.write(mark)


def qemu_command(args, media, out):
    command = ['qemu-system-i386', '-M', 'pc', '-m', args.memory, '-display', 'none', '-parallel', 'null',
               '-drive', f'file={media.floppy},format=raw,if=floppy', '-drive', f'file={media.disk},format=raw',
               '-boot', media.boot, '-debugcon', f'file:{out}', '-device', 'isa-debug-exit,iobase=0x501']
    if media.cd:
        command += ['-cdrom', media.cd]
    if args.bios:
        command += ['-bios', args.bios]
    if args.vgabios is None and args.bios:
        command += ['-vga', 'none', '-device', 'VGA,romfile=']
    return command


def anachron_command(args, media, out):
    command = [args.emulator, 'run', '--engine', args.engine, '--memory', args.memory, '--floppy', media.floppy,
               '--disk', media.disk, '--boot', media.boot, '--debugcon', f'file:{out}', '--display', 'none',
               '--serial', 'none', '--printer', f'file:{out}.printer']
    for option, value in (('--cdrom', media.cd), ('--bios', args.bios), ('--vgabios', args.vgabios), ('--cpu', args.cpu)):
        if value:
            command += [option, value]
    return command


def run(args):
    """What the image says, the exit status, and what the emulator says."""
    with tempfile.TemporaryDirectory() as folder:
        out = f'{folder}/out.txt'
        command = (qemu_command if args.qemu else anachron_command)(args, Media(args, folder), out)
        try:
            done = subprocess.run(command, timeout=args.timeout, capture_output=True, text=True)
            status, errors = done.returncode, done.stderr
        except subprocess.TimeoutExpired:
            status, errors = 'time-out', ''
        text = open(out, errors='replace').read() if os.path.exists(out) else ''
    return text.splitlines(), status, errors


def main():
    args = arguments()
    lines, status, errors = run(args)
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
