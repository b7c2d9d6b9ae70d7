#!/usr/bin/env python3
"""The past of a machine, by scripts and the control socket: seek in both directions, another future
from an earlier moment, disks that follow, and a machine that becomes two.

Run alone: tests/cli/history.py BUILD/anachron IMAGE     (IMAGE: saved.asm, assembled)
"""
import contextlib
import os
import random
import shutil
import subprocess
import sys
import time

from checks import named, run_checks
from control_client import Asker, machine

anachron, image = (os.path.abspath(path) for path in sys.argv[1:3])
ENGINES = ['interp', 'jit']


def images(folder):
    shutil.copy(image, folder / 'kernel')
    for name in ['direct.img', 'base.img']:
        (folder / name).write_bytes(random.Random(name).randbytes(1 << 20))


def options(engine, first='direct.img'):
    return ['--engine', engine, '--memory', '4M', '--multiboot', 'kernel', '--disk', first,
            '--disk', 'base.img,snapshot']


def run(folder, engine, script, *more, status=0):
    images(folder)
    (folder / 'script').write_text(script)
    words = [anachron, 'run', '--display', 'none', *options(engine), '--script', 'script', *more]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=300, cwd=folder)
    assert done.returncode == status, f'status {done.returncode}, not {status}: {done.stderr}'
    return done.stderr if status else done.stdout


def states(output):
    return [line for line in output.splitlines() if ' state ' in line and 'in_past' not in line]


def icount(state):
    return int(state.split()[1])


def goes_back_and_forth(folder, engine):
    straight = states(run(folder, engine, 'sleep 400ms\nstate\nsleep 300ms\nstate\nsleep 300ms\n'
                          'state\nquit 0\n'))
    disk = (folder / 'direct.img').read_bytes()
    first, second, last = map(icount, straight)
    for size in ['96M', '1M']:
        ways = f'seek {second}\nstate\nseek +{last - second}\nstate\nseek {second}\nstate\n'
        if size == '96M':
            ways += f'seek -{second - first}\nstate\nseek 0\nseek -1\nseek 700ms\nstate\n'
        found = states(run(folder, engine, 'sleep 400ms\nstate\nsleep 300ms\ncheckpoint\nstate\n'
                           f'sleep 300ms\nstate\n{ways}quit 0\n', '--history', size))
        wanted = straight + [straight[1], straight[2], straight[1]]
        if size == '96M':
            wanted += [straight[0], straight[1]]
        assert found == wanted, f'{size}: {found}, not {wanted}'
        now = (folder / 'direct.img').read_bytes()
        differ = [i for i in range(len(disk)) if disk[i] != now[i]]
        assert now == disk, f'a seek has written to a disk: {size} {len(differ)} bytes from {differ[:3]}'


def has_another_future(folder, engine):
    """From an earlier moment, the same comes again if the same is done; the disk follows."""
    straight = states(run(folder, engine, 'sleep 400ms\nstate\nsleep 300ms\nstate\nquit 0\n'))
    disk = (folder / 'direct.img').read_bytes()
    output = run(folder, engine, 'sleep 400ms\nsleep 300ms\nsleep 300ms\n'
                 f'seek {icount(straight[0])}\nlive\nstate\nsleep 300ms\nstate\nhistory\nquit 0\n')
    assert states(output) == straight, f'{output}, not {straight}'
    assert 'in_past          no' in output, output
    assert (folder / 'direct.img').read_bytes() == disk, 'the disk is not what it was'
    other = states(run(folder, engine, 'sleep 1s\n'
                       f'seek {icount(straight[0])}\nlive\nkey down a\nsleep 300ms\nstate\nquit 0\n'))
    assert other and other[0] != straight[1], 'a key has changed nothing'


def refuses(folder, engine):
    for script, more, text in [
            ('seek 0\n', ['--history', 'none'], 'the past of this machine is not kept'),
            ('sleep 10ms\nseek +1000000\n', [], 'not in the past that is kept'),
            ('sleep 10ms\nseek 20s\n', [], 'not in the past that is kept'),
            ('sleep 10ms\nseek -5ms\ncheckpoint\n', [], 'go live first'),
            ('sleep 10ms\nseek -5ms\nsave keyword\n', [], 'go live first'),
            ('sleep 10ms\nseek -5ms\nkey down a\n', [], 'takes nothing from outside'),
            ('split copy\n', [], 'direct.img is written directly')]:
        usage = 'checkpoint' in script or 'key' in script
        error = run(folder, engine, script + 'quit 0\n', *more, status=2 if usage else 1)
        assert text in error and error.count('\n') == 1, f'{script!r}: {error!r}'
    error = run(folder, engine, 'seek yesterday\n', status=1)
    assert 'is no moment' in error, error
    for size in ['0', '1K', 'x', '96MM']:
        error = run(folder, engine, 'quit 0\n', '--history', size, status=2)
        assert '--history' in error and error.count('\n') == 1, error


def wait_for(path):
    for _ in range(500):
        with contextlib.suppress(OSError):
            return Asker(path)
        time.sleep(0.02)
    raise AssertionError(f'nobody listens at {path}')


def becomes_two(folder, engine):
    images(folder)
    with machine(anachron, str(folder), *options(engine, 'direct.img,snapshot')) as ask:
        ask('sleep', duration='300ms')
        ask('pause')
        forked = ask('split', socket=str(folder / 'copy'), how=['paused'])
        second = ask('split', socket=str(folder / 'second'))
        assert 'cannot' in ask.refused('split', socket=str(folder / 'no' / 'such')), 'a bad socket'
        copy = wait_for(str(folder / 'copy'))
        assert copy('status')['state'] == 'paused' and ask('state') == copy('state')
        there = ask('state')['icount']
        for who in [copy, ask]:
            who('step', count=20000000)
        assert ask('state') == copy('state'), 'the copy has another future'
        copy('rate', mips=200)
        for who in [copy, ask]:
            who('step', count=20000000)
        assert ask('state') != copy('state'), 'the copy is not a machine of its own'
        for who in [copy, ask]:
            who('seek', where=str(there + 1000))
        assert ask('state') == copy('state'), 'the copy has another past'
        running = wait_for(str(folder / 'second'))
        assert running('status')['state'] == 'running' and second['pid'] != forked['pid']
        os.kill(second['pid'], 15)
        copy('quit')
        for _ in range(500):
            if not os.path.exists(folder / 'second') and not os.path.exists(folder / 'copy'):
                break
            time.sleep(0.02)
        assert not os.path.exists(folder / 'second'), 'a copy that was ended has left its socket'
        assert ask('status')['state'] == 'paused'
        ask('quit')


run_checks([named(f'{case.__name__} {engine}', case, engine) for engine in ENGINES
            for case in [goes_back_and_forth, has_another_future, refuses, becomes_two]], sys.argv[3:])
