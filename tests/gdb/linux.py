#!/usr/bin/env python3
"""A real Linux under gdb: breakpoints in kernel and program, watched variables, interrupt handlers, and
all of it backwards. Addresses come from the guest's own /proc/kallsyms.

Run alone: tests/gdb/linux.py BUILD/anachron ENGINE BUILD/guests
"""
import os
import pathlib
import re
import subprocess
import sys
import time

from session import Machine, client_of, equal, run_tests, show, state_of

anachron, engine, cache = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'boot'))
from guests import Guests  # noqa: E402
from packages import Unavailable  # noqa: E402

NAMES = ['get_jiffies_64', 'ksys_sync', 'asm_sysvec_apic_timer_interrupt', 'asm_exc_page_fault', 'do_exit', '_text',
         '_etext']


class Linux(Machine):
    """Booted to a shell, which stands on the first serial port."""

    def __init__(self, guest):
        super().__init__(anachron, '--engine', engine, '--memory', '64M', '--kernel', guest['kernel'], '--initrd',
                         guest['initrd'], '--append', 'console=ttyS0,115200 nokaslr', '--clock', 'virtual')
        self.control, self.serial = f'{self.folder.name}/control', f'{self.folder.name}/serial'
        self.command[self.command.index(self.where)] += ',nowait'
        self.command += ['--control', self.control, '--serial', f'file:{self.serial}']

    def ask(self, *words):
        done = subprocess.run([anachron, 'ctl', self.control, *words], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=900)
        assert done.returncode == 0, (words, done.stdout)
        return done.stdout

    def boot(self):
        self.ask('wait', 'serial', 'guest: init runs', '600s')
        self.ask('wait', 'serial', '# ', '60s')

    def symbols(self):
        pattern = '|'.join(NAMES)
        self.ask('serial', f'grep -E " ({pattern})$" /proc/kallsyms; echo end-$((6*7))\r')
        self.ask('wait', 'serial', 'end-42', '60s')
        text = pathlib.Path(self.serial).read_text(errors='replace')
        found = {name: int(address, 16) for address, name in re.findall(r'^([0-9a-f]{8}) \S (\w+)\r?$', text, re.M)}
        assert set(NAMES) <= set(found), (sorted(found), text[-500:])
        found['jiffies'] = self.jiffies(found['get_jiffies_64'])
        return found

    def jiffies(self, function):
        """Only functions have names in the guest: the function that reads the variable's halves knows where it is."""
        code = self.ask('disassemble', hex(function), '20')
        read = {int(address, 16) for address in re.findall(r'\[(0x[0-9a-f]{8})\]', code)}
        both = [address for address in read if address + 4 in read]
        assert len(both) == 1, code
        return both[0]


def number(c, address):
    return int.from_bytes(c.memory(address, 4), 'little')


def replayed(c):
    """Instructions that have been run again so far."""
    return int(re.search(r'replayed +(\d+)', c.monitor('history'))[1])


def timed(c, packet, what):
    before, start = replayed(c), time.time()
    answer = c.ask(packet)
    print(f'  {what}: {time.time() - start:.2f} s, {(replayed(c) - before) / 1e6:.1f} million instructions again')
    return answer


def in_kernel(at, c):
    """A breakpoint in a system call, and the variable that counts time."""
    c.ask(f'Z0,{at["ksys_sync"]:x},1')
    c.monitor('serial "sleep 1; sync; echo synced-$((6*7))\\r"')
    equal(timed(c, 'c', 'to the system call'), 'T05thread:1;')
    equal(c.pc(), at['ksys_sync'])
    back = number(c, c.register(4))
    assert at['_text'] < back < at['_etext'], hex(back)
    here = state_of(c.monitor('state'))
    c.ask(f'z0,{at["ksys_sync"]:x},1')
    return here


def backwards(at, c, here):
    """Three writes of jiffies back, each the moment before it; a step from there writes."""
    c.ask(f'Z2,{at["jiffies"]:x},4')
    value = number(c, at['jiffies'])
    for back in range(3):
        equal(timed(c, 'bc', 'to the last tick'), f'T05thread:1;watch:{at["jiffies"]:x};')
        assert at['_text'] < c.pc() < at['_etext'], hex(c.pc())
        equal(number(c, at['jiffies']), value - 1 - back)
    equal(c.ask('s'), f'T05thread:1;watch:{at["jiffies"]:x};')
    equal(number(c, at['jiffies']), value - 2)
    c.ask(f'z2,{at["jiffies"]:x},4')
    c.ask(f'Z0,{at["ksys_sync"]:x},1')
    equal(timed(c, 'c', 'forward to where it was'), 'T05thread:1;')
    equal(state_of(c.monitor('state')), here, 'forward again')
    c.ask(f'z0,{at["ksys_sync"]:x},1')


def through_interrupt(at, c):
    """The last timer interrupt: what it interrupted, and the first instructions of its handler."""
    handler = at['asm_sysvec_apic_timer_interrupt']
    c.ask(f'Z1,{handler:x},1')
    equal(timed(c, 'bc', 'to the last timer interrupt'), 'T05thread:1;')
    equal(c.pc(), handler)
    saved = number(c, c.register(4))
    c.ask(f'z1,{handler:x},1')
    equal(timed(c, 'bs', 'a step back'), 'T05thread:1;')
    equal(c.pc(), saved, 'what was interrupted')
    c.ask('s')
    equal(c.pc(), handler)
    steps = [c.pc()]
    for _ in range(10):
        c.ask('s')
        steps.append(c.pc())
    for wanted in reversed(steps[:-1]):
        c.ask('bs')
        equal(c.pc(), wanted)


def in_program(at, c):
    """A breakpoint in a program, by the address in its own space; it is met there, in user mode."""
    fault = at['asm_exc_page_fault']
    c.ask(f'Z0,{fault:x},1')
    while True:
        equal(c.ask('c'), 'T05thread:1;')
        eip, cs = number(c, c.register(4) + 4), number(c, c.register(4) + 8)
        if cs & 3 == 3:
            break
    c.ask(f'z0,{fault:x},1')
    c.ask(f'Z0,{eip:x},1')
    equal(c.ask('c'), 'T05thread:1;')
    equal(c.pc(), eip)
    equal(c.register(10) & 3, 3, 'CPL')
    c.ask(f'z0,{eip:x},1')


def a_minute_back(at, c):
    """A guest that mostly sleeps: to where it was a minute ago."""
    c.ask(f'Z0,{at["ksys_sync"]:x},1')
    c.monitor('serial "sync; sleep 60; sync\\r"')
    equal(c.ask('c'), 'T05thread:1;')
    before = state_of(c.monitor('state'))
    equal(c.ask('c'), 'T05thread:1;')
    after = state_of(c.monitor('state'))
    start = time.time()
    equal(timed(c, 'bc', 'a minute back'), 'T05thread:1;')
    took = time.time() - start
    equal(state_of(c.monitor('state')), before, 'a minute ago')
    equal(timed(c, 'c', 'a minute forward'), 'T05thread:1;')
    equal(state_of(c.monitor('state')), after, 'a minute forward')
    c.ask(f'z0,{at["ksys_sync"]:x},1')
    assert took < 10, took  # on a host that does other things


def long_way(at, c):
    """Ctrl-C on a way back that would take long."""
    newest = re.search(r'newest +(\d+)', c.monitor('history'))[1]
    c.ask(f'Z0,{at["_text"]:x},1')
    c.send('bc')
    time.sleep(1)
    start = time.time()
    answer = c.interrupt()
    print(f'  interrupted: {time.time() - start:.2f} s, {answer}')
    assert answer == 'T02thread:1;' or 'replaylog:begin' in answer, answer
    assert time.time() - start < 10
    c.ask(f'z0,{at["_text"]:x},1')
    assert f'icount {newest} ' in c.monitor(f'seek {newest}')


def debugging():
    try:
        guest = Guests(cache).build('linux-6.1')
    except Unavailable as reason:
        print(f'SKIPPED: {reason}')
        sys.exit(77)
    with Linux(guest) as m:
        start = time.time()
        m.boot()
        at = m.symbols()
        print(f'  boot: {time.time() - start:.1f} s')
        with client_of(m) as c:
            c.ask('qSupported:xmlRegisters=i386')
            a_minute_back(at, c)
            here = in_kernel(at, c)
            backwards(at, c, here)
            through_interrupt(at, c)
            in_program(at, c)
            long_way(at, c)
            print(c.monitor('history'))
        # gdb itself, with the addresses as it has them.
        lines = m.values(f'hbreak *{at["do_exit"]}', 'continue', show('$pc', '$cpl'), 'reverse-stepi', 'stepi',
                         show('$pc'), 'info registers cr3', 'delete', 'detach')
        equal(lines, [[f'{at["do_exit"]:x}', '0'], [f'{at["do_exit"]:x}']])
        m.ask('wait', 'serial', 'synced-42', '60s')
        m.ask('serial', 'echo sum $((6*7))\r')
        m.ask('wait', 'serial', 'sum 42', '60s')
        m.ask('serial', 'poweroff -f\r')
        m.end()


if __name__ == '__main__':
    run_tests([debugging], [])
