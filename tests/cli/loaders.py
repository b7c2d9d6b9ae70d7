#!/usr/bin/env python3
"""Kernels that check how they were loaded: multiboot.asm, linux.asm.

Run alone: tests/cli/loaders.py BUILD/anachron BUILD/tests/cli
"""
import os
import subprocess
import sys
import tempfile

anachron, images = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
failures = 0


def run(name, *args):
    global failures
    done = subprocess.run([anachron, 'run', '--display', 'none', '--memory', '16M', *args],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    if done.returncode == 0:
        print(f'ok {name}')
        return
    failures += 1
    print(f'FAILED {name}: status {done.returncode} (check {done.returncode - 16})\n{done.stderr}')


with tempfile.TemporaryDirectory() as folder:
    def file(name, data):
        path = os.path.join(folder, name)
        with open(path, 'wb') as out:
            out.write(data)
        return path

    first, second = file('a', b'first!'), file('b', b'second' * 1000)
    initrd = file('initrd', b'init' + b'.' * 4995 + b'Z')
    run('multiboot', '--multiboot', f'{images}/multiboot.bin', '--append', 'one two',
        '--module', f'{first} argument', '--module', second)
    for image in sorted(os.listdir(images)):
        if image.startswith('linux-') and image.endswith('.bin'):
            ramdisk = [] if image == 'linux-0.bin' else ['--initrd', initrd]
            run(image, '--kernel', f'{images}/{image}', '--append', 'one two vga=3', *ramdisk)
sys.exit(1 if failures else 0)
