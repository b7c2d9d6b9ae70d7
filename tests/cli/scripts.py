#!/usr/bin/env python3
"""What scripts do, on small firmware images and on the built-in firmware.

Run alone: tests/cli/scripts.py BUILD/anachron
"""
import json
import os
import re
import subprocess
import sys

from checks import run_checks
from small_roms import ECHO, HALTS, rom

anachron = os.path.abspath(sys.argv[1])


def run(folder, script, image=None, args=(), status=0):
    with open(f'{folder}/script', 'w') as out:
        out.write(script)
    command = [anachron, 'run', '--display', 'none', '--script', f'{folder}/script', *args]
    if image:
        with open(f'{folder}/image', 'wb') as out:
            out.write(image)
        command += ['--bios', f'{folder}/image']
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120, cwd=folder)
    assert done.returncode == status, f'status {done.returncode}, not {status}: {done.stderr}'
    return done.stdout


def registers_are_json(folder):
    regs = json.loads(run(folder, 'wait halt 1s\nregs\n', HALTS))
    assert regs['eax'] & 0xFFFF == 0x1234 and regs['cs'] == 0xF000 and regs['activity'] == 'halted'
    for i in range(8):
        assert re.fullmatch('[0-9A-F]{20}', regs[f'st{i}'])
        assert re.fullmatch('[0-9A-F]{32}', regs[f'xmm{i}'])


def memory_goes_to_a_file(folder):
    run(folder, 'wait halt\nmemory 0xfff 4 m.bin\nmemory 0xffff0 5 r.bin\n', HALTS)
    assert open(f'{folder}/m.bin', 'rb').read() == b'\x00\x34\x12\x00'
    assert open(f'{folder}/r.bin', 'rb').read() == b'\xea\x00\x00\x00\xf0'


def poke_comes_before_the_first_instruction(folder):
    regs = json.loads(run(folder, 'poke ebx 0xdeadbeef\npoke cr4 0x600\nwait halt\nregs\n', HALTS))
    assert regs['ebx'] == 0xDEADBEEF and regs['cr4'] == 0x600 and regs['eax'] & 0xFFFF == 0x1234


def a_script_without_time_lets_the_machine_run_on(folder):
    exits = rom(b'\x88\xd8\xe6\xf4\xf4')  # mov al, bl; out F4h, al
    run(folder, 'poke ebx 3\n', exits, status=19)


def serial_both_ways(folder):
    assert run(folder, 'serial "HAL"\nwait serial "IBM" 1s\nprint "ok"\n', ECHO) == 'ok'
    run(folder, 'serial "A"\nwait serial "A" 100ms\n', ECHO, status=3)


def each_match_is_found_once(folder):
    run(folder, 'serial "AA"\nwait serial "B"\nwait serial "B"\nquit 5\n', ECHO, status=5)
    run(folder, 'serial "A"\nwait serial "B"\nwait serial "B" 50ms\n', ECHO, status=3)


def state_is_the_same_again(folder):
    script = 'sleep 20ms\nstate\ntype "x"\nsleep 1s\nstate\n'
    first = run(folder, script)
    assert first == run(folder, script)
    assert len(set(first.splitlines())) == 2
    assert first == run(folder, script, args=['--trace', 'insn:/dev/null'])
    assert first == run(folder, script, args=['--clock', 'paced', '--date', '2026-01-01'])


def the_stopped_machine_can_be_looked_at(folder):
    loop = rom(b'\xeb\xfe')
    out = run(folder, 'sleep 1h\nregs\nquit 6\n', loop, ['--stop-after', '777'], status=6)
    assert json.loads(out)['icount'] == 777
    out = run(folder, 'sleep 1h\nregs\n', HALTS, ['--stop-on', 'halt'])
    assert json.loads(out)['eax'] & 0xFFFF == 0x1234
    out = run(folder, 'sleep 1h\nregs\n', rom(b'\x90\x0f\x0b'), ['--stop-on', 'fault'])
    assert json.loads(out)['activity'] == 'running'


def the_screen_is_seen(folder):
    out = run(folder, 'wait screen "BIOS" 5s\nprint screen\nscreenshot s.png\n')
    assert 'BIOS' in out
    assert open(f'{folder}/s.png', 'rb').read(8) == b'\x89PNG\r\n\x1a\n'


def media_come_and_go(folder):
    with open(f'{folder}/a.img', 'wb') as out:
        out.truncate(1474560)
    run(folder, 'insert floppy a.img\nsleep 1ms\neject floppy\ninsert floppy a.img,readonly\n'
                'insert cdrom a.img\nsleep 1ms\neject cdrom\n', HALTS)
    run(folder, 'insert floppy b.img\n', HALTS, status=1)


def reset_starts_again(folder):
    # Counts its starts at 500h.
    counts = rom(b'\xff\x06\x00\x05\xfa\xf4')
    run(folder, 'wait halt\nreset\nsleep 1ms\nwait halt\nmemory 0x500 1 n.bin\n', counts)
    assert open(f'{folder}/n.bin', 'rb').read() == b'\x02'


def the_power_button_is_noticed(folder):
    run(folder, 'wait halt\npower-button\nnmi\nsleep 1ms\nquit 0\n', rom(b'\xf4\xeb\xfd'))


def what_can_be_looked_at(folder):
    out = run(folder, 'wait halt\ndisassemble 0xf0000 2\nmemory 0x1000 2\nmemory 0xf0000 3 linear\n'
                      'memory 0xf0000 3 linear l.bin\nversion\nhelp reset\n', HALTS)
    assert out == ('000f0000  b83412                 mov ax, 0x1234\n'
                   '000f0003  a30010                 mov word ptr [0x1000], ax\n'
                   f'00001000  34 12{" " * 45}4.\n'
                   f'000f0000  b8 34 12{" " * 42}.4.\n'
                   'protocol 1 anachron 0.1.0\n'
                   'reset\n        press the reset button\n'), out
    assert open(f'{folder}/l.bin', 'rb').read() == b'\xb8\x34\x12'
    out = run(folder, 'wait halt\nstatus\nstats\n', HALTS)
    assert 'state            halted' in out and 'instructions     5' in out, out


def time_goes_at_the_rate(folder):
    loop = rom(b'\xeb\xfe')
    icounts = [int(line.split()[1]) for line in
               run(folder, 'sleep 1ms\nstate\nrate 10\nsleep 1ms\nstate\n', loop).splitlines()]
    assert icounts == [100000, 110000], icounts


def a_change_of_media_takes_a_second(folder):
    for name in ('a.img', 'b.img'):
        with open(f'{folder}/{name}', 'wb') as out:
            out.truncate(1474560)
    out = run(folder, 'wait halt\nstatus\nchange floppy b.img\nstatus\n', HALTS,
              ['--floppy', 'a.img'])
    before, after = (float(seconds) for seconds in re.findall(r'seconds +([0-9.]+)', out))
    assert abs(after - before - 1) < 0.01 and 'floppy a.img' in out and 'floppy b.img' in out, out


run_checks([what_can_be_looked_at, time_goes_at_the_rate, a_change_of_media_takes_a_second,
            registers_are_json, memory_goes_to_a_file, poke_comes_before_the_first_instruction,
            a_script_without_time_lets_the_machine_run_on, serial_both_ways, each_match_is_found_once,
            state_is_the_same_again, the_stopped_machine_can_be_looked_at, the_screen_is_seen,
            media_come_and_go, reset_starts_again, the_power_button_is_noticed], sys.argv[2:])
