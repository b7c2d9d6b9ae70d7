"""A machine that shows tests/ui/events.asm in some display, for the tests of displays: what the guest
says of keys and mouse, and commands to the machine. A module."""
import json
import os
import re
import subprocess
import time

PATIENCE = float(os.environ.get('PATIENCE', 60))  # seconds; machines that test may be busy


def until(condition, what):
    """Waits for condition() to give something, and returns it. What is not there yet may be an error."""
    limit = time.time() + PATIENCE
    while True:
        try:
            result = condition()
        except (OSError, subprocess.CalledProcessError):
            result = None
        if result:
            return result
        assert time.time() < limit, f'{what}: not within {PATIENCE} s'
        time.sleep(0.05)


class Guest:
    def __init__(self, anachron, folder, arguments, kept=None):
        """kept: the folder of a machine that is kept by name, which is started."""
        self.anachron, self.folder = anachron, folder
        self.control = f'{kept}/running/control' if kept else f'{folder}/control'
        self.log = f'{folder}/serial'
        self.forgotten = 0
        command = ['start', os.path.basename(kept)] if kept else ['run', '--control', self.control]
        self.process = subprocess.Popen(
            [anachron, *command, '--serial', f'file:{self.log}', *arguments],
            cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()

    def ctl(self, *words):
        done = subprocess.run([self.anachron, 'ctl', '--json', self.control, *map(str, words)],
                              cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)['result']

    def screenshot(self):
        """What the guest shows, as a file."""
        path = f'{self.folder}/guest.png'
        self.ctl('screenshot', path)
        return path

    # What it says on COM1.

    def said(self):
        with open(self.log) as log:
            return log.read()[self.forgotten:]

    def forget(self):
        """What comes from now on is to be looked at."""
        self.forgotten = 0
        self.forgotten = len(self.said())

    def wait_for_quiet(self):
        """What was under way has come."""
        said = None
        while said != self.said():
            said = self.said()
            time.sleep(0.5)

    def wait_for(self, text):
        try:
            until(lambda: text in self.said(), repr(text))
        except AssertionError as problem:
            raise AssertionError(f'{problem}; there is {self.said()!r}') from None

    def wait_for_match(self, pattern):
        return until(lambda: re.search(pattern, self.said()), pattern)

    def wait_for_keys(self, codes):
        self.wait_for(''.join(f'K {code}\n' for code in codes.split()))
