#!/usr/bin/env python3
"""A real Linux guest as a machine that is kept by name: boot from its disk, log in over the serial port,
write to the disk; stop --save and start, and the shell goes on; stop --discard and kill -9, and the
files are byte for byte as before; a clone and a fork go their own ways.

Run alone: tests/machines/linux.py BUILD/anachron BUILD/guests [interp|jit]
"""
import hashlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'boot'))
from bench import Bench, check, wait_until_gone  # noqa: E402
from guests import Guests  # noqa: E402
from packages import Unavailable  # noqa: E402

anachron, cache = map(os.path.abspath, sys.argv[1:3])
engine = sys.argv[3] if len(sys.argv) > 3 else 'jit'
GUEST_PATIENCE = 3600  # of virtual time, which passes quickly


class Linux(Bench):
    def ctl(self, name, *words):
        done = subprocess.run([self.anachron, 'ctl', self.path(name, 'running/control'), *words],
                              capture_output=True, text=True, timeout=1200)
        check(done.returncode == 0, f'{name}: {words}: {done.stderr}')
        return done.stdout

    def await_text(self, name, text):
        self.ctl(name, 'wait', 'serial', text, f'{GUEST_PATIENCE}s')

    def shell(self, name, command, expected):
        """A command in the guest's shell. What is expected must not be in the command itself, which
        is echoed."""
        check(expected not in command, 'the echo would do')
        self.ctl(name, 'serial', command + '\r')
        self.await_text(name, expected)

    def hashes(self, name):
        return {file: data and hashlib.sha256(data).hexdigest()
                for file, data in self.files(name).items()}

    def timed(self, what, *words):
        begin = time.time()
        self.run(*words)
        print(f'{what}: {time.time() - begin:.2f} s', flush=True)


def login(b):
    b.run('new', 'pc', '--disk', str(Guests(cache).build('disk')), '--memory', '128M', '--display',
          'none', '--serial', 'none', '--engine', engine, '--clock', 'virtual')
    b.start('pc')
    b.await_text('pc', 'anachron login: ')
    b.shell('pc', 'root', '# ')
    # The answer is only in the shell's memory; the sum is only on the disk.
    b.shell('pc', 'ANSWER=$((6*7)); echo set-$ANSWER', 'set-42')
    b.shell('pc', 'dd if=/dev/urandom of=/root/data bs=64k count=16 && md5sum /root/data > /root/sum'
                  ' && sync && echo sum-$ANSWER', 'sum-42')


def saved_and_gone_on_with(b):
    untouched = b.hashes('pc')
    check(untouched['state'] is None, 'there is a state before it was saved')
    b.timed('stop --save', 'stop', 'pc', '--save')
    saved = b.hashes('pc')
    check(saved['disk.img'] != untouched['disk.img'] and saved['state'], 'nothing was saved')
    check(saved['config.ini'] == untouched['config.ini'], 'the configuration has changed')
    check(b.ls() == {'pc': 'saved'}, b.ls())
    b.timed('start', 'start', 'pc', '--detach')
    b.shell('pc', 'echo still-$ANSWER', 'still-42')
    b.shell('pc', 'echo 3 > /proc/sys/vm/drop_caches; md5sum -c /root/sum && echo good-$ANSWER',
            'good-42')
    return saved


def discarded(b, saved):
    b.shell('pc', 'ANSWER=13; rm /root/data; echo lost > /root/sum; sync; echo now-$ANSWER', 'now-13')
    check(b.hashes('pc') == saved, 'a running machine has changed its files')
    b.run('stop', 'pc', '--discard')
    check(b.hashes('pc') == saved, 'discarded, but the files are not as before')
    b.start('pc')
    b.shell('pc', 'md5sum -c /root/sum && echo back-$ANSWER', 'back-42')


def killed(b, saved):
    b.shell('pc', 'rm /root/data; sync; echo removed-$ANSWER', 'removed-42')
    pid = b.pid('pc')
    os.kill(pid, signal.SIGKILL)
    wait_until_gone(pid)
    check(b.ls() == {'pc': 'saved'}, b.ls())
    check(b.hashes('pc') == saved, 'killed, but the files are not as before')
    b.start('pc')
    b.shell('pc', 'md5sum -c /root/sum && echo whole-$ANSWER', 'whole-42')


def saved_while_running(b):
    b.shell('pc', 'ANSWER=100; echo $ANSWER > /root/number; sync; echo is-$ANSWER', 'is-100')
    b.timed('save', 'save', 'pc')
    saved = b.hashes('pc')
    b.shell('pc', 'ANSWER=101; echo $ANSWER > /root/number; sync; echo is-$ANSWER', 'is-101')
    b.run('stop', 'pc', '--discard')
    check(b.hashes('pc') == saved, 'what came after the save has not gone')
    b.run('clone', 'pc', 'other')
    b.start('pc')
    b.start('other')
    b.shell('pc', 'ANSWER=$((ANSWER+1)); echo pc-$ANSWER-$(cat /root/number)', 'pc-101-100')
    b.shell('other', 'ANSWER=$((ANSWER+2)); echo other-$ANSWER-$(cat /root/number)', 'other-102-100')
    b.run('stop', 'other', '--discard')
    b.run('rm', 'other')


def forked(b):
    """A running machine becomes two, with the same shell in both."""
    b.timed('fork', 'fork', 'pc', 'twin')
    b.shell('pc', 'echo $ANSWER > /root/whose; sync; echo first-$ANSWER', 'first-101')
    b.shell('twin', 'ANSWER=7; ls /root/whose 2>/dev/null || echo $ANSWER > /root/whose; sync; '
                    'echo twin-$ANSWER-$(cat /root/whose)', 'twin-7-7')
    b.shell('pc', 'echo 3 > /proc/sys/vm/drop_caches; echo pc-$ANSWER-$(cat /root/whose)', 'pc-101-101')
    b.run('stop', 'twin', '--save')
    b.start('twin')
    b.shell('twin', 'echo 3 > /proc/sys/vm/drop_caches; echo again-$ANSWER-$(cat /root/whose)',
            'again-7-7')
    b.run('stop', 'twin', '--discard')
    b.run('rm', 'twin')


def powered_off(b):
    b.shell('pc', 'echo off-$ANSWER > /root/note; sync; echo written-$ANSWER', 'written-101')
    pid = b.pid('pc')
    b.ctl('pc', 'serial', 'poweroff\r')
    limit = time.time() + 600
    while b.ls() != {'pc': 'off'}:
        check(time.time() < limit, 'it does not power off')
        time.sleep(0.2)
    wait_until_gone(pid)
    check(b.hashes('pc')['state'] is None, 'a machine that is powered off has a state')
    b.start('pc')
    b.await_text('pc', 'anachron login: ')
    b.shell('pc', 'root', '# ')
    b.shell('pc', 'cat /root/note; md5sum -c /root/sum && echo end-$((6*7))', 'off-101')
    b.await_text('pc', 'end-42')
    b.run('stop', 'pc', '--discard')


def main():
    os.environ['PATH'] += ':/usr/sbin:/sbin'
    with tempfile.TemporaryDirectory(prefix='machines-linux-') as folder:
        b = Linux(anachron, folder, engine=engine)
        try:
            login(b)
            saved = saved_and_gone_on_with(b)
            discarded(b, saved)
            killed(b, saved)
            saved_while_running(b)
            forked(b)
            powered_off(b)
        except Unavailable as reason:
            print(f'SKIPPED: {reason}')
            return 77
        except AssertionError as problem:
            print(f'FAILED: {problem}')
            return 1
        finally:
            for name in b.ls() if os.path.isdir(b.store) else []:
                b.run('stop', name, '--discard', status=None)
    print('passed')
    return 0


if __name__ == '__main__':
    sys.exit(main())
