#!/usr/bin/env python3
"""ROMs that bring no firmware: sizes, where they lie, and how they report.

Run alone: tests/cli/roms.py BUILD/anachron BUILD/tests/cli/rom.bin
"""
import os
import subprocess
import sys

from checks import run_checks

anachron = os.path.abspath(sys.argv[1])
image = open(sys.argv[2], 'rb').read()
CODES = [f'POST {code:02X}' for code in [1, 2, 3, 4, 5, 6, 7, 0x19, 0xFF]]


def run(folder, rom, *args, status=0):
    with open(f'{folder}/rom', 'wb') as out:
        out.write(rom)
    command = [anachron, 'run', '--display', 'none', '--cpu', '386', '--memory', '1M', '--bios',
               f'{folder}/rom', *args]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120, cwd=folder)
    assert done.returncode == status, f'status {done.returncode}, not {status}: {done.stderr}'
    return done


def reports_by_every_way(folder):
    for size in [64, 128, 192, 256]:
        rom = bytes(size * 1024 - len(image)) + image
        done = run(folder, rom, '--post', 'stdio', '--serial', 'file:serial', '--printer', 'file:printer',
                   '--debugcon', 'file:debug')
        assert done.stdout.split('\n')[:-1] == CODES, done.stdout
        for name in ['serial', 'printer', 'debug']:
            text = open(f'{folder}/{name}', 'rb').read()
            assert text == b'rom ok\n', f'{name}: {text!r}'
        assert 'the last POST code was FFh' in done.stderr, done.stderr
    done = run(folder, image, '--post', 'file:codes', '--stats')
    assert open(f'{folder}/codes').read().split('\n')[:-1] == CODES
    assert 'POST codes     9\nlast POST code 255\n' in done.stderr, done.stderr


def larger_roms_lie_below_one_mib_too(folder):
    rom = b'\x11' * 65536 + b'\x22' * 65536 + b'\x33' * 65536 + image
    with open(f'{folder}/script', 'w') as out:
        out.write('wait post 0xFF 1s\nmemory 0xe0000 1 e\nmemory 0xfffc0000 1 top\nmemory 0xfffd0000 1 next\n'
                  'memory 0xd0000 1 d\nquit 0\n')
    run(folder, rom, '--script', 'script')
    read = lambda name: open(f'{folder}/{name}', 'rb').read()
    assert (read('e'), read('top'), read('next')) == (b'\x33', b'\x11', b'\x22')
    assert read('d') != b'\x22'
    run(folder, b'\xff' * 4096 + image[-4096:], '--script', 'script', status=3)


def waiting_for_codes(folder):
    def script(text, status):
        with open(f'{folder}/script', 'w') as out:
            out.write(text)
        return run(folder, image, '--script', 'script', status=status).stderr
    script('wait post 0xff\nquit 5\n', 5)
    assert 'wait post: timed out' in script('wait post 0x55 1s\n', 3)
    assert 'code is 0 to 255' in script('wait post 256\n', 1)
    assert 'wait post CODE' in script('wait post\n', 1)


def bad_sizes_are_refused(folder):
    for size in [0, 1, 2048, 65535, 65537, 3 * 32768, (16 << 20) + 65536]:
        done = run(folder, bytes(size), status=1)
        assert done.stderr.count('\n') == 1 and 'rom' in done.stderr, done.stderr
        if 0 < size <= 16 << 20:
            assert f'{size} bytes is no size of a ROM' in done.stderr, done.stderr


run_checks([reports_by_every_way, larger_roms_lie_below_one_mib_too, waiting_for_codes,
            bad_sizes_are_refused], sys.argv[3:])
