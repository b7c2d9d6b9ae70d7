#!/usr/bin/env python3
"""Machines that are kept by name: each command, what it says when it cannot, and configurations that
people have edited.

Run alone: tests/machines/commands.py BUILD/anachron BUILD/tests/machines/guest.bin [interp|jit]
"""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

from bench import Bench, check, wait_until_gone

anachron, guest = map(os.path.abspath, sys.argv[1:3])
engine = sys.argv[3] if len(sys.argv) > 3 else None


def names(b):
    for bad in ('', '.hidden', 'a/b', '../x', 'x' * 65, 'a b', '-x'):
        b.refused('new', bad, status=2, says='no name for a machine')
    b.refused('start', 'nobody', says='no machine called nobody')
    for words in (['stop', 'nobody', '--save'], ['save', 'nobody'], ['rm', 'nobody'],
                  ['log', 'nobody'], ['clone', 'nobody', 'x']):
        b.refused(*words, says='no machine called nobody')
    b.new('a')
    b.refused('new', 'a', says='called a already')
    b.refused('clone', 'a', 'a', says='called a already')
    b.refused('clone', 'a', 'x/y', says='no name for a machine')
    check(sorted(os.listdir(b.store)) == ['a'], f'left over: {os.listdir(b.store)}')
    b.run('rm', 'a')
    check(os.listdir(b.store) == [] and b.ls() == {}, 'rm leaves something')


def options_of_new(b):
    b.refused('new', 'a', '--disk-size', 'much', status=2, says='give a size')
    b.refused('new', 'a', '--memory', '0', status=2, says='--memory 0')
    b.refused('new', 'a', '--memory', status=2, says='wants an argument')
    b.refused('new', 'a', '--wrong', status=2, says='unknown option --wrong')
    b.refused('new', 'a', '--control', 'x', status=2, says='--control does not go with')
    b.refused('new', 'a', '--append', 'x', status=2, says='--append goes with')
    b.refused('new', 'a', '--disk', 'x', '--disk', 'y', status=2, says='one disk of its own')
    b.refused('new', 'a', '--disk', 'x', '--disk-size', '1M', status=2, says='exclude each other')
    b.refused('new', 'a', '--disk', 'missing.img', says="no disk image 'missing.img'")
    b.refused('new', 'a', '--at-end', 'x', status=2, says='save or discard')
    b.refused('new', 'a', '--serial', 'file:a ;b', status=2, says='semicolon')
    check(os.listdir(b.store) == [], f'left over: {os.listdir(b.store)}')
    with open(f'{b.folder}/odd, name.img', 'wb') as image:
        image.write(b'x' * 1000)
    b.run('new', 'a', '--disk', 'odd,, name.img,geometry=1/1/2', '--cdrom', 'cd.iso', '--stats',
          '--serial', 'file:out', '--at-end', 'discard')
    check(b.read('a', 'disk.img') == b'x' * 1000 + b'\0' * 24, 'the disk is no copy')
    text = b.read('a', 'config.ini').decode()
    for line in (f'cdrom = {b.folder}/cd.iso', 'geometry = 1/1/2', f'serial = file:{b.folder}/out',
                 'stats = yes', 'memory = 128M', 'at-end = discard'):
        check(f'\n{line}\n' in text, f'{line!r} is not in {text!r}')
    check(text.index('[machine]') < text.index('cdrom') < text.index('[start]') <
          text.index('serial'), f'the sections are not in order: {text!r}')


def configurations(b):
    b.new('a')
    good = b.read('a', 'config.ini').decode()
    path = b.path('a', 'config.ini')
    count = good.count('\n')

    def refused(text, line, says, data=None):
        with open(path, 'wb') as out:
            out.write(data or (good + text).encode())
        b.refused('start', 'a', says=says)
        b.refused('start', 'a', says=f'config.ini:{line}: ')

    refused('nonsense\n', count + 1, 'neither [section] nor key = value')
    refused('[start]\n\n[guest\n', count + 3, 'neither [section] nor key = value')
    refused('[guest]\nmemory = 1M\n', count + 2, '[guest] is no section')
    refused('wrong = 1\n', count + 1, 'no key "wrong"')
    refused('control = x\n', count + 1, 'no key "control"')
    refused('\n; comment\nmemory = 2M\n', count + 3, 'memory belongs under [machine]')
    refused('[machine]\nmemory = lots\n', count + 2, '--memory lots: give a size')
    refused('[machine]\ndisk = x.img\n', count + 2, "own disk is disk.img")
    refused('stats = perhaps\n', count + 1, 'give yes or no')
    refused('at-end = later\n', count + 1, 'save or discard')
    refused('trace = ' + 'x' * 9000 + '\n', count + 1, 'too long')
    refused('k' * 60 + ' = 1\n', count + 1, '')
    refused('', count + 1, 'zero byte', good.encode() + b'a\0b = 1\n')
    refused('', 1, '', b'\xff\xfe\x00\n')
    with open(path, 'wb') as out:
        out.write(b'')
    b.refused('start', 'a', says='empty')
    os.unlink(path)
    b.refused('start', 'a', says='config.ini')
    check(b.ls() == {'a': 'off'}, 'a machine with a bad configuration is not listed')
    # Long lines, indented ones, comments, a key twice, and no newline at the end are all good.
    with open(path, 'w') as out:
        out.write(good.replace('memory = 1M', '   memory = 2M ; a comment') +
                  f'# {"x" * 3000}\nserial = none\nprinter = file:{"./" * 900}lpt')
    b.start('a')
    check(b.ask('a', 'status')['memory'] == 2 << 20, 'the edited line is not minded')
    check(os.path.exists(b.path('a', 'lpt')), 'a relative name is not in the folder')
    b.run('stop', 'a', '--discard')


def command_line_replaces(b):
    b.new('a', '--boot', 'c')
    b.start('a', '--memory', '3M', '--boot', 'a')
    check(b.ask('a', 'status')['memory'] == 3 << 20, 'the option is not minded')
    b.run('stop', 'a', '--discard')
    b.refused('start', 'a', '--memory', 'x', status=2, says='--memory x')
    b.refused('start', 'a', '--control', 'x', status=2, says='--control')
    check(b.ls() == {'a': 'off'}, b.ls())


def running(b):
    b.new('a')
    b.start('a')
    b.await_counters('a', (1, 0, 0))
    check(b.ls() == {'a': 'running'}, b.ls())
    b.refused('start', 'a', says='runs already')
    b.refused('rm', 'a', says='runs (process')
    before = b.files('a')
    b.tell('a', 'wwt')
    b.await_counters('a', (1, 1, 2))
    check(b.files('a') == before, 'a running machine changes its files')
    b.run('clone', 'a', 'b')
    check(b.files('b') == before, 'a clone of a running machine is not what was saved')
    b.run('stop', 'a', '--discard')
    check(b.files('a') == before, 'discarded, but not as before')
    check(sorted(os.listdir(b.path('a'))) == ['config.ini', 'disk.img', 'log'],
          f'left over: {os.listdir(b.path("a"))}')
    b.refused('stop', 'a', '--discard', says='does not run')
    b.refused('stop', 'a', '--save', says='does not run')
    b.refused('save', 'a', says='does not run')
    check('discard' in b.run('stop', 'a', status=2), 'stop without saying how')
    b.start('a')
    b.await_counters('a', (1, 0, 0))
    b.tell('a', 'ww')
    b.await_counters('a', (1, 0, 2))
    pid = b.pid('a')
    b.tell('a', 'p')
    wait_until_gone(pid)
    check(b.ls() == {'a': 'off', 'b': 'off'}, b.ls())
    check(b.read('a', 'disk.img')[:4] == bytes([1, 0, 2, 0]), 'powered off, but not saved')
    check(b.read('b', 'disk.img') == before['disk.img'], 'the clone changes with it')
    log = b.run('log', 'a')
    for word in ('made', 'started', 'ended', 'saved, powered off'):
        check(word in log, f'{word} is not in {log!r}')


def only_one_starts(b):
    b.new('a')
    processes = [b.popen('start', 'a', '--detach') for _ in range(8)]
    ended = [(process.communicate(timeout=60), process.returncode) for process in processes]
    check(sorted(status for _, status in ended) == [0] + [1] * 7, ended)
    check(all('runs already' in err for (_, err), status in ended if status), ended)
    b.await_counters('a', (1, 0, 0))
    b.run('stop', 'a', '--discard')


def machines_that_do_not_listen(b):
    """A process that hangs is killed by stop --discard."""
    b.new('a')
    b.start('a')
    b.await_counters('a', (1, 0, 0))
    pid = b.pid('a')
    os.kill(pid, 19)  # SIGSTOP
    b.run('stop', 'a', '--discard')
    wait_until_gone(pid)
    check(b.ls() == {'a': 'off'}, b.ls())


def signals_and_policies(b):
    for policy in ('save', 'discard'):
        name = f'm-{policy}'
        b.new(name, '--at-end', policy)
        b.start(name)
        b.await_counters(name, (1, 0, 0))
        pid = b.pid(name)
        os.kill(pid, 15)
        wait_until_gone(pid)
        expected = {'save': ('saved', 1), 'discard': ('off', 0)}[policy]
        check((b.ls()[name], b.read(name, 'disk.img')[0]) == expected,
              f'{policy}: {b.ls()} {b.read(name, "disk.img")[0]}; {b.run("log", name)}')


def what_is_said_at_the_end(b):
    """Nobody sees the terminal of a detached machine: its log and console say how it ended."""
    with open(f'{b.folder}/crash', 'wb') as rom:
        # lidt [cs:8]; int3: there is no IDT
        code = b'\x2e\x0f\x01\x1e\x08\x00\xcc'.ljust(65536, b'\0')
        rom.write(code[:0xFFF0] + b'\xea\x00\x00\x00\xf0' + code[0xFFF5:])
    b.run('new', 'a', '--memory', '1M', '--bios', 'crash', '--display', 'none', '--serial', 'none')
    b.run('start', 'a', status=4)
    check('crashed' in b.run('log', 'a'), b.run('log', 'a'))
    b.run('start', 'a', '--detach', status=None)
    limit = time.time() + 60
    while b.ls() != {'a': 'off'} and time.time() < limit:
        time.sleep(0.01)
    console = b.read('a', 'console')
    check(console and b'triple fault' in console, f'the console says {console}')
    b.new('b')
    b.start('b')
    b.await_counters('b', (1, 0, 0))
    b.run('stop', 'b', '--discard')
    check('discarded' in b.run('log', 'b') and b.read('b', 'console') is None, b.run('log', 'b'))


def cold_starts_and_changed_disks(b):
    b.new('a')
    b.start('a')
    b.await_counters('a', (1, 0, 0))
    # The tick comes when the disk has the write.
    b.tell('a', 'wt')
    b.await_counters('a', (1, 1, 1))
    b.run('stop', 'a', '--save')
    b.refused('start', 'a', '--memory', '2M', says='--cold')
    check(b.ls() == {'a': 'saved'}, b.ls())
    b.start('a', '--cold')
    b.await_counters('a', (2, 0, 1))
    b.run('stop', 'a', '--discard')
    b.start('a')
    b.await_counters('a', (1, 1, 1))
    b.run('stop', 'a', '--discard')
    # Edited: the state is of a machine with other memory.
    path = b.path('a', 'config.ini')
    with open(path) as file:
        text = file.read()
    with open(path, 'w') as file:
        file.write(text.replace('memory = 1M', 'memory = 2M'))
    b.refused('start', 'a', says='--memory of a is not what it was')
    b.start('a', '--cold')
    b.await_counters('a', (2, 0, 1))
    b.run('stop', 'a', '--discard')
    with open(path, 'w') as file:
        file.write(text)
    before = b.read('a', 'disk.img')
    with open(b.path('a', 'disk.img'), 'r+b') as disk:
        disk.write(before[:2])  # changes the time only
    check(b.ls() == {'a': 'changed'}, b.ls())
    b.refused('start', 'a', says='touch -r')
    os.utime(b.path('a', 'disk.img'), ns=(os.stat(b.path('a', 'state')).st_mtime_ns,) * 2)
    b.start('a')
    b.await_counters('a', (1, 1, 1))
    b.run('stop', 'a', '--discard')
    with open(b.path('a', 'state'), 'r+b') as state:
        state.seek(-100, 2)
        state.write(bytes(100))
    os.utime(b.path('a', 'state'), ns=(os.stat(b.path('a', 'disk.img')).st_mtime_ns,) * 2)
    b.refused('start', 'a', says=b.path('a', 'state'))
    check(sorted(os.listdir(b.path('a'))) == ['config.ini', 'disk.img', 'log', 'state'],
          'left over')


def other_media(b):
    """What is put in while it runs, and floppies that the guest writes to, are in the state."""
    for name in ('one', 'two'):
        with open(f'{b.folder}/{name}.img', 'wb') as image:
            image.write(bytes(1474560))
    b.new('a', '--floppy', 'one.img')
    b.start('a')
    b.await_counters('a', (1, 0, 0))
    b.ask('a', 'insert', drive='floppy', file=f'{b.folder}/two.img,snapshot')
    b.run('stop', 'a', '--save')
    b.start('a')
    drives = {drive['name']: drive['medium'] for drive in b.ask('a', 'status')['drives']}
    check(drives['floppy'] == 'two.img', drives)
    b.run('stop', 'a', '--discard')


def without_a_disk(b):
    b.run('new', 'a', '--memory', '1M', '--bios', b.guest, '--serial', 'none', '--display', 'none')
    b.start('a')
    b.run('save', 'a')
    b.run('stop', 'a', '--save')
    check(b.ls() == {'a': 'saved'}, b.ls())
    b.start('a')
    b.run('stop', 'a', '--discard')


def forks(b):
    b.new('a')
    b.refused('fork', 'a', 'b', says='does not run')
    b.refused('fork', 'x', 'b', says='no machine called x')
    b.start('a')
    b.await_counters('a', (1, 0, 0))
    b.tell('a', 'wt')
    b.await_counters('a', (1, 1, 1))
    saved = b.files('a')
    b.refused('fork', 'a', 'a', says='called a already')
    b.refused('fork', 'a', '.b', says='no name for a machine')
    b.refused('fork', 'a', 'b', '--serial', 'wrong', says='--serial')
    check(sorted(os.listdir(b.store)) == ['a'], f'left over: {os.listdir(b.store)}')
    b.run('fork', 'a', 'b')
    check(b.ls() == {'a': 'running', 'b': 'running'}, b.ls())
    b.await_counters('b', (1, 1, 1))
    b.tell('a', 'ww')
    b.tell('b', 'tw')
    b.await_counters('a', (1, 1, 3))
    b.await_counters('b', (1, 2, 2))
    check(b.files('b') == saved, 'what is saved of a fork is not what was saved of the other')
    check(sorted(os.listdir(b.path('b'))) == ['config.ini', 'disk.img', 'log', 'running'],
          f'left over: {os.listdir(b.path("b"))}')
    b.run('stop', 'b', '--save')
    b.run('stop', 'a', '--discard')
    check(b.files('a') == saved, 'a fork changes the other')
    b.start('b')
    b.await_counters('b', (1, 2, 2))
    b.tell('b', 'w')
    b.await_counters('b', (1, 2, 3))
    b.run('stop', 'b', '--discard')
    check(b.read('b', 'disk.img')[:4] == bytes([1, 0, 2, 0]), 'the fork\'s disk was not saved')


def forks_are_processes(b):
    """The copy comes of the running process: paused if asked to be, with the policy that is named, and
    forked again; the other one may be saved or killed."""
    b.new('a')
    b.start('a')
    b.await_counters('a', (1, 0, 0))
    b.tell('a', 'w')
    b.await_counters('a', (1, 0, 1))
    b.run('fork', 'a', 'p', '--paused')
    check(b.ask('p', 'status')['state'] == 'paused', 'it is not paused')
    check(b.ask('a', 'status')['state'] != 'paused', 'the first one is paused, too')
    check('stood still for' in b.run('log', 'a'), 'the process was not forked')
    b.tell('p', 't')
    time.sleep(0.05)
    check(b.counters('p') == (1, 0, 1), 'a paused machine runs')
    b.ask('p', 'cont')
    b.await_counters('p', (1, 1, 1))
    b.run('fork', 'p', 'q', '--at-end=discard')
    b.tell('a', 'ww')
    b.await_counters('a', (1, 0, 3))
    b.run('save', 'a')  # writes to the image that the others began on
    os.kill(b.pid('a'), signal.SIGKILL)
    wait_until_gone(b.pid('a'))
    b.tell('q', 'w')
    b.await_counters('q', (1, 1, 2))
    before = b.files('q')
    pid = b.pid('q')
    os.kill(pid, signal.SIGTERM)
    wait_until_gone(pid)
    check(b.ls() == {'a': 'saved', 'p': 'running', 'q': 'off'}, b.ls())
    check(b.files('q') == before, 'a fork that is to be discarded was saved')
    check('as it was saved last' in (b.read('q', 'console') or b'').decode(), 'nothing was said')
    pid = b.pid('p')
    os.kill(pid, signal.SIGTERM)
    wait_until_gone(pid)
    check(b.ls()['p'] == 'saved' and b.read('p', 'disk.img')[:4] == bytes([1, 0, 1, 0]),
          'a fork was not saved at its end')
    check(b.read('a', 'disk.img')[:4] == bytes([1, 0, 3, 0]), 'a fork has changed the first one')


def said(path, text):
    limit = time.time() + 60
    while True:
        try:
            with open(path) as file:
                found = file.read()
        except FileNotFoundError:
            found = ''
        if text in found:
            return found
        check(time.time() < limit, f'{path} does not say {text!r}: {found!r}')
        time.sleep(0.01)


def talk(port, text):
    """What the guest answers at a serial port."""
    with socket.create_connection(('127.0.0.1', port), timeout=60) as connection:
        connection.sendall(text)
        answer = b''
        while b'\n' not in answer:
            answer += connection.recv(100)
        return answer


def copies_have_ports(b):
    """Serial ports of a fork and of a split are under its own name; nothing of them goes to the first
    one's, and neither does what they say."""
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    b.new('a', serial=f'tcp::{port}')
    b.start('a')
    b.await_counters('a', (1, 0, 0))
    b.run('fork', 'a', 'b', '--at-end=discard')
    text = said(b.path('b', 'running/console'), 'serial port 1 is tcp::')
    other = int(text.split('tcp::')[1].split()[0])
    check(b'W 0001 0000 0001' in talk(other, b'w'), 'the fork does not answer at its port')
    b.ask('a', 'split', socket=f'{b.folder}/split', how=[])
    third = int(said(f'{b.folder}/split.log', 'serial port 1 is tcp::').split('tcp::')[1].split()[0])
    check(b'T 0001 0001 0000' in talk(third, b't'), 'the split does not answer at its port')
    check(b.counters('a') == (1, 0, 0) and b.counters('b') == (1, 0, 1), 'a port is not its own')
    check(b'W 0001 0000 0001' in talk(port, b'w'), 'the first one does not answer any more')
    check(not b.read('a', 'running/console'), 'copies write to the first one\'s console')
    b.run('ctl', f'{b.folder}/split', 'quit')
    for name in 'ab':
        b.run('stop', name, '--discard')
        b.run('rm', name)
    b.new('f', serial=f'file:{b.folder}/serial')
    b.start('f')
    b.await_counters('f', (1, 0, 0))
    b.run('fork', 'f', 'g')
    b.tell('g', 't')
    said(b.path('g', 'serial1.log'), 'T 0001 0001 0000')
    b.ask('f', 'split', socket=f'{b.folder}/cut', how=[])
    b.run('ctl', f'{b.folder}/cut', 'serial', 'w')
    said(f'{b.folder}/cut.serial1', 'W 0001 0000 0001')
    b.run('ctl', f'{b.folder}/cut', 'quit')
    check(open(f'{b.folder}/serial').read().count('\n') == 1, 'copies write to the first one\'s file')
    for name in 'fg':
        b.run('stop', name, '--discard')
        b.run('rm', name)


def forks_by_a_state(b):
    """Where the process cannot be forked: with options, and with a disk that is written directly."""
    b.new('a')
    b.start('a')
    b.await_counters('a', (1, 0, 0))
    b.refused('fork', 'a', 'b', '--paused', '--serial', 'none', status=2, says='--paused')
    b.run('fork', 'a', 'b', '--serial', f'file:{b.folder}/serial')
    check(os.path.exists(f'{b.folder}/serial'), 'the option does nothing')
    with open(f'{b.folder}/floppy.img', 'wb') as image:
        image.truncate(1474560)
    b.ask('a', 'insert', drive='floppy', file=f'{b.folder}/floppy.img')
    b.refused('fork', 'a', 'c', '--paused', says='written directly')
    b.tell('b', 'w')
    b.await_counters('b', (1, 0, 1))
    check('stood still' not in b.run('log', 'a'), 'the process was forked')
    check(sorted(os.listdir(b.store)) == ['a', 'b'], f'left over: {os.listdir(b.store)}')


def deep_folders(b):
    """The name of a socket has room for a hundred characters; folders may be deeper."""
    b.store = f'{b.folder}/{"deep/" * 30}machines'
    b.environment['ANACHRON_MACHINES'] = b.store
    b.new('a')
    b.start('a')
    b.await_counters('a', (1, 0, 0))
    b.run('stop', 'a', '--discard')


def main():
    failures = 0
    tests = [names, options_of_new, configurations, command_line_replaces, running, only_one_starts,
             machines_that_do_not_listen, signals_and_policies, what_is_said_at_the_end,
             cold_starts_and_changed_disks, other_media, without_a_disk, forks, forks_are_processes, copies_have_ports,
             forks_by_a_state, deep_folders]
    for test in tests:
        with tempfile.TemporaryDirectory(prefix='machines-') as folder:
            bench = Bench(anachron, folder, guest, engine)
            os.mkdir(bench.store)
            try:
                test(bench)
            except (AssertionError, subprocess.SubprocessError, OSError, ValueError):
                failures += 1
                print(f'FAIL {test.__name__}')
                traceback.print_exc(file=sys.stdout)
            else:
                print(f'ok   {test.__name__}')
            finally:
                for name in os.listdir(bench.store) if os.path.isdir(bench.store) else []:
                    subprocess.run([anachron, 'stop', name, '--discard'], env=bench.environment,
                                   capture_output=True, check=False)
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
