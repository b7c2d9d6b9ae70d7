#!/usr/bin/env python3
"""Small flat 32-bit images: what is poked, what they leave, how they stop, and how soon they start.

Run alone: tests/cli/images.py BUILD/anachron
"""
import json
import os
import resource
import struct
import subprocess
import sys

from checks import run_checks

anachron = os.path.abspath(sys.argv[1])
LOAD = 0x100000


def flat(code, load=LOAD, bss=0):
    """A multiboot image with addresses in its header; the code begins 32 bytes behind it."""
    flags = 0x10000
    header = struct.pack('<IIiIIIII', 0x1BADB002, flags, -(0x1BADB002 + flags), load, load,
                         load + 32 + len(code), load + 32 + len(code) + bss, load + 32)
    return header + code


def run(folder, image, script, args=(), status=0):
    with open(f'{folder}/image', 'wb') as out:
        out.write(image)
    with open(f'{folder}/script', 'w') as out:
        out.write(script)
    command = [anachron, 'run', '--display', 'none', '--script', f'{folder}/script', '--multiboot',
               f'{folder}/image', *args]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120, cwd=folder)
    assert done.returncode == status, f'status {done.returncode}, not {status}: {done.stderr}'
    return done


def registers(folder, image, script, args=(), status=0):
    return [json.loads(line) for line in run(folder, image, script, args, status).stdout.splitlines()]


def pokes_hold_at_the_first_instruction(folder):
    pokes = {'eax': 0x11223344, 'ebx': 5, 'esp': 0x80000, 'eflags': 0xCD7, 'cr0': 0x80000011 & 0x11,
             'cr2': 0xDEADB000, 'cr4': 0x600, 'dr0': 0x1234, 'dr6': 0xFFFF0FF1, 'dr7': 0x400,
             'es': 0x10, 'fs_base': 0x5000, 'fs_limit': 0xFFF, 'gs_access': 0xC093,
             'gdtr_limit': 0x17, 'idtr_base': 0x7000, 'ldtr': 0x28, 'tr_base': 0x6000, 'mxcsr': 0x1FA0,
             'fcw': 0x27F, 'fsw': 0x3800, 'fop': 0x123, 'fip': 9, 'fdp': 8, 'sysenter_cs': 8}
    wide = {'st0': '4000C90FDAA22168C235', 'st7': 'BFFF8000000000000000', 'mm2': '0123456789ABCDEF',
            'xmm0': '0123456789ABCDEFFEDCBA9876543210', 'xmm7': '0' * 31 + '5'}
    script = ''.join(f'poke {name} {value:#x}\n' for name, value in pokes.items())
    script += ''.join(f'poke {name} {"0x" if name[0] == "m" else ""}{value}\n'
                      for name, value in wide.items())
    first, last = registers(folder, flat(b'\xf4'), script + 'regs\nsleep 1s\nregs\n',
                            ['--stop-on', 'halt'])
    for name, value in [*pokes.items(), *wide.items()]:
        assert first[name] == value, f'{name}: {first[name]!r}, not {value!r}'
        assert last[name] == value, f'{name} after HLT: {last[name]!r}, not {value!r}'
    assert first['eip'] == LOAD + 32 and last['eip'] == LOAD + 33
    assert last['activity'] == 'halted' and last['fault'] is None
    assert last['icount'] == first['icount'] + 1
    unpoked, = registers(folder, flat(b'\xf4'), 'wait halt\nregs\n')
    assert unpoked['eax'] == 0x2BADB002 and unpoked['cs_base'] == 0 and unpoked['cpl'] == 0


def a_poked_eip_is_where_it_starts(folder):
    image = flat(b'\xf4\xb8\x07\x00\x00\x00\xf4')  # hlt; mov eax, 7; hlt
    last, = registers(folder, image, f'poke eip {LOAD + 33:#x}\npoke st3 5\nsleep 1s\nregs\n')
    assert last['eax'] == 7 and last['st3'] == '4001A000000000000000'


def bad_pokes_are_refused(folder):
    for poke in ['cr4 0x80000000', 'cr0 0x80000000', 'mxcsr 0x10000', 'eax 0x100000000', 'es 0x18888',
                 'es 0x7000', 'st0 0x112233445566778899', 'mm0 0x112233445566778899', 'xmm8 1', 'foo 1',
                 'es_flags 1', 'st 1']:
        done = run(folder, flat(b'\xf4'), f'poke {poke}\n', status=2)
        assert f'"{poke.split()[0]}"' in done.stderr and 'script:1:' in done.stderr, done.stderr
    run(folder, flat(b'\xf4'), 'poke eax 12q\n', status=1)
    run(folder, flat(b'\xf4'), 'poke xmm0 0x' + '1' * 33 + '\n', status=1)


def faults_stop_before_their_delivery(folder):
    script = 'sleep 1h\nregs\nquit 0\n'
    args = ['--stop-on', 'fault', '--stop-on', 'halt']
    regs, = registers(folder, flat(b'\xb8\x05\x00\x00\x00\x0f\x0b'), script, args)
    assert regs['fault'] == {'vector': 6, 'error': None} and regs['eip'] == LOAD + 32 + 5
    # mov ebx, 0x3FF; mov fs, ebx: #GP(3FCh), with an IDT and a stack that would take it
    regs, = registers(folder, flat(b'\xbb\xff\x03\x00\x00\x8e\xe3'), script, args)
    assert regs['fault'] == {'vector': 13, 'error': 0x3FC} and regs['eip'] == LOAD + 32 + 5
    # The pages beyond the first 4 MiB are missing: mov eax, 83h; mov [1000h], eax (directory);
    # mov eax, 1000h; mov cr3, eax; mov eax, cr4; or al, 10h; mov cr4, eax; mov eax, cr0;
    # or eax, 80000000h; mov cr0, eax; mov [1234567h], al
    page = (b'\xb8\x83\x00\x00\x00\xa3\x00\x10\x00\x00\xb8\x00\x10\x00\x00\x0f\x22\xd8\x0f\x20\xe0\x0c\x10'
            b'\x0f\x22\xe0\x0f\x20\xc0\x0d\x00\x00\x00\x80\x0f\x22\xc0\xa2\x67\x45\x23\x01')
    done = run(folder, flat(page), script, args)
    regs = json.loads(done.stdout)
    assert regs['fault'] == {'vector': 14, 'error': 2} and regs['cr2'] == 0x1234567, regs
    assert regs['eip'] == LOAD + 32 + len(page) - 5 and 0x8000 < regs['esp'] < 0xA000
    assert 'vector 14 (#PF page fault), error code 0002h, cr2 01234567h' in done.stderr, done.stderr
    # A handler that is there is not entered: lidt [LOAD+32+9]; ud2; IDT of seven gates at 2000h
    idt = flat(b'\x0f\x01\x1d' + struct.pack('<I', LOAD + 41) + b'\x0f\x0b' + struct.pack('<HI', 0x37, 0x2000))
    regs, = registers(folder, idt, script, args)
    assert regs['fault']['vector'] == 6 and regs['eip'] == LOAD + 39


def a_triple_fault_has_its_chain(folder):
    done = run(folder, flat(b'\x0f\x0b'), 'sleep 1h\nregs\n', status=4)
    assert 'first: vector 6 (#UD' in done.stderr and 'then: vector 8 (#DF' in done.stderr
    assert json.loads(done.stdout)['activity'] == 'shutdown'
    assert json.loads(done.stdout)['eip'] == LOAD + 32


def images_high_up_and_memory(folder):
    high = flat(b'\xb8\x78\x56\x34\x12\xa3\x00\x00\x20\x01\xf4', load=0x1000000, bss=0x1000)
    run(folder, high, 'wait halt\nmemory 0x1200000 4 m\nmemory 0x1000020 5 c\nmemory 0xfffffff0 1 r\n',
        ['--memory', '32M'])
    assert open(f'{folder}/m', 'rb').read() == b'\x78\x56\x34\x12'
    assert open(f'{folder}/c', 'rb').read() == b'\xb8\x78\x56\x34\x12'
    assert open(f'{folder}/r', 'rb').read() == b'\xea'
    for load in [0x600, 0x4000, 0x60000]:  # in low memory nothing of ours lies on the image
        code = b'\xf4' + bytes(i * 7 & 0xFF for i in range(0x18000))
        run(folder, flat(code, load=load), f'wait halt\nmemory {load + 32:#x} {len(code)} l\n')
        assert open(f'{folder}/l', 'rb').read() == code, hex(load)
    done = run(folder, flat(b'\xf4', load=0x500), 'wait halt\n', status=1)
    assert 'overlaps what the firmware uses' in done.stderr
    done = run(folder, high, 'wait halt\n', ['--memory', '16M'], status=1)
    assert 'use a larger --memory' in done.stderr and done.stderr.count('\n') == 1, done.stderr
    for models in ['386', 'core2']:
        run(folder, flat(b'\xf4'), 'wait halt\n', ['--cpu', models, '--memory', '2M'])


def an_image_starts_soon(folder):
    """Counts that do not depend on the host's load: 8.9 ms when this was written, most of it in the
    firmware's POST. Waits in it are repeated string instructions, which cost next to nothing."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    times = 5
    for _ in range(times):
        regs, = registers(folder, flat(b'\xf4'), 'wait halt\nregs\n')
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    pages = (after.ru_minflt - before.ru_minflt) / times
    seconds = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / times
    assert regs['icount'] < 6_000_000, f'{regs["icount"]} instructions up to the image'
    assert pages < 3000, f'{pages} pages touched by a run'
    assert seconds < 0.5, f'{seconds} s of processor time for a run'


run_checks([pokes_hold_at_the_first_instruction, a_poked_eip_is_where_it_starts, bad_pokes_are_refused,
            faults_stop_before_their_delivery, a_triple_fault_has_its_chain, images_high_up_and_memory,
            an_image_starts_soon], sys.argv[2:])
