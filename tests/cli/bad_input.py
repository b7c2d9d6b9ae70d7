#!/usr/bin/env python3
"""Bad input: each case ends as the man page says, with one clear line and the right exit status.

Run alone: tests/cli/bad_input.py BUILD/anachron [CASE]
"""
import os
import struct
import subprocess
import sys

from checks import named, run_checks
from small_roms import rom

HOST_ERROR, USAGE, TIMEOUT, CRASH, DEBUG_EXIT = 1, 2, 3, 4, 16
CASES = []


def case(test):
    """Lists a test of a bench."""
    def on_bench(folder):
        test(Bench(os.path.abspath(sys.argv[1]), str(folder)))
    CASES.append(named(test.__name__, on_bench))


class Bench:
    def __init__(self, anachron, folder):
        self.anachron = anachron
        self.folder = folder

    def file(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as out:
            out.write(data if isinstance(data, bytes) else data.encode())
        return path

    def expect(self, status, *words, args):
        """Runs; checks the status, that every word is said on standard error, and (for errors of
        the host or of usage) that it is said in one line."""
        done = subprocess.run([self.anachron, *args], stdin=subprocess.DEVNULL, timeout=60,
                              capture_output=True, text=True, errors='replace', cwd=self.folder)
        report = f'{" ".join(args)}\nstatus {done.returncode}\n{done.stderr}'
        assert done.returncode == status, f'expected status {status}\n{report}'
        for word in words:
            assert word in done.stderr, f'expected "{word}"\n{report}'
        if status in (HOST_ERROR, USAGE):
            lines = done.stderr.splitlines()
            assert len(lines) == 1 and lines[0].startswith('anachron: error: '), \
                f'expected one line\n{report}'
        return done

    def run(self, status, *words, args):
        return self.expect(status, *words, args=['run', '--display', 'none', *args])


def boot_sector(code):
    """A diskette whose boot sector holds code."""
    return (code.ljust(510, b'\x90') + b'\x55\xaa').ljust(1474560, b'\0')


# --- the command line ---

@case
def no_command(bench):
    done = subprocess.run([bench.anachron], capture_output=True, text=True, timeout=60)
    assert done.returncode == USAGE and 'usage:' in done.stderr


@case
def unknown_command(bench):
    bench.expect(USAGE, 'frobnicate', '--help', args=['frobnicate'])


@case
def unknown_option(bench):
    bench.run(USAGE, '--frobnicate', '--help', args=['--frobnicate'])


@case
def missing_argument(bench):
    bench.run(USAGE, '--memory', 'SIZE', args=['--memory'])


@case
def stray_word(bench):
    bench.run(USAGE, 'stray', args=['stray'])


@case
def memory_that_is_no_size(bench):
    bench.run(USAGE, '--memory lots', '128M', args=['--memory', 'lots'])


@case
def too_much_memory(bench):
    bench.run(USAGE, '3584', args=['--memory', '64G'])


@case
def too_little_memory(bench):
    bench.run(USAGE, 'from 1M', args=['--memory', '512K'])


@case
def unknown_cpu(bench):
    bench.run(USAGE, 'z80', 'anachron cpus', args=['--cpu', 'z80'])


@case
def unknown_boot_device(bench):
    bench.run(USAGE, '--boot', args=['--boot', 'z'])


@case
def later_options(bench):
    bench.run(USAGE, 'not available', args=['--net', 'user'])
    bench.run(USAGE, 'not available', args=['--sound', 'sdl'])
    bench.expect(USAGE, 'give a log', args=['replay'])
    bench.expect(HOST_ERROR, 'cannot open log', args=['replay', '/nonexistent'])


@case
def bad_serial_backend(bench):
    bench.run(HOST_ERROR, '--serial', 'stdio', args=['--serial', 'carrier-pigeon'])


@case
def serial_file_in_no_folder(bench):
    bench.run(HOST_ERROR, '/nowhere/x', args=['--serial', 'file:/nowhere/x'])


@case
def kernel_and_multiboot(bench):
    bench.run(USAGE, 'exclude', args=['--kernel', 'a', '--multiboot', 'b'])


@case
def initrd_without_kernel(bench):
    bench.run(USAGE, '--kernel', args=['--initrd', 'a'])


@case
def bad_stop_after(bench):
    bench.run(USAGE, '--stop-after', args=['--stop-after', 'soon'])


@case
def bad_date(bench):
    bench.run(USAGE, '--date', args=['--date', 'yesterday'])


@case
def terminal_that_is_none(bench):
    bench.expect(HOST_ERROR, 'terminal', args=['run', '--display', 'term'])


# --- files ---

@case
def no_such_disk(bench):
    bench.run(HOST_ERROR, 'missing.img', args=['--disk', 'missing.img'])


@case
def disk_is_a_directory(bench):
    bench.run(HOST_ERROR, 'directory', args=['--disk', bench.folder])


@case
def truncated_disk(bench):
    path = bench.file('short.img', b'x' * 1000)
    bench.run(HOST_ERROR, 'short.img', args=['--disk', path])


@case
def empty_disk(bench):
    bench.run(HOST_ERROR, 'empty.img', args=['--disk', bench.file('empty.img', b'')])


@case
def unknown_image_option(bench):
    path = bench.file('disk.img', b'\0' * 1048576)
    bench.run(HOST_ERROR, 'readwrite', args=['--disk', path + ',readwrite'])


@case
def read_only_file_as_disk(bench):
    if os.getuid() == 0:
        return  # root may write every file
    path = bench.file('fixed.img', b'\0' * 1048576)
    os.chmod(path, 0o444)
    bench.run(HOST_ERROR, 'readonly', 'snapshot', args=['--disk', path])


@case
def two_machines_on_one_disk(bench):
    path = bench.file('busy.img', b'\0' * 1048576)
    bench.run(HOST_ERROR, 'busy.img', args=['--disk', path, '--disk', path])


@case
def no_such_bios(bench):
    bench.run(HOST_ERROR, 'missing.bin', args=['--bios', 'missing.bin'])


@case
def empty_bios(bench):
    bench.run(HOST_ERROR, 'empty', args=['--bios', bench.file('empty.bin', b'')])


@case
def vga_bios_that_is_none(bench):
    bench.run(HOST_ERROR, '55h AAh', args=['--vgabios', bench.file('v.bin', b'hello' * 100)])


@case
def garbage_kernel(bench):
    path = bench.file('garbage', bytes(i * 37 % 256 for i in range(100000)))
    bench.run(HOST_ERROR, 'garbage', 'Linux', args=['--kernel', path])


@case
def truncated_kernel(bench):
    head = bytearray(1024)
    head[0x1F1] = 30
    head[0x1FE:0x200] = b'\x55\xaa'
    head[0x202:0x206] = b'HdrS'
    head[0x206:0x208] = b'\x0c\x02'
    bench.run(HOST_ERROR, 'truncated', args=['--kernel', bench.file('head', bytes(head))])


@case
def initrd_that_does_not_fit(bench):
    head = bytearray(8192)
    head[0x1F1] = 4
    head[0x1FE:0x200] = b'\x55\xaa'
    head[0x202:0x206] = b'HdrS'
    head[0x206:0x208] = b'\x03\x02'
    head[0x211] = 1
    head[0x22C:0x230] = b'\xff\xff\xff\x37'
    kernel = bench.file('kernel', bytes(head))
    initrd = bench.file('big', b'\0' * (8 << 20))
    bench.run(HOST_ERROR, 'larger --memory', args=['--memory', '4M', '--kernel', kernel,
                                                    '--initrd', initrd])


@case
def kernel_without_multiboot_header(bench):
    path = bench.file('plain', b'\0' * 10000)
    bench.run(HOST_ERROR, 'multiboot header', args=['--multiboot', path])


@case
def multiboot_kernel_with_unknown_needs(bench):
    flags = 0x8000
    header = struct.pack('<III', 0x1BADB002, flags, -(0x1BADB002 + flags) & 0xFFFFFFFF)
    path = bench.file('needy', header.ljust(10000, b'\0'))
    bench.run(HOST_ERROR, '8000h', args=['--multiboot', path])


@case
def truncated_elf(bench):
    header = struct.pack('<III', 0x1BADB002, 0, -0x1BADB002 & 0xFFFFFFFF)
    elf = b'\x7fELF\x01\x01\x01'.ljust(16, b'\0') + struct.pack(
        '<HHIIIIIHHHHHH', 2, 3, 1, 0x100000, 0x34, 0, 0, 52, 32, 1, 0, 0, 0)
    elf += struct.pack('<IIIIIIII', 1, 0x1000, 0x100000, 0x100000, 0x5000, 0x5000, 7, 4096)
    bench.run(HOST_ERROR, 'truncated', args=['--multiboot', bench.file('short.elf', elf + header)])


@case
def multiboot_kernel_that_does_not_fit(bench):
    header = struct.pack('<IIIIIIII', 0x1BADB002, 0x10000, -(0x1BADB002 + 0x10000) & 0xFFFFFFFF,
                         0x100000, 0x100000, 0x100040, 0x9000000, 0x100020)
    path = bench.file('huge', header.ljust(8192, b'\0'))
    bench.run(HOST_ERROR, 'larger --memory', args=['--memory', '16M', '--multiboot', path])


# --- scripts ---

@case
def script_with_an_unknown_command(bench):
    path = bench.file('s', 'sleep 1s\n\njump 3\n')
    bench.run(HOST_ERROR, ':3:', 'jump', args=['--script', path])


@case
def script_with_an_open_string(bench):
    bench.run(HOST_ERROR, ':1:', 'quote', args=['--script', bench.file('s', 'type "abc\n')])


@case
def script_with_an_unknown_key(bench):
    bench.run(HOST_ERROR, ':2:', 'hyper', args=['--script', bench.file('s', '#\ntype "{hyper}"')])


@case
def saved_state_that_is_missing_or_none(bench):
    bench.run(HOST_ERROR, 'cannot open the saved state', args=['--load', '/nonexistent'])
    bench.run(HOST_ERROR, '', args=['--load', bench.file('s', 'no state\n')])


@case
def script_that_saves_into_no_folder(bench):
    bench.run(HOST_ERROR, '/nonexistent/x',
              args=['--script', bench.file('s', 'sleep 1ms\nsave /nonexistent/x\n')])


@case
def script_of_binary_garbage(bench):
    path = bench.file('s', bytes(i * 91 % 256 for i in range(4096)))
    bench.run(HOST_ERROR, args=['--script', path])


@case
def wait_that_times_out(bench):
    path = bench.file('s', 'wait screen "never" 10ms\n')
    image = bench.file('loop.bin', rom(b'\xeb\xfe'))
    bench.run(TIMEOUT, 'never', 'timed out', args=['--bios', image, '--script', path])


@case
def insertion_of_a_missing_image(bench):
    path = bench.file('s', 'insert floppy missing.img\n')
    bench.run(HOST_ERROR, 'missing.img', args=['--script', path])


@case
def poke_of_an_unknown_register(bench):
    bench.run(USAGE, 'r15', args=['--script', bench.file('s', 'poke r15 1\n')])


@case
def screenshot_into_no_folder(bench):
    path = bench.file('s', 'screenshot /nowhere/x.png\n')
    bench.run(HOST_ERROR, '/nowhere/x.png', args=['--script', path])


# --- guests ---

@case
def triple_fault(bench):
    # An IDT of length 0, then INT 3.
    image = bench.file('triple.bin', rom(b'\xfa\x2e\x0f\x01\x1e\x10\x00\xcc'.ljust(16, b'\x90') +
                                         b'\0' * 6))
    done = bench.run(CRASH, 'triple fault', '#DF', 'int3', args=['--bios', image])
    assert 'cs:eip F000:0000' in done.stderr, done.stderr


@case
def dead_halt(bench):
    image = bench.file('halt.bin', rom(b'\xfa\xf4'))
    bench.run(0, 'interrupts off', args=['--bios', image])


@case
def debug_exit(bench):
    image = bench.file('exit.bin', rom(b'\xb0\x05\xe6\xf4\xf4'))
    bench.run(DEBUG_EXIT + 5, args=['--bios', image])
    image = bench.file('exit0.bin', rom(b'\xb0\x00\xe6\xf4\xf4'))
    bench.run(0, args=['--bios', image])


@case
def endless_loop_with_a_limit(bench):
    image = bench.file('loop.bin', rom(b'\xeb\xfe'))
    path = bench.file('s', 'sleep 1s\nregs\n')
    done = bench.run(0, args=['--bios', image, '--stop-after', '12345', '--script', path])
    assert '"icount":12345,' in done.stdout, done.stdout


@case
def stop_on_fault(bench):
    image = bench.file('ud.bin', rom(b'\x0f\x0b'))
    bench.run(0, '#UD', args=['--bios', image, '--stop-on', 'fault'])


@case
def endless_faults_with_a_limit(bench):
    # The handler of #UD is at 0000:0000, where zeros decode as ADD [BX+SI], AL.
    image = bench.file('zeros.bin', rom(b'\x31\xc0\x8e\xd8\xea\x00\x00\x00\x00'))
    bench.run(0, args=['--bios', image, '--stop-after', '1000000'])


@case
def no_boot_medium(bench):
    bench.run(0, args=['--stop-after', '50000000'])


@case
def garbage_boot_sector(bench):
    path = bench.file('noise.img', boot_sector(bytes(i * 201 % 256 for i in range(500))))
    script = bench.file('s', 'sleep 1s\nquit 0\n')
    done = subprocess.run([bench.anachron, 'run', '--display', 'none', '--floppy', path,
                           '--on-triple-fault', 'reset', '--script', script],
                          stdin=subprocess.DEVNULL, timeout=120, capture_output=True)
    assert 0 <= done.returncode < 128, done.returncode


run_checks(CASES, sys.argv[2:])
