#!/usr/bin/env python3
"""What a moving picture costs: a guest that changes every pixel in every frame, by the paced clock.

    tests/bench/screen/screen.py build/anachron build/tests/bench/screen/screen-13.elf ...
    ninja -C build bench-screen

The picture is drawn 70 times a second as for a window, and hashed. A line for each guest and engine: the share of a
host processor that the whole emulator takes (processor time for each second of the guest), the share without drawing,
and frames for each second of real time, which are too few when others keep the host busy. Exit status 1 if the share is
a whole processor or more.
"""
import os
import re
import subprocess
import sys
import tempfile
import time

SECONDS = 5
RATES = {'13': 70.08, '1024': 30}


def run(emulator, image, engine, draws):
    """Processor time and real time of a run, and frames shown."""
    with tempfile.NamedTemporaryFile('w', suffix='.script') as script:
        looks = 'frame\n' if draws else ''
        script.write(f'sleep 14286us\n{looks}' * (70 * SECONDS * 2) + 'quit 1\n')
        script.flush()
        command = [emulator, 'run', '--multiboot', image, '--display', 'none', '--serial', 'none', '--debugcon', 'stdio',
                   '--clock', 'paced', '--engine', engine, '--script', script.name]
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        text = process.stdout.read()
        _, _, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
    frames = [int(count) for count in re.findall(r'^frames (\d+)', text, re.M)]
    pictures = set(re.findall(r'^frame \S+ (\S+)', text, re.M))
    return usage.ru_utime + usage.ru_stime, seconds, frames[-1] if frames else 0, len(pictures)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    good = True
    print('guest     engine   share   without drawing   frames/s   pictures seen')
    for image in sys.argv[2:]:
        name = re.search(r'screen-(\d+)', image)[1]
        for engine in ('interp', 'jit'):
            plain = run(sys.argv[1], image, engine, False)
            busy, seconds, frames, pictures = run(sys.argv[1], image, engine, True)
            share, alone = (cpu / (count / RATES[name]) for cpu, count in ((busy, frames), (plain[0], plain[2])))
            ok = frames >= 0.98 * SECONDS * RATES[name] and pictures > 100 and share < 1
            print(f'{name:9} {engine:8} {share:5.0%}   {alone:15.0%}   {frames / seconds:8.1f}   {pictures:13}'
                  f'{"" if ok else "   NOT ENOUGH"}', flush=True)
            good = good and ok
    sys.exit(0 if good else 1)


if __name__ == '__main__':
    main()
