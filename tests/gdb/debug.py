#!/usr/bin/env python3
"""Debian's gdb, and a client by hand, on guest.asm: everything but going back.

Run alone: tests/gdb/debug.py BUILD/anachron ENGINE BUILD/tests/gdb/guest.bin [TEST...]
(guest_symbols.py lies beside guest.bin)
"""
import collections
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time

from session import Client, Machine, client_of, equal, run_tests, show, state_of

anachron, engine, image = os.path.abspath(sys.argv[1]), sys.argv[2], os.path.abspath(sys.argv[3])
sys.path.insert(0, os.path.dirname(image))
from guest_symbols import SYMBOLS as AT  # noqa: E402

COUNTER, TICKS, OWN_HITS, FAULTS, ROUND, SUM, FILLED = 0x600, 0x604, 0x608, 0x60C, 0x610, 0x614, 0x700
LATE, ANSWER = 0xC0001000, 0xC0002000
ROUNDS, OWN_ROUND = 50, 25
TO_THE_END = 'wait halt 60s\nstate\nquit 0\n'


def machine(*options, **named):
    return Machine(anachron, '--engine', engine, '--bios', image, *options, **named)


def real_mode():
    """$pc is linear, CS is visible, and code is shown as 16 bits."""
    with machine() as m:
        out = m.gdb(f'break *{AT["real_count"]}', 'continue', show('$pc', '$cs', '$cs_base', '$ip_offset'),
                    'x/2i $pc', show('$linear_sp', '*(unsigned short*)$linear_sp'), 'set architecture i386',
                    f'break *{AT["protected"]}', 'delete 1', 'continue', show('$pc', '$cs', '$cr0 & 1'),
                    'x/i $pc', 'set architecture i8086', f'x/i {AT["real_count"]}', 'kill')
    lines = [line[2:].split() for line in out.splitlines() if line.startswith('= ')]
    offset = AT['real_count'] - AT['rom']
    equal(lines[0], [f'{AT["real_count"]:x}', 'f000', 'f0000', f'{offset:x}'])
    assert 'incw   0x500' in out and 'ret' in out, out
    after_call = AT['real.loop'] + 3 - AT['rom']
    equal(lines[1], ['6ffe', f'{after_call:x}'])
    equal(lines[2], [f'{AT["protected"]:x}', '8', '1'])
    assert 'mov    $0x10,%ax' in out, out
    equal(out.count('incw   0x500'), 2)
    with machine() as m:
        m.gdb(f'hbreak *{AT["spin"]}', 'continue', 'detach')
        assert 'i386' in m.gdb('show architecture', 'kill'), m.output


def breakpoints():
    """Software and hardware ones are met every time, the guest's own beside them, and in code that runs
    translated."""
    with machine() as m:
        lines = m.values(f'hbreak *{AT["count_up"]}', f'break *{AT["the_end"]}', 'ignore 1 1000', 'continue',
                         'info breakpoints', show('$pc', f'*{COUNTER}', f'*{OWN_HITS}', f'*{ROUND}'), 'kill')
    equal(lines, [[f'{AT["the_end"]:x}', f'{ROUNDS:x}', f'{ROUNDS - OWN_ROUND - 1:x}', f'{ROUNDS:x}']])
    assert f'already hit {ROUNDS + ROUNDS - OWN_ROUND - 1} times' in m.output or \
        f'already hit {ROUNDS} times' in m.output, m.output
    with machine() as m:
        equal(m.values(f'tbreak *{AT["spin.next"] - 4}', f'break *{AT["spin"]} if $ecx == 19990', 'continue',
                       show('$pc', '$ecx'), 'kill'),
              [[f'{AT["spin"]:x}', f'{19990:x}']])


def architectures():
    """From a description with i386 there is no way to i8086 but another description."""
    with machine() as m:
        m.gdb(f'break *{AT["round"]}', 'continue', 'disconnect')
        out = m.gdb('set architecture i8086', f'x/i {AT["real_count"]}', 'monitor arch i8086', 'disconnect')
        assert 'incl' in out and 'incw' not in out, out
        out = m.gdb(f'x/i {AT["real_count"]}', 'set architecture i386', f'x/i {AT["count_up"]}',
                    'monitor arch auto', 'kill')
        assert 'incw   0x500' in out and 'incl   0x600' in out, out


def as_traced():
    """Many breakpoints at random places: each is met exactly when a trace of every instruction says."""
    limit, hits = 150000, 250
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([anachron, 'run', '--display', 'none', '--engine', 'interp', '--bios', image, '--trace',
                        f'insn:{folder}/trace', '--stop-after', str(limit)], check=True, stdin=subprocess.DEVNULL)
        met = []
        for line in open(f'{folder}/trace'):
            icount, where, _, *text = line.split()
            selector, offset = (int(part, 16) for part in where.split(':'))
            if text[0] != 'rep':  # which a trace shows as often as it is cut
                met.append((int(icount), offset + (0xF0000 if selector == 0xF000 else 0)))
    often = collections.Counter(pc for _, pc in met)
    places = sorted(pc for pc in often if often[pc] < 100)
    random.seed(6)
    for _ in range(3):
        chosen = set(random.sample(places, 40))
        wanted = [moment for moment in met[1:] if moment[1] in chosen][:hits]
        with machine() as m, client_of(m) as c:
            for pc in chosen:
                equal(c.ask(f'Z{random.randrange(2)},{pc:x},1'), 'OK')
            for moment in wanted:
                c.ask('c')
                icount = int(re.search(r'icount +(\d+)', c.monitor('history'))[1])
                equal((icount, c.pc()), moment)


def unmapped_and_moved():
    """Breakpoints go by linear address: in a page that is not there yet, and in every address space."""
    with machine() as m:
        lines = m.values(f'break *{LATE}', f'break *{ANSWER}', 'continue', show('$pc', '$cr3'),
                         'stepi', show('$eax'), 'continue', show('$pc', '$cr3'), 'stepi', show('$eax'),
                         'delete 2', 'continue', show('$pc', f'*{FAULTS}'), 'kill')
    equal(lines[:5], [[f'{ANSWER:x}', '10000'], ['a'], [f'{ANSWER:x}', '14000'], ['b'], [f'{LATE:x}', '0']])
    # The first stop is at the address itself, before the page is there; a step takes the fault.
    with machine() as m:
        lines = m.values(f'break *{LATE}', 'continue', show('$pc', f'*{FAULTS}'), 'stepi', show('$pc'),
                         'continue', show('$pc', f'*{FAULTS}'), 'stepi', show('$eax'), 'kill')
    equal(lines, [[f'{LATE:x}', '0'], [f'{AT["on_page_fault"]:x}'], [f'{LATE:x}', '1'], ['1a7e']])


def watchpoints():
    with machine() as m:
        lines = m.values(f'break *{AT["round"]}', 'continue', 'delete', f'watch *(int*){COUNTER}', 'continue',
                         show('$pc', f'*{COUNTER}'), 'continue', show('$pc', f'*{COUNTER}'), 'delete',
                         f'rwatch *(int*){SUM}', 'continue', show('$pc'), 'delete',
                         f'awatch *(int*){ROUND}', 'continue', show('$pc'), 'continue', show('$pc'),
                         'delete', f'watch *(int*){FILLED + 20}', 'continue',
                         show('$pc', '$ecx', '$edi', f'*{FILLED + 20}'), 'kill')
    inc, add = AT['count_up'] + 6, AT['answer_b'] + 11 - AT['answer_b']
    equal(lines[0], [f'{inc:x}', '1'])
    equal(lines[1], [f'{inc:x}', '2'])
    equal(lines[2], [f'{ANSWER + add:x}'])
    equal(lines[3], [f'{AT["fill"]:x}'])          # read into EAX
    equal(lines[4], [f'{AT["spin"] + 10:x}'])     # compared
    # The sixth iteration of sixteen; the round before has left another value there.
    equal(lines[5][:3], [f'{AT["fill"]:x}', 'a', f'{FILLED + 24:x}'])


def steps():
    """Over a repeated instruction, into a fault's and an interrupt's handler, and back."""
    with machine() as m:
        lines = m.values(f'break *{AT["fill"]}', 'continue', 'delete', 'stepi', show('$pc', '$ecx', '$edi'),
                         'stepi 15', show('$pc', '$ecx'), 'kill')
    equal(lines, [[f'{AT["fill"]:x}', 'f', f'{FILLED + 4:x}'], [f'{AT["spin"] - 5:x}', '0']])
    with machine() as m, client_of(m) as c:
        c.ask('?')
        c.ask(f'Z0,{AT["on_timer"]:x},1')
        equal(c.ask('vCont;c'), 'T05thread:1;')
        stack = c.register(4)
        back = int.from_bytes(c.memory(stack, 4), 'little')
        equal(int.from_bytes(c.memory(TICKS, 4), 'little'), 0)
        equal(c.ask(f'z0,{AT["on_timer"]:x},1'), 'OK')
        pcs = [c.pc()]
        for _ in range(6):
            equal(c.ask('s')[:3], 'T05')
            pcs.append(c.pc())
        equal(pcs[:3], [AT['on_timer'], AT['on_timer'] + 1, AT['on_timer'] + 7])
        equal(pcs[-1], back)
        # From here to the next interrupt by steps alone: the first instruction of the handler is met.
        equal(int.from_bytes(c.memory(TICKS, 4), 'little'), 1)
        c.ask(f'Z2,{TICKS:x},4')
        while True:
            c.ask(f'vCont;r{AT["round"]:x},{AT["the_end"]:x}:1')
            if c.pc() == AT['on_timer']:
                break
        equal(int.from_bytes(c.memory(TICKS, 4), 'little'), 1)


def registers():
    with machine() as m:
        lines = m.values(f'break *{AT["round"]}', 'continue', 'set var $eax = 0x12345678', 'set var $xmm3.v4_int32[1] = 0x55',
                         'set var $eflags |= 1', 'set var $st0 = 1.5', 'set var $dr1 = 0x1234', show('$eax', '$ax', '$al',
                         '$xmm3.v4_int32[1]', '$eflags & 1', '$dr1', '$cpl'), 'p $st0', 'set var $cr2 = 0x77', show('$cr2'),
                         f'set var $pc = {AT["the_end"]}', 'stepi', show('$pc', '$eflags & 0x200'),
                         'set var $ss = 0x18', show('$ss'), 'info registers idtr_base', 'p $cr0', 'kill')
    equal(lines, [['12345678', '5678', '78', '55', '1', '1234', '0'], ['77'], [f'{AT["the_end"] + 1:x}', '0'],
                  ['10']])
    assert '= 1.5' in m.output and 'idtr_base      0x16000' in m.output, m.output
    assert '[ PE ET' in m.output and 'PG ]' in m.output, m.output


def memory():
    with machine() as m:
        lines = m.values(f'break *{LATE}', 'continue', 'x/x 0xC0001000', 'monitor phys on', 'x/2xw 0x202000',
                         show('*(unsigned char*)0x202000'), 'monitor phys off', 'stepi', 'stepi', 'delete',
                         # The page is there now; the handler is patched, and what it patches, too.
                         'set var *(int*)0xC0001001 = 0x4321', f'break *{LATE + 5}', 'continue', show('$eax'),
                         'set var *(char*)0xFFFF0000 = 1', 'x/x 0xD0000000', 'kill')
    equal(lines, [['b8'], ['4321']])
    equal(m.output.count('Cannot access memory at address 0xc0001000'), 1, m.output)
    equal(m.output.count('Cannot access memory at address 0xffff0000'), 1, m.output)
    equal(m.output.count('Cannot access memory at address 0xd0000000'), 1, m.output)


def monitor():
    with machine() as m, client_of(m) as c:
        equal(c.monitor('status').split()[:2], ['state', 'paused'])
        assert 'icount' in c.monitor('regs')
        assert 'uses gdb' in c.monitor('step') or 'use gdb' in c.monitor('step')
        assert 'unknown' in c.monitor('nonsense') or 'no command' in c.monitor('nonsense')
        equal(c.monitor(''), '')
        assert 'i386' in c.monitor('arch i386')
        long = c.monitor('memory 0 0x8000')
        equal(len(long.splitlines()), 0x800)
        # A command that takes guest time is begun, and does not keep gdb waiting.
        assert 'while the guest runs' in c.monitor('type "abc"')


def interrupts():
    """Ctrl-C stops a machine that runs, and one that has halted for good."""
    with machine() as m, client_of(m) as c:
        c.ask('?')
        c.send('c')
        time.sleep(1)
        equal(c.interrupt()[:3], 'T02')
        equal(c.pc(), AT['the_end'] + 2)
        c.send('vCont;s')
        equal(c.receive()[:3], 'T05')
        equal(c.pc(), AT['the_end'] + 2)


def coming_and_going():
    with machine(script=TO_THE_END) as m:
        m.gdb(f'break *{AT["round"]}', 'continue', 'disconnect')
        time.sleep(0.2)
        equal(m.values(show('$pc'), 'disconnect'), [[f'{AT["round"]:x}']], 'it stands where it was left')
        first, second = Client(m.path), Client(m.path)
        first.ask('?')
        try:
            second.ask('?')
            raise AssertionError('two clients at once')
        except (EOFError, ConnectionError):
            pass
        first.ask(f'Z0,{AT["round"]:x},1')
        first.close()  # in the middle of nowhere: its breakpoints are gone
        time.sleep(0.2)
        m.gdb('detach')
        state_of(m.end())
    with machine() as m:
        m.gdb('kill')
        m.end()
    with machine() as m, client_of(m) as c:
        c.ask('?')
        c.send('c')
        time.sleep(0.3)
        m.process.terminate()
        equal(c.receive(), 'W8f')


def bad_clients():
    """Whatever comes, the stub answers the next good packet."""
    with machine() as m:
        c = Client(m.path)
        c.send_raw(b'\x00\xff+-}#$$$$')
        c.send_raw(b'$g#00')
        c.send_raw(b'$' + b'A' * 100000 + b'#00')
        equal(c.ask('qC'), 'QC1')
        for packet in ['m', 'm1', 'm,', 'mzz,1', 'M0,4:12', 'M0,zz', 'X0,5:ab', 'Z9,0,1', 'Z0', 'Z2,0,0', 'z0,1234,1',
                       'P', 'Pff=0', 'P0=', 'p', 'pff', 'G00', 'vCont;', 'vCont;x', 'vCont;r1', 'qXfer:features:read:target.xml:',
                       'qXfer:features:read:target.xml:ffffff,1', 'qRcmd,0', 'qRcmd,zz', 'm0,ffffffffffffffffff', 'Cxx',
                       'c1zz', 'X100000000,1:a']:
            answer = c.ask(packet)
            assert answer.startswith('E'), (packet, answer)
        for packet in ['', 'bx', '!', 'qUnknown', 'QUnknown', 'vFile:open', 'jThreadsInfo', 'b', 'x0,10']:
            equal(c.ask(packet), '', packet)
        equal(len(c.ask('m0,ffffffff')), 16384, 'a read is cut')
        equal(c.ask('QStartNoAckMode'), 'OK')
        c.acknowledges = False
        c.send_raw(b'$qC#00')  # nobody asks for it again
        equal(c.ask('?')[:3], 'T05')
        c.close()
        for _ in range(3):  # floods without reading the answers
            c = Client(m.path)
            c.acknowledges = False
            try:
                for _ in range(3000):
                    c.send('m0,1fff')
            except OSError:
                pass
            c.close()
        with client_of(m) as again:
            equal(again.ask('?')[:3], 'T05')


def plain_state():
    with tempfile.NamedTemporaryFile('w', suffix='.script') as script:
        script.write(TO_THE_END)
        script.flush()
        return state_of(subprocess.run([anachron, 'run', '--display', 'none', '--engine', engine, '--bios', image,
                                        '--script', script.name], stdout=subprocess.PIPE, text=True,
                                       check=True).stdout)


def copy():
    """A copy of the machine has no debugger, and meets no breakpoint."""
    with machine() as m, client_of(m) as c:
        c.ask(f'Z0,{AT["count_up"]:x},1')
        c.ask(f'Z2,{COUNTER:x},4')
        c.ask('c')
        where = f'{m.folder.name}/copy'
        assert 'socket' in c.monitor(f'split {where}')

        def ask(*words):
            return subprocess.run([anachron, 'ctl', where, *words], stdout=subprocess.PIPE, text=True, timeout=30).stdout
        try:
            ask('cont')
            ask('wait', 'halt', '60s')
            counted = ask('memory', hex(COUNTER), '4')
        finally:
            ask('quit', '0')
        assert f'{ROUNDS:02x} 00 00 00' in counted, counted
        c.ask('c')
        equal(c.memory(COUNTER, 4), bytes([1, 0, 0, 0]))


def state_unchanged():
    """A run under every kind of debugging ends in the state of a run without."""
    with machine(script=TO_THE_END) as m:
        m.gdb('stepi 40', f'break *{AT["count_up"]}', 'ignore 1 20', f'hbreak *{ANSWER}', 'ignore 2 30',
              f'break *{LATE}', f'watch *(int*){COUNTER}', 'ignore 4 10', f'awatch *(int*){ROUND}', 'ignore 5 30',
              f'rwatch *(int*){SUM}', 'ignore 6 10', 'continue', 'stepi 5', 'continue', 'stepi 300',
              f'break *{AT["on_timer"]}', 'ignore 7 5', 'continue', 'stepi', 'continue', 'delete',
              f'awatch *(char[64]*){FILLED}', 'continue', 'continue', 'delete', 'x/100x 0x600', 'stepi 500',
              'detach')
        out = m.end()
    equal(state_of(out), plain_state())


def addresses():
    for where, word in [('nowhere', 'unix:PATH'), ('0.0.0.0:0', 'anywhere'), ('unix:/nowhere/x', 'cannot listen'),
                        ('localhost:1234,maybe', 'nowait'), (':', 'tcp::')]:
        done = subprocess.run([anachron, 'run', '--bios', image, '--display', 'none', '--gdb', where],
                              stderr=subprocess.PIPE, text=True, timeout=20)
        equal(done.returncode, 1, where)
        assert word in done.stderr and done.stderr.count('\n') == 1, done.stderr
    with socket.socket() as free:
        free.bind(('localhost', 0))
        port = free.getsockname()[1]
    with machine(where=f'localhost:{port}') as m:
        time.sleep(0.5)
        equal(m.values(show('$pc'), 'kill'), [['fffffff0']])
        m.end()


if __name__ == '__main__':
    run_tests([real_mode, architectures, breakpoints, as_traced, unmapped_and_moved, watchpoints, steps, registers, memory, monitor, interrupts,
               coming_and_going, bad_clients, copy, state_unchanged, addresses], sys.argv[4:])
