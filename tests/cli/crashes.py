#!/usr/bin/env python3
"""What the machine says about a guest that crashes or resets it: crashes.asm with each of its
mistakes, by both engines, which must say the same; the command `crash`; and the interrupts before it.

Run alone: tests/cli/crashes.py BUILD/anachron BUILD/tests/cli/crashes.bin
"""
import os
import re
import subprocess
import sys

from checks import named, run_checks

anachron, image = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])

# What is wrong, by the names of crashes.asm's cases: the vectors of the chain, and lines that must be
# there in this order, each part of one line.
NOT_PRESENT = '-> it is not present'
NO_IDT = '-> the IDT ends before entry 8: base 00000000h, limit 0000h'
CRASHES = {
    'idt_limit': ([6, 13, 13, 8, 13], ['-> the IDT ends before entry 6', 'before entry 13', NO_IDT]),
    'gates_absent': ([6, 11, 11, 8, 11], ['IDT[6] at', 'interrupt gate to 0008:', NOT_PRESENT,
                                          'IDT[11] at', NOT_PRESENT, 'IDT[8] at', NOT_PRESENT]),
    'idt_page': ([6, 14, 14, 8, 14], ['the IDT at linear', 'PDE[0] at', 'P R/W U/S A', 'PTE[',
                                      ': not present', '-> a page fault']),
    'stack_page': ([14, 14, 8, 14], ['a write to linear 80000FFCh by the system: the page is not present',
                                     'PDE[512] at', ': 00000000h: not present',
                                     'while exception 14 #PF page fault was delivered',
                                     'the stack at linear 80000FFCh', '-> a page fault']),
    'null_stack': ([13, 10, 8, 10], ['-> cli at CPL 3, and the IOPL is 0', 'stack for CPL 0 is 0000:',
                                     '-> a null selector']),
    'small_tss': ([13, 10, 8, 10], ['TSS 0018 at', 'has limit 00000007h, no room for SS0']),
    'gdt_limit': ([6, 13, 13, 8, 13], ['-> selector 0008 is beyond the limit of the GDT, 0007h']),
    'bad_task': ([6, 11, 11, 8, 13], ['task gate to TSS 0010', 'GDT[2] at', '-> it is no available TSS']),
    'new_task': ([6, 11, 11, 8, 10], ['the task was switched to TSS 0030',
                                      '-> a selector that must not be null is: CS=0008, SS=0000']),
    'stack_limit': ([6, 12, 12, 8, 12], ['-> the frame does not fit the stack 0048:00001000']),
    'handler_limit': ([6, 13, 13, 8, 13], ['GDT[10] at', '-> the handler is beyond the limit']),
    'null_handler': ([6, 13, 13, 8, 13], ["-> the gate's selector is null"]),
    'data_handler': ([6, 13, 13, 8, 13], ['GDT[2] at', "-> the handler's segment is no code segment"]),
    'int_n': ([13, 13, 8, 13], ['while software interrupt 30h was delivered', 'IDT[48] at',
                                '-> its DPL is lower than the CPL of the INT n', 'IDT[13] at',
                                'system type 0 (reserved)', '-> it is no interrupt, trap or task gate']),
    'gdt_page': ([6, 14, 14, 8, 14], ['the GDT at linear', 'PTE[257]', ': not present', '-> a page fault']),
    'read_only': ([14, 13, 8, 13], ['a write to linear', 'the page does not allow it', 'PTE[',
                                    'not writable, and CR0.WP is set', NO_IDT]),
    'absent_handler': ([6, 11, 11, 8, 11], ['GDT[8] at', "-> the handler's segment is not present"]),
    'tss_page': ([13, 14, 14, 8, 14], ['the TSS at linear', 'PTE[', '-> a page fault']),
    'user_page': ([14, 13, 8, 13], ['an instruction fetch from linear', 'by user mode',
                                    'P R/W: not for user mode']),
    'privileged': ([13, 13, 8, 13], ['-> hlt is for CPL 0, and the CPL is 3', NO_IDT]),
    'null_segment': ([13, 13, 8, 13], ['-> operand ES:00001234: ES=0000', 'holds a null selector', NO_IDT]),
    'segment_limit': ([13, 13, 8, 13], ['-> operand FS:00000030', 'beyond the limit of the segment']),
    'selector': ([11, 13, 8, 13], ['GDT[8] at', NOT_PRESENT, NO_IDT]),
    'other_gate': ([6, 13, 13, 8, 13], ['call gate', '-> it is no interrupt, trap or task gate']),
    'inner_dpl': ([13, 10, 8, 10], ['stack for CPL 0 is 002B:', 'GDT[5] at',
                                    "-> the selector's RPL is not the privilege level"]),
    'user_write': ([13, 14, 14, 8, 14], ['stack for CPL 0 is 0010:80000100', 'the stack at linear 800000FCh',
                                         'PDE[512]', '-> a page fault']),
    'busy_task': ([6, 11, 11, 8, 13], ['task gate to TSS 0030', '32-bit TSS (busy)', '-> it is no available']),
    'small_task': ([6, 11, 11, 8, 10], ['limit 00000066h', '-> the limit of the TSS is too small']),
}
RESETS = {
    'reset_kbc': 'reset by the keyboard controller',
    'reset_92': 'reset by port 92h',
    'reset_92_low': 'reset by port 92h',
    'reset_cf9': 'reset by port CF9h',
    'reset_jump': 'reset by a jump to the reset vector at cs:eip FFFF:00000000',
}


def numbers():
    """The cases as crashes.asm numbers them."""
    source = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'crashes.asm')).read()
    table = re.search(r'cases:(.*?)cases_end', source, re.DOTALL).group(1)
    return {name: i for i, name in enumerate(re.findall(r'\w+', re.sub(r'\bdd\b', '', table)))}


def run(folder, number, engine, script, status, *args):
    with open(f'{folder}/script', 'w') as out:
        out.write(f'poke ebx {number}\n{script}')
    done = subprocess.run([anachron, 'run', '--display', 'none', '--engine', engine, '--multiboot', image,
                           '--script', f'{folder}/script', *args], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == status, f'status {done.returncode}, not {status}: {done.stderr}'
    return done


def in_order(text, parts):
    at = 0
    for part in parts:
        found = text.find(part, at)
        assert found >= 0, f'{part!r} is not there, or too early: {text}'
        at = found + len(part)


def crash(folder, number, vectors, lines):
    texts = []
    for engine in ['interp', 'jit']:
        done = run(folder, number, engine, 'sleep 1s\ncrash\ninterrupts 4\nquit 0\n', 4)
        texts.append(done.stderr)
        head = 'anachron: the guest crashed: '
        assert done.stderr.startswith(head + 'triple fault after '), done.stderr
        assert done.stdout.startswith(done.stderr[len(head):]), done.stdout  # `crash` says the same
    assert texts[0] == texts[1], 'the engines differ:\n' + texts[0] + texts[1]
    text = texts[0]
    found = [int(number) for number in re.findall(r'(?:first|then): +vector (\d+)', text)]
    assert found == vectors, f'{found}: {text}'
    in_order(text, lines + ['code:', 'stack:', 'registers:'])
    assert 'another reason' not in text, text
    # What went on last: the deliveries that failed, and no more
    last = [line.split() for line in done.stdout.splitlines()[-4:]]
    assert last[-1][2:4] == ['exception', '8'], last
    assert all('could not be delivered' in ' '.join(line) for line in last[-2:]), last


def reset(folder, number, line):
    for engine in ['interp', 'jit']:
        done = run(folder, number, engine, 'sleep 20ms\ncrash\nquit 0\n', 0)
        assert done.stderr.startswith('anachron: the guest\'s machine was ' + line), done.stderr
        assert done.stderr.count('\n') == 1, done.stderr
        assert done.stdout.startswith(line) and 'code:' in done.stdout, done.stdout


def reset_by_triple_fault(folder, number):
    """The whole chain, and then the machine goes on: to the image again, with other registers."""
    done = run(folder, number, 'jit', 'sleep 100ms\nstatus\nquit 0\n', 0, '--on-triple-fault', 'reset')
    in_order(done.stderr, ['the guest crashed: triple fault', 'IDT ends before entry 8', 'registers:'])
    assert done.stderr.count('triple fault') == 1 and 'state            halted' in done.stdout, done


def many_resets(folder):
    """A ROM that does nothing but to reset: mov al, FEh; out 64h, al; jmp"""
    rom = bytearray(b'\xf4' * 65536)
    rom[0xFFF0:0xFFF6] = b'\xb0\xfe\xe6\x64\xeb\xfe'
    with open(f'{folder}/rom', 'wb') as out:
        out.write(rom)
    done = subprocess.run([anachron, 'run', '--display', 'none', '--bios', f'{folder}/rom', '--stop-after',
                           '100000'], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stderr.count('keyboard controller') == 8, done.stderr
    assert done.stderr.endswith('no more of that\n'), done.stderr


def a_286_reset_is_no_news(folder):
    """mov al, 0Fh; out 70h, al; mov al, 5; out 71h, al (shutdown code); then a reset; the second time,
    halt: mov al, 0Fh; out 70h, al; in al, 71h; cmp al, 5; je"""
    rom = bytearray(b'\xf4' * 65536)
    code = (b'\xb0\x0f\xe6\x70\xe4\x71\x3c\x05\x74\x0c\xb0\x0f\xe6\x70\xb0\x05\xe6\x71\xb0\xfe\xe6\x64'
            b'\xfa\xf4')
    rom[:len(code)] = code
    rom[0xFFF0:0xFFF5] = b'\xea\x00\x00\x00\xf0'
    with open(f'{folder}/rom', 'wb') as out:
        out.write(rom)
    done = subprocess.run([anachron, 'run', '--display', 'none', '--bios', f'{folder}/rom', '--stop-on', 'halt',
                           '--stats'], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and 'was reset' not in done.stderr, done.stderr
    assert re.search(r'^instructions +20\b', done.stderr, re.MULTILINE), done.stderr


def main():
    number = numbers()
    assert sorted([*CRASHES, *RESETS, 'halt']) == sorted(number), set(number) ^ {*CRASHES, *RESETS}
    checks = [named(name, crash, number[name], *CRASHES[name]) for name in CRASHES]
    checks += [named(name, reset, number[name], RESETS[name]) for name in RESETS]
    checks += [named('reset_by_triple_fault', reset_by_triple_fault, number['idt_limit']), many_resets,
               a_286_reset_is_no_news]
    run_checks(checks, sys.argv[3:])


main()
