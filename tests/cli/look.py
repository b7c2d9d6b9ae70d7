#!/usr/bin/env python3
"""Looking into a machine: page tables against a model of ours (32-bit, PSE, PAE, with random entries),
descriptor tables and task states with what is wrong in them, registers, stack, chips, interrupts. By
the control socket, by a script, by both engines; and that looking changes nothing.

Run alone: tests/cli/look.py BUILD/anachron BUILD/tests/cli/crashes.bin
"""
import os
import random
import re
import struct
import subprocess
import sys

from checks import named, run_checks
from control_client import machine

anachron, image = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
LOAD = 0x100000
TABLES = 0x200000  # of page tables, up to the end of the image
PAGES = 64
P, RW, US, A, D, PS, G, XD = 1, 2, 4, 32, 64, 128, 256, 1 << 63
WP, PSE, PAE, PGE = 1 << 16, 1 << 4, 1 << 5, 1 << 7


# --- page tables ---

class Tables:
    """Random page tables, and what they mean (SDM 3A chapter 4)."""

    def __init__(self, seed, pae, pse, wp, nx):
        self.random = random.Random(seed)
        self.pae, self.pse, self.wp, self.nx = pae, pse, wp, nx
        self.size = 8 if pae else 4
        self.bytes = bytearray(PAGES * 4096)
        self.used = 1
        self.directories = []
        self.fill()

    def page(self):
        self.used += 1
        assert self.used <= PAGES
        return TABLES + (self.used - 1) * 4096

    def put(self, table, index, value):
        at = table - TABLES + index * self.size
        self.bytes[at:at + self.size] = value.to_bytes(self.size, 'little')

    def get(self, table, index):
        at = table - TABLES + index * self.size
        return int.from_bytes(self.bytes[at:at + self.size], 'little')

    def flags(self):
        value = self.random.getrandbits(12) & ~PS | P
        if self.random.random() < 0.1:
            value &= ~P
        if self.pae and self.random.random() < 0.3:
            value |= XD
        return value

    def fill(self):
        if self.pae:
            for i in range(4):
                self.directories.append(self.page())
                absent = i == 2 and self.random.random() < 0.5
                self.put(TABLES, i, self.directories[i] | (0 if absent else P))
        else:
            self.directories.append(TABLES)
        for directory in self.directories:
            for index in self.random.sample(range(2, 4096 // self.size), 10):
                self.put(directory, index, self.pde())
        # What the image runs on, and where it stands
        first = 0x3 | self.page()
        self.put(self.directories[0], 0, first)
        for index in range(4096 // self.size):
            self.put(first & ~0xFFF, index, index << 12 | 0x23)
        if self.pae:
            self.put(self.directories[0], 1, 0x200083)

    def pde(self):
        kind = self.random.random()
        if kind < 0.35:
            reserved = 1 << (13 if self.pae else 21) if self.random.random() < 0.1 else 0
            return self.random.getrandbits(8) << (21 if self.pae else 22) | reserved | self.flags() | PS
        table = self.page() if self.used < PAGES else TABLES
        if table != TABLES:
            for index in range(4096 // self.size):
                if self.random.random() < 0.4:
                    self.put(table, index, self.random.getrandbits(20) << 12 | self.flags())
        return table | self.flags()

    def walk(self, linear):
        """Names, indexes and values of the entries, and (physical, size, user, supervisor) or None."""
        entries, levels = [], []
        table = TABLES
        if self.pae:
            value = self.get(TABLES, linear >> 30)
            entries.append(('PDPTE', linear >> 30, value))
            if not value & P:
                return entries, None
            table = value & 0xFFFFFF000
        shift, mask = (21, 0x1FF) if self.pae else (22, 0x3FF)
        for name in ['PDE', 'PTE']:
            index = linear >> shift & mask
            value = self.get(table, index) if TABLES <= table < TABLES + len(self.bytes) else None
            if value is None:
                return None, None  # memory of the guest that is not ours
            entries.append((name, index, value))
            levels.append(value)
            if not value & P or (self.pae and value & XD and not self.nx):
                return entries, None
            if name == 'PDE' and value & PS and (self.pae or self.pse):
                size = 1 << shift
                if value & (size - 1) & ~0x1FFF:
                    return entries, None  # a reserved bit; no higher part of a PSE-36 address is made
                return entries, (value & 0xFFFFFF000 & -size | linear & size - 1, size, *self.rights(levels))
            table, shift, mask = value & 0xFFFFFF000, 12, self.mask()
        return entries, (table | linear & 0xFFF, 4096, *self.rights(levels))

    def mask(self):
        return 0x1FF if self.pae else 0x3FF

    def rights(self, levels):
        user = all(value & US for value in levels)
        writable = all(value & RW for value in levels)
        execute = '' if self.nx and any(value & XD for value in levels) else 'x'
        return ('r' + 'w' * writable + execute if user else '', 'r' + 'w' * (writable or not self.wp) + execute)

    def image(self):
        """Loads the registers that are poked, and halts: mov cr4, eax; mov cr3, ebx; test edx, edx; jz;
        mov ecx, C0000080h; mov eax, edx; xor edx, edx; wrmsr; mov cr0, edi; jmp"""
        code = (b'\x0f\x22\xe0\x0f\x22\xdb\x85\xd2\x74\x0b\xb9\x80\x00\x00\xc0\x89\xd0\x31\xd2\x0f\x30'
                b'\x0f\x22\xc7\xeb\xfe')
        flags = 0x10000
        end = TABLES + len(self.bytes)
        header = struct.pack('<IIiIIIII', 0x1BADB002, flags, -(0x1BADB002 + flags), LOAD, LOAD, end, end,
                             LOAD + 32)
        return (header + code).ljust(TABLES - LOAD, b'\0') + bytes(self.bytes)

    def pokes(self):
        cr4 = (PAE if self.pae else 0) | (PSE if self.pse else 0) | PGE
        return {'eax': cr4, 'ebx': TABLES, 'edx': 1 << 11 if self.nx else 0,
                'edi': 0x80000011 | (WP if self.wp else 0)}

    def addresses(self, count):
        some = [0, LOAD, 0xFFFFFFFF, 0x80000000]
        shift = 21 if self.pae else 22
        for number, directory in enumerate(self.directories):
            for index in range(4096 // self.size):
                if self.get(directory, index):
                    base = number << 30 | index << shift
                    some += [base, *(base + self.random.getrandbits(shift) for _ in range(5))]
        return some + [self.random.getrandbits(32) for _ in range(count)]


def pages(folder, seed, engine, **kind):
    tables = Tables(seed, **kind)
    with open(f'{folder}/image', 'wb') as out:
        out.write(tables.image())
    pokes = ''.join(f'poke {name} {value:#x}\n' for name, value in tables.pokes().items())
    options = ['--multiboot', f'{folder}/image', '--engine', engine, '--cpu', 'core2' if kind['nx'] else 'pentium3']
    with machine(anachron, folder, *options, script=pokes + 'sleep 1000h\n') as ask:
        seen = 0
        while not ask('regs')['cr0'] >> 31:
            pass
        assert ask('regs')['cr3'] == TABLES
        for linear in tables.addresses(100):
            entries, page = tables.walk(linear)
            if entries is None:
                continue
            answer = ask('pages', address=linear)
            found = [(e['name'], e['index'], int(e['value'], 16)) for e in answer['entries']]
            # The processor sets accessed bits where it runs.
            assert [(n, i, v & ~0x60) for n, i, v in found] == [(n, i, v & ~0x60) for n, i, v in entries], (
                hex(linear), found, entries)
            assert answer['mapped'] == (page is not None), (hex(linear), answer)
            if page:
                assert (answer['physical'], answer['page_size'], answer['user'], answer['supervisor']) == page, (
                    hex(linear), answer, page)
                seen += 1
            else:
                assert answer['entries'][-1]['wrong'], answer
        assert seen > 10, seen
        check_ranges(ask, tables)
        ask('quit')


def check_ranges(ask, tables):
    """The listing says of every page what the walk says, in as few ranges as can be."""
    ranges, at = [], 0
    while at is not None:
        answer = ask('pages', **{'from': at, 'count': 50})
        assert len(answer['ranges']) <= 50 and answer['paging'] == ('PAE' if tables.pae else '32-bit')
        ranges += answer['ranges']
        at = answer['next']
    assert all(one['last'] < two['first'] for one, two in zip(ranges, ranges[1:])), ranges
    for linear in tables.addresses(300):
        entries, page = tables.walk(linear)
        if entries is None:
            continue
        holder = [r for r in ranges if r['first'] <= linear <= r['last']]
        assert len(holder) == (page is not None), (hex(linear), holder, page)
        if page:
            holder = holder[0]
            assert (holder['page_size'], holder['user'], holder['supervisor']) == page[1:], (holder, page)
            if holder['physical'] is not None:
                assert holder['physical'] + linear - holder['first'] == page[0], (holder, hex(linear), page)


# --- tables of descriptors ---

def script(folder, lines, engine='jit', number=0, status=0):
    with open(f'{folder}/script', 'w') as out:
        out.write(f'poke ebx {number}\nwait halt\n{lines}quit 0\n')
    done = subprocess.run([anachron, 'run', '--display', 'none', '--engine', engine, '--multiboot', image,
                           '--script', f'{folder}/script'], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == status, f'status {done.returncode}: {done.stderr}'
    return done.stdout


def descriptor_tables(folder):
    lines = 'gdt\nldt\nidt 14\ntss\ntss 0x30\ngdt 0x42\npages 0x100000\nregisters\nstack 2\n'
    text = script(folder, lines)
    assert text == script(folder, lines, 'interp')
    for line in [
            r'GDT at 00101000h, limit 005Fh',
            r'  0008  00CF9B000000FFFF  code, 32-bit, base 00000000h, limit FFFFFFFFh, DPL 0, execute and read, '
            r'accessed',
            r'  0018  00008B1020000067  32-bit TSS \(busy\), base 00102000h, limit 00000067h, DPL 0',
            r'  0030  0000891030000067  32-bit TSS \(available\), base 00103000h, limit 00000067h, DPL 0',
            r'  0038  000082101060000F  LDT, base 00101060h, limit 0000000Fh, DPL 0',
            r'  0040  00CF1A000000FFFF  code, .*, not present  <- not present',
            r'LDT 0038 at 00101060h, limit 000F',
            r'  000C  000089102000.*  <- belongs into the GDT',
            r'   14  0010.*  32-bit interrupt gate to 0008:001000B0, DPL 0',
            r'TSS 0018, 32-bit, at 00102000h, limit 00000067h',
            r'  esp0     00109000', r'  ss0      0010', r'  io_base  0068',
            r'TSS 0030, 32-bit, at 00103000h, limit 00000067h',
            r'  ss0      0000  <- a null selector', r'  cr3      00106000',
            r'  PTE\[256\] at 00107400h: 0010.*h P R/W U/S A.*',
            r'linear 00100000h is physical 00100000h, page of 4 KiB, user rwx, supervisor rwx',
            r'  cr0    80010011  PE ET WP PG', r'  tr     0018  32-bit TSS \(busy\), base 00102000h, .*',
            r'  eflags 000000[0-9A-F]{2}  CF .*SF$', r'  0010:00109000  00000000']:
        assert re.search(f'^{line}', text, re.MULTILINE), f'{line!r} is not in {text}'


def wrong_entries(folder):
    """Entries as crashes.asm breaks them, marked."""
    for number, command, mark in [(2, 'idt 8', '<- not present'), (12, 'idt 6', '<- a null selector'),
                                  (13, 'idt 6', '<- the selector names no code segment'),
                                  (11, 'idt 6', '<- the offset is beyond the limit of the code segment'),
                                  (17, 'idt 6', '<- the code segment is not present'),
                                  (24, 'idt 13', '<- no gate for the IDT'), (8, 'idt 8', '<- the selector names no TSS'),
                                  (31, 'idt 8', '<- the TSS is busy'),
                                  (32, 'gdt 0x30', '<- the limit is too small for a TSS'),
                                  (29, 'tss', '<- the selector\'s RPL is not the privilege level')]:
        text = script(folder, f'{command}\n', number=number, status=4)
        assert mark in text, f'{number}, {command}: {mark!r} is not in {text!r}'
    text = script(folder, 'idt\n', number=3, status=4)
    assert text.count('is not mapped') == 1 and 'linear 00105000h' in text, text


def real_mode(folder):
    """The BIOS's tables; and what there is not."""
    with machine(anachron, folder) as ask:
        ask('wait screen', text='Anachron', duration='10s')
        ask('pause')
        state = ask('state')
        idt = ask('idt')
        assert idt['limit'] == 0x3FF and len(idt['entries']) > 100
        assert next(e for e in idt['entries'] if e['index'] == 0x10)['cs'] >= 0xC000
        assert ask('idt', vector=0x19)['entries'][0]['cs'] == 0xF000
        assert ask('pages', address=0x12345)['physical'] == 0x12345 and ask('pages')['paging'] == 'none'
        assert ask('pages')['ranges'] == []
        assert 'no LDT' in ask('ldt')['text'] and ask('ldt')['entries'] == []
        for words, reason in [({'command': 'tss'}, 'no task'), ({'command': 'device', 'name': 'i8253'}, 'i8253'),
                              ({'command': 'gdt', 'selector': 0xFFF8}, 'no entry'),
                              ({'command': 'tss', 'selector': 0xFFF8}, 'GDT')]:
            error = ask.refused(words.pop('command'), **words)
            assert reason in error, error
        check_chips(ask)
        for command in ['registers', 'stack', 'crash', 'gdt', 'interrupts']:
            ask(command)
        assert ask('state') == state, 'looking has changed the state'
        check_interrupts(ask)
        ask('quit')


def check_chips(ask):
    names = [device['name'] for device in ask('devices')['devices']]
    assert {'cpu', 'mmu', 'clock', 'i8259', 'i8254', 'mc146818', 'vga', 'uart16550.1', 'ram'} <= set(names), names
    assert len(set(names)) == len(names)
    regs = ask('regs')
    cpu = ask('device', name='cpu')['fields']
    assert cpu['icount'] == regs['icount'] and cpu['eip'] == regs['eip'] and cpu['gpr'][4] == regs['esp']
    assert 'deliveries' not in cpu and not [name for name in cpu if 'fault_chain' in name]
    counter = ask('device', name='i8254')['fields']
    assert counter['counter[0].period'] == 65536
    for name in names:
        assert ask('device', name=name)['name'] == name
    dac = ask('device', name='vga')
    assert dac['lines'] and dac['fields']


def check_interrupts(ask):
    ask('cont')
    ask('sleep', duration='4s')
    ask('pause')
    some = ask('interrupts', count=256)['interrupts']
    assert 50 <= len(some) <= 256 and all(a['icount'] <= b['icount'] for a, b in zip(some, some[1:]))
    clock = [one for one in some if one['kind'] == 'interrupt' and one['vector'] == 8]
    assert len(clock) >= 5 and all(one['delivered'] for one in clock), some
    assert {one['kind'] for one in some} >= {'interrupt', 'software interrupt'}
    assert len(ask('interrupts', count=3)['interrupts']) == 3


def the_past(folder):
    """After a seek, the interrupts of that moment and no later ones, each once."""
    with machine(anachron, folder, '--engine', 'jit') as ask:
        ask('wait screen', text='Anachron', duration='10s')
        ask('sleep', duration='9s')
        ask('pause')
        before = ask('interrupts', count=256)['interrupts']
        for place in [len(before) // 2, len(before) // 3, len(before) - 5]:
            at = before[place]['icount'] + 3
            ask('seek', where=str(at))
            then = ask('interrupts', count=256)['interrupts']
            assert then and then[-1]['icount'] <= at, then
            wanted = [one for one in before if one['icount'] <= at]
            seen = [one for one in then if one['kind'] != 'load' and one['icount'] >= before[0]['icount']]
            assert [one for one in wanted if one in seen] == seen, (at, then[-3:])
            # On the way forward to a checkpoint nobody saw them, and that is said.
            assert seen == wanted or 'load' in [one['kind'] for one in then], (at, then[-3:])
            assert seen == wanted or place == len(before) - 5, (at, then[-3:])
        ask('quit')


def as_text(folder):
    """`anachron ctl` shows people the member "text" of each row."""
    with machine(anachron, folder) as ask:
        done = subprocess.run([anachron, 'ctl', ask.path, 'devices'], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and '\n  i8254\n' in done.stdout, done
        done = subprocess.run([anachron, 'ctl', ask.path, 'pages', '0x400'], capture_output=True, text=True,
                              timeout=60)
        assert done.stdout == 'linear 00000400h is physical 00000400h: paging is off\n', done
        ask('quit')


KINDS = [dict(pae=False, pse=False, wp=False, nx=False), dict(pae=False, pse=True, wp=True, nx=False),
         dict(pae=True, pse=False, wp=True, nx=True), dict(pae=True, pse=True, wp=False, nx=False)]
CHECKS = [named(f'pages {seed} {engine} {kind}', pages, seed=seed, engine=engine, **kind)
          for seed, kind in enumerate(KINDS * 2) for engine in ['interp', 'jit'][seed % 2:][:1]]
run_checks([*CHECKS, descriptor_tables, wrong_entries, real_mode, the_past, as_text], sys.argv[3:])
