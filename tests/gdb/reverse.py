#!/usr/bin/env python3
"""Going back on guest.asm: what was passed on the way forward is met again on the way back, in the other
order and in the same state.

Run alone: tests/gdb/reverse.py BUILD/anachron ENGINE BUILD/tests/gdb/guest.bin [TEST...]
"""
import os
import re
import sys
import time

from session import Machine, client_of, equal, run_tests, show, state_of

anachron, engine, image = os.path.abspath(sys.argv[1]), sys.argv[2], os.path.abspath(sys.argv[3])
sys.path.insert(0, os.path.dirname(image))
from guest_symbols import SYMBOLS as AT  # noqa: E402

COUNTER, TICKS, ROUND = 0x600, 0x604, 0x610
ROUNDS = 50


def machine(*options, **named):
    return Machine(anachron, '--engine', engine, '--bios', image, *options, **named)


def go(c, packet='c'):
    answer = c.ask(packet)
    assert answer[0] == 'T', answer
    return answer


def number(c, address):
    return int.from_bytes(c.memory(address, 4), 'little')


def moment(c):
    """All registers, the count and the hash of everything."""
    return (c.pc(), c.ask('g'), *state_of(c.monitor('state')))


def steps_back(stop_at, count, more=0):
    """Some steps forward from a breakpoint, and as many back."""
    with machine() as m, client_of(m) as c:
        c.ask(f'Z0,{stop_at:x},1')
        go(c)
        c.ask(f'z0,{stop_at:x},1')
        for _ in range(more):
            go(c, 'bs')
        seen = [moment(c)]
        for _ in range(count):
            go(c, 's')
            seen.append(moment(c))
        for wanted in reversed(seen[:-1]):
            equal(go(c, 'bs'), 'T05thread:1;')
            equal(moment(c), wanted, 'a step back')
        for wanted in seen[1:]:
            go(c, 's')
            equal(moment(c), wanted, 'forward again')


def steps_through_fault():
    steps_back(AT['call_late'], 14)


def steps_through_interrupt():
    steps_back(AT['on_timer'], 12, more=5)


def steps_through_repeat():
    steps_back(AT['fill'], 20)


def points_back():
    """The last breakpoints and writes of a run, from its end to its beginning."""
    with machine() as m, client_of(m) as c:
        c.ask(f'Z0,{AT["the_end"]:x},1')
        c.ask(f'Z1,{AT["on_timer"]:x},1')
        c.ask(f'Z0,{AT["real_count"]:x},1')
        forward = []
        while True:
            go(c)
            if c.pc() == AT['the_end']:
                break
            forward.append(moment(c))
        assert len(forward) > 15, len(forward)
        end = moment(c)
        for wanted in reversed(forward):
            go(c, 'bc')
            equal(moment(c), wanted, 'the breakpoint before')
        equal(go(c, 'bc'), 'T05thread:1;replaylog:begin;')
        equal(c.pc(), 0xFFFFFFF0)
        equal(go(c, 'bs'), 'T05thread:1;replaylog:begin;')
        # And forward on the known way, to where it is live again.
        for wanted in forward + [end]:
            go(c)
            equal(moment(c), wanted, 'the next breakpoint')
        go(c, 's')


def writes_back():
    with machine() as m, client_of(m) as c:
        c.ask(f'Z0,{AT["the_end"]:x},1')
        go(c)
        c.ask(f'z0,{AT["the_end"]:x},1')
        c.ask(f'Z2,{COUNTER:x},4')
        for value in reversed(range(ROUNDS - 6, ROUNDS)):
            equal(go(c, 'bc'), f'T05thread:1;watch:{COUNTER:x};')
            equal((c.pc(), number(c, COUNTER)), (AT['count_up'], value))
        # A step over the write is told as well, in both directions.
        equal(go(c, 's'), f'T05thread:1;watch:{COUNTER:x};')
        equal(go(c, 'bs'), f'T05thread:1;watch:{COUNTER:x};')
        equal((c.pc(), number(c, COUNTER)), (AT['count_up'], ROUNDS - 6))


def by_gdb():
    with machine() as m:
        lines = m.values(
                f'break *{AT["the_end"]}', 'continue', 'delete', f'watch *(int*){ROUND}', 'reverse-continue',
                show('$pc', f'*{ROUND}'), 'reverse-continue', show('$pc', f'*{ROUND}'), 'delete',
                f'break *{AT["on_timer"]}', 'reverse-continue', show('$pc'), 'reverse-stepi',
                show(f'$pc >= {AT["round"]} && $pc < {AT["on_timer"]}'), 'stepi', show('$pc'), 'delete',
                'reverse-continue', show('$pc'), 'kill')
    inc = f'{AT["spin.next"]:x}'
    equal(lines, [[inc, f'{ROUNDS - 1:x}'], [inc, f'{ROUNDS - 2:x}'], [f'{AT["on_timer"]:x}'], ['1'],
                  [f'{AT["on_timer"]:x}'], ['fffffff0']])
    assert f'Old value = {ROUNDS}' in m.output and f'New value = {ROUNDS - 1}' in m.output, m.output
    assert 'No more reverse-execution history' in m.output, m.output


def changed_past():
    """Who changes the guest in the past goes on from there; what came later is forgotten."""
    with machine() as m, client_of(m) as c:
        c.ask(f'Z0,{AT["the_end"]:x},1')
        go(c)
        c.ask(f'Z0,{AT["round"]:x},1')
        go(c, 'bc')
        go(c, 'bc')
        equal(number(c, ROUND), ROUNDS - 2)
        c.ask(f'M{ROUND:x},4:0a000000')
        c.ask(f'z0,{AT["round"]:x},1')
        go(c)
        equal((c.pc(), number(c, ROUND)), (AT['the_end'], ROUNDS))
        equal(number(c, COUNTER), ROUNDS - 2 + ROUNDS - 10)
        c.ask(f'Z0,{AT["round"]:x},1')
        for value in reversed(range(ROUNDS - 4, ROUNDS)):
            go(c, 'bc')
            equal(number(c, ROUND), value)
        c.ask('P0=44332211')
        go(c, 's')
        go(c, 'bs')
        equal(c.register(0), 0x11223344)


def quick():
    """Ten million instructions back in under a second each."""
    with machine() as m, client_of(m) as c:
        c.ask(f'Z0,{AT["the_end"]:x},1')
        go(c)
        slowest = 0
        for packet in ['bs', 'bs', 'bc', 'bs']:
            c.ask(f'Z0,{AT["real_count"]:x},1')
            start = time.time()
            go(c, packet)
            slowest = max(slowest, time.time() - start)
        print(f'slowest: {slowest:.3f} s')
        assert slowest < 3, slowest  # of a busy machine; 0.2 on a quiet one


def replayed(c, *packets):
    """How many instructions are run again for these packets, at most for one."""
    counts = [int(history(c, 'replayed'))]
    for packet in packets:
        go(c, packet)
        counts.append(int(history(c, 'replayed')))
    return max(after - before for before, after in zip(counts, counts[1:]))


def again():
    """The first way back runs up to all that was; it leaves checkpoints, from which the next ones are short."""
    # A step back over an interrupt is made in two passes.
    near = 2 * 2 * 65536
    with machine() as m, client_of(m) as c:
        c.ask(f'Z0,{AT["the_end"]:x},1')
        go(c)
        c.ask(f'z0,{AT["the_end"]:x},1')
        length = icount(c)
        assert length > ROUNDS * 40000, length
        first = replayed(c, 'bs')
        assert first <= length, first
        steps = replayed(c, *['bs'] * 20)
        c.ask(f'Z2,{COUNTER:x},4')
        # The piece behind a checkpoint is searched, perhaps the one before that, and run to the write.
        writes = replayed(c, *['bc'] * 20)
        c.ask(f'z2,{COUNTER:x},4')
        # There, the checkpoints are not as dense: the first step back makes them so.
        replayed(c, 'bs')
        later = replayed(c, *['bs'] * 5)
        print(f'  of {length} instructions: {first} for a step back, then {steps}; {writes} for a write, and then '
              f'{later} for a step')
        assert steps <= near, steps
        assert writes <= 2 * (length // 8 + near), writes
        assert later <= near, later
        equal(number(c, COUNTER), ROUNDS - 20)


def writes_as_stepped():
    """Every change of memory that steps show is met by a watchpoint, at the same instruction, both ways."""
    first, size = 0x600, 0x180
    with machine() as m, client_of(m) as c:
        c.ask(f'Z0,{AT["round"]:x},1')
        for _ in range(3):
            go(c)
        c.ask(f'z0,{AT["round"]:x},1')
        start, before, changes = icount(c), c.memory(first, size), []
        for _ in range(60):
            go(c, 's')
            after = c.memory(first, size)
            for i in range(0, size, 4):
                if before[i:i + 4] != after[i:i + 4]:
                    changes.append((icount(c), first + i))
            before = after
        assert len(changes) > 18, changes
        c.monitor(f'seek {start}')
        for _, address in changes:
            c.ask(f'Z2,{address:x},4')
        for wanted in changes:
            answer = go(c)
            equal((icount(c), int(re.search('watch:(\\w+)', answer)[1], 16)), wanted)
        # The last one first, and each before its instruction.
        for count, address in reversed(changes):
            equal(go(c, 'bc'), f'T05thread:1;watch:{address:x};')
            equal(icount(c), count - 1)


def history(c, name):
    return re.search(rf'{name} +(\S+)', c.monitor('history'))[1]


def icount(c):
    return int(history(c, 'icount'))


def crash():
    """A triple fault is looked at, undone, and let happen."""
    with machine() as m, client_of(m) as c:
        c.ask(f'Z0,{AT["round"]:x},1')
        go(c)
        c.ask(f'z0,{AT["round"]:x},1')
        before = moment(c)
        number_of = {name: i for i, name in enumerate(registers(c))}
        c.ask(f'P{number_of["idtr_limit"]:x}=07000000')
        equal(go(c)[:3], 'T0b')
        crashed = moment(c)
        assert crashed[2] > before[2]
        go(c, 'bs')
        assert moment(c) != crashed
        equal(go(c)[:3], 'T0b')
        equal(moment(c), crashed)
        equal(c.ask('c'), 'W04')
        m.end(4)


def registers(c):
    """Names, in the order of the target description."""
    text = ''
    while True:
        piece = c.ask(f'qXfer:features:read:target.xml:{len(text):x},1000')
        text += piece[1:]
        if piece[0] == 'l':
            break
    found = re.findall(r'<reg name="(\w+)".*?regnum="(\d+)"', text)
    equal([int(number) for _, number in found], list(range(len(found))))
    return [name for name, _ in found]


def without_history():
    with machine('--history', 'none') as m, client_of(m) as c:
        c.ask('?')
        equal(c.ask('bc'), 'T05thread:1;replaylog:begin;')
        equal(c.ask('bs'), 'T05thread:1;replaylog:begin;')
        equal(go(c, 's'), 'T05thread:1;')


if __name__ == '__main__':
    run_tests([steps_through_fault, steps_through_interrupt, steps_through_repeat, points_back, writes_back, by_gdb,
               changed_past, again, writes_as_stepped, crash, quick, without_history], sys.argv[4:])
