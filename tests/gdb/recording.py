#!/usr/bin/env python3
"""gdb on a recording: `anachron replay LOG --gdb`, both ways, in the state that was recorded.

Run alone: tests/gdb/recording.py BUILD/anachron ENGINE BUILD/tests/gdb/guest.bin
"""
import os
import subprocess
import sys
import tempfile

from session import Machine, client_of, equal, run_tests, state_of

anachron, engine, image = os.path.abspath(sys.argv[1]), sys.argv[2], os.path.abspath(sys.argv[3])
sys.path.insert(0, os.path.dirname(image))
from guest_symbols import SYMBOLS as AT  # noqa: E402

COUNTER, ROUND, ROUNDS = 0x600, 0x610, 50


def record(folder):
    """A run in the other engine; its state at the end."""
    other = 'interp' if engine == 'jit' else 'jit'
    with open(f'{folder}/script', 'w') as script:
        script.write('sleep 5ms\ntype "a"\nwait halt 60s\nstate\nquit 0\n')
    done = subprocess.run([anachron, 'run', '--display', 'none', '--engine', other, '--bios', image, '--record',
                           f'{folder}/log', '--script', f'{folder}/script'], stdout=subprocess.PIPE, text=True,
                          check=True)
    return state_of(done.stdout)


class Replay(Machine):
    def __init__(self, log):
        super().__init__(anachron)
        self.command = [anachron, 'replay', log, '--engine', engine, '--gdb', self.where]


def recording():
    with tempfile.TemporaryDirectory() as folder:
        recorded = record(folder)
        with Replay(f'{folder}/log') as m, client_of(m) as c:
            c.ask('qSupported:swbreak+;hwbreak+')
            c.ask(f'Z0,{AT["on_timer"]:x},1')
            seen = []
            for _ in range(5):
                equal(c.ask('c'), 'T05thread:1;swbreak:;')
                seen.append((c.pc(), state_of(c.monitor('state'))))
            # A seek passes over breakpoints.
            assert 'icount 400000 ' in c.monitor('seek 400000'), 'seek'
            c.monitor(f'seek {seen[-2][1][0]}')
            equal(c.ask('c'), 'T05thread:1;swbreak:;')
            equal((c.pc(), state_of(c.monitor('state'))), seen[-2])
            equal(c.ask('c'), 'T05thread:1;swbreak:;')
            for wanted in reversed(seen[:-1]):
                equal(c.ask('bc'), 'T05thread:1;swbreak:;')
                equal((c.pc(), state_of(c.monitor('state'))), wanted)
            c.ask(f'z0,{AT["on_timer"]:x},1')
            # What is recorded cannot be changed.
            equal(c.ask('P0=12345678'), 'E1e')
            equal(c.ask(f'M{COUNTER:x},4:01020304'), 'E1e')
            equal(c.ask('c'), 'T05thread:1;replaylog:end;')
            equal(state_of(c.monitor('state')), recorded)
            equal(c.ask('c'), 'T05thread:1;replaylog:end;')
            c.ask(f'Z2,{ROUND:x},4')
            equal(c.ask('bc'), f'T05thread:1;watch:{ROUND:x};')
            equal(int.from_bytes(c.memory(ROUND, 4), 'little'), ROUNDS - 1)
            c.ask(f'z2,{ROUND:x},4')
            equal(c.ask('bc'), 'T05thread:1;replaylog:begin;')
            equal(c.pc(), 0xFFFFFFF0)
            equal(c.ask('c'), 'T05thread:1;replaylog:end;')
            equal(state_of(c.monitor('state')), recorded)


if __name__ == '__main__':
    run_tests([recording], [])
