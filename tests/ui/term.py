#!/usr/bin/python3
"""--display term on a pseudo-terminal: what is on the screen, keys, and the way out.

Run alone: tests/ui/term.py BUILD/anachron BUILD/tests/ui/events.bin
"""
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import termios
import time

anachron, events_image = (os.path.abspath(path) for path in sys.argv[1:3])
PATIENCE = float(os.environ.get('PATIENCE', 60))


def read_until(fd, pattern, text=b''):
    limit = time.time() + PATIENCE
    while not re.search(pattern, text):
        assert time.time() < limit, f'{pattern} is not in {text!r}'
        if select.select([fd], [], [], 0.2)[0]:
            text += os.read(fd, 65536)
    return text


def run(folder):
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    log = f'{folder}/serial'
    process = subprocess.Popen([anachron, 'run', '--display', 'term', '--serial', f'file:{log}',
                                '--control', f'{folder}/control', '--floppy',
                                f'{events_image},snapshot', '--boot', 'a'],
                               stdin=slave, stdout=slave, stderr=subprocess.PIPE, text=True)
    try:
        text = read_until(master, rb'events')
        assert text.startswith(b'\033[?1049h'), 'the alternate screen'
        limit = time.time() + PATIENCE
        while open(log).read().count('A FA') < 7 and time.time() < limit:
            time.sleep(0.05)
        os.write(master, b'aB\033[A\001\001')
        expected = ''.join(f'K {code}\n' for code in
                           '1E 9E 2A 30 B0 AA E0 48 E0 C8 1D 1E 9E 9D'.split())
        while expected not in open(log).read() and time.time() < limit:
            time.sleep(0.05)
        assert expected in open(log).read(), open(log).read()
        # Graphics are not for a terminal, which says so.
        subprocess.run([anachron, 'ctl', f'{folder}/control', 'type', '{f1}'], check=True)
        read_until(master, rb'shows graphics')
        subprocess.run([anachron, 'ctl', f'{folder}/control', 'type', '{f2}'], check=True)
        os.write(master, b'\001x')
        read_until(master, rb'\033\[\?1049l')
        assert process.wait(PATIENCE) == 0, process.stderr.read()
        assert termios.tcgetattr(slave) == before, 'the terminal is not as it was'
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


with tempfile.TemporaryDirectory() as scratch:
    run(scratch)
print('ok')
