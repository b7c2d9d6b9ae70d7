#!/usr/bin/env python3
"""How long a Linux guest with 512 MB of used memory stands still while `anachron fork` makes two of it.

    tests/machines/standstill.py BUILD/anachron BUILD/guests [FORKS]    (or: ninja -C build bench-fork)

The guest fills a RAM disk (64 MB of random bytes, and a program at many offsets), and 16 MB of its disk,
which are in the overlay then. Prints what the machine's log says of each fork (10), how long the command
took, and the load of this host, whose processors the new process has to wait for, too.
"""
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'boot'))
from bench import Bench, check  # noqa: E402
from guests import Guests  # noqa: E402

FILL = ('mkdir /t; mount -t tmpfs -o size=600M t /t; dd if=/dev/urandom of=/t/r bs=1M count=64; '
        'P=$(readlink -f /proc/$$/exe); i=0; while [ $(df -m /t | tail -1 | awk "{print \\$3}") -lt 440 ]; '
        'do (head -c $((i*13+1)) /dev/zero; cat $P) > /t/f$i; i=$((i+1)); done; '
        'dd if=/dev/urandom of=/root/big bs=1M count=16; sync; free -m; echo filled-$((6*7))')


def ctl(b, *words):
    done = subprocess.run([b.anachron, 'ctl', b.path('pc', 'running/control'), *words],
                          capture_output=True, text=True)
    check(done.returncode == 0, f'{words}: {done.stderr}')


def main():
    anachron, cache = map(os.path.abspath, sys.argv[1:3])
    forks = int(sys.argv[3]) if len(sys.argv) > 3 else 10
    os.environ['PATH'] += ':/usr/sbin:/sbin'
    with tempfile.TemporaryDirectory(prefix='standstill-') as folder:
        b = Bench(anachron, folder)
        b.run('new', 'pc', '--disk', str(Guests(cache).build('disk')), '--memory', '640M', '--display',
              'none', '--serial', f'file:{folder}/serial', '--clock', 'virtual')
        b.start('pc')
        try:
            for text, expected in (('', 'anachron login: '), ('root\r', '# '),
                                   (FILL + '\r', 'filled-42')):
                if text:
                    ctl(b, 'serial', text)
                ctl(b, 'wait', 'serial', expected, '3600s')
            with open(f'{folder}/serial', errors='replace') as serial:
                print(next(line for line in serial if line.startswith('Mem:')), end='')
            # As a machine that somebody uses: with work to do, and time in between.
            ctl(b, 'serial', 'while :; do md5sum /t/r > /dev/null; done\r')
            took = []
            for _ in range(forks):
                time.sleep(1)
                begin = time.monotonic()
                b.run('fork', 'pc', 'twin')
                took.append(time.monotonic() - begin)
                b.run('stop', 'twin', '--discard')
                b.run('rm', 'twin')
            still = [float(ms) for ms in re.findall(r'stood still for ([0-9.]+) ms', b.run('log', 'pc'))]
            check(len(still) == forks, 'a fork was not one of the process')
        finally:
            for name in b.ls():
                b.run('stop', name, '--discard', status=None)
    print('stood still, ms:', *still)
    print(f'median {statistics.median(still)} ms; the command {statistics.median(took):.2f} s; '
          f'load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors')


main()
