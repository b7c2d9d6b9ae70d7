#!/usr/bin/env python3
"""Watchpoints on accesses.asm: every kind of instruction that reads or writes the variable is told, at its
place, by the watchpoints that it concerns, and by no others; forward in code that has run often, and backwards.

Run alone: tests/gdb/accesses.py BUILD/anachron ENGINE BUILD/tests/gdb/accesses.bin
"""
import os
import sys

from session import Machine, client_of, equal, run_tests

anachron, engine, image = os.path.abspath(sys.argv[1]), sys.argv[2], os.path.abspath(sys.argv[3])
sys.path.insert(0, os.path.dirname(image))
from accesses_symbols import SYMBOLS as AT  # noqa: E402

VAR, ROUND, WARM = 0x600, 0x610, 30


def accesses(kinds):
    """The labels of those that do one of these, in order."""
    names = sorted((name for name in AT if name[0] == 'a' and name[1].isdigit()), key=AT.get)
    return [name for name in names if set(name.split('_')[1]) & set(kinds)]


def next_label(name):
    """No instruction ends behind it."""
    return min(address for address in AT.values() if address > AT[name])


def number(c, address):
    return int.from_bytes(c.memory(address, 4), 'little')


def stops(packet, kinds, word):
    with Machine(anachron, '--engine', engine, '--bios', image) as m, client_of(m) as c:
        c.ask(f'Z0,{AT["round"]:x},1')
        for _ in range(WARM):
            c.ask('c')
        c.ask(f'z0,{AT["round"]:x},1')
        equal(number(c, ROUND), WARM - 1)
        c.ask(f'{packet},{VAR:x},4')
        for turn in range(2):
            for name in accesses(kinds):
                answer = c.ask('c')
                assert answer.startswith(f'T05thread:1;{word}:60'), (name, answer)
                assert AT[name] < c.pc() <= next_label(name), (name, hex(c.pc()))
                equal(number(c, ROUND), WARM - 1 + turn)
        # In front of each, on the way back. The machine stands behind the last one.
        for name in reversed(accesses(kinds)):
            answer = c.ask('bc')
            assert answer.startswith(f'T05thread:1;{word}:60'), (name, answer)
            equal(c.pc(), AT[name], name)


def reads():
    stops('Z3', 'r', 'rwatch')


def writes():
    stops('Z2', 'w', 'watch')


def both():
    stops('Z4', 'rw', 'awatch')


if __name__ == '__main__':
    run_tests([reads, writes, both], sys.argv[4:])
