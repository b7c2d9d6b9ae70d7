"""A store of machines for tests: runs commands on it, and talks to the guest of guest.asm. A module."""
import json
import os
import socket
import subprocess
import time

PATIENCE = float(os.environ.get('PATIENCE', 60))  # seconds; machines that test may be busy


class Failure(AssertionError):
    pass


def check(condition, what):
    if not condition:
        raise Failure(what)


def gone(pid):
    """Whether a process has ended, or is a zombie without other threads, which holds no locks."""
    try:
        tasks = len(os.listdir(f'/proc/{pid}/task'))
        with open(f'/proc/{pid}/stat') as about:
            return tasks <= 1 and about.read().rsplit(')', 1)[1].split()[0] in 'ZX'
    except OSError:
        return True


def wait_until_gone(pid):
    limit = time.time() + PATIENCE
    while not gone(pid):
        check(time.time() < limit, f'process {pid} does not end')
        time.sleep(0.0005)


class Bench:
    """folder is empty, and stays the caller's. guest: the guest's firmware, or None."""

    def __init__(self, anachron, folder, guest=None, engine=None):
        self.anachron, self.folder = os.path.abspath(anachron), folder
        self.store = f'{folder}/machines'
        self.guest = guest and os.path.abspath(guest)
        self.engine = engine
        self.environment = dict(os.environ, ANACHRON_MACHINES=self.store)

    def popen(self, *words, **more):
        environment = dict(self.environment, **more)
        return subprocess.Popen([self.anachron, *words], cwd=self.folder, env=environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def run(self, *words, status=0, **more):
        """Runs a command; its status must be as expected (None: any). Returns what it printed."""
        process = self.popen(*words, **more)
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Failure(f'{words} does not end') from None
        check(status is None or process.returncode == status,
              f'{words}: status {process.returncode}, not {status}: {err}')
        return out if process.returncode == 0 else err

    def refused(self, *words, status=1, says=''):
        """The command fails with one line that says so."""
        text = self.run(*words, status=status)
        check(text.startswith('anachron: error: ') and text.count('\n') == 1,
              f'{words} does not say what is wrong in one line: {text!r}')
        check(says in text, f'{words}: {says!r} is not in {text!r}')

    def path(self, name, *rest):
        return '/'.join([self.store, name, *rest])

    def read(self, name, file):
        try:
            with open(self.path(name, file), 'rb') as data:
                return data.read()
        except FileNotFoundError:
            return None

    def files(self, name):
        """The three files, as bytes (None: not there)."""
        return {file: self.read(name, file) for file in ('config.ini', 'disk.img', 'state')}

    def ls(self):
        return {row['name']: row['state'] for row in json.loads(self.run('ls', '--json'))}

    def pid(self, name):
        return int(self.read(name, 'running/pid'))

    # --- machines with our guest ---

    def new(self, name, *options, serial='none'):
        engine = ['--engine', self.engine] if self.engine else []
        self.run('new', name, '--disk-size', '1M', '--memory', '1M', '--bios', self.guest, '--clock',
                 'paced', '--display', 'none', '--serial', serial, *engine, *options)

    def start(self, name, *options):
        self.run('start', name, '--detach', *options)

    def connect(self, name):
        path = self.path(name, 'running/control')
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        # The name of a socket is short.
        folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
        try:
            connection.connect(f'/proc/self/fd/{folder}/control')
        finally:
            os.close(folder)
        return connection

    def ask(self, name, command, **arguments):
        """The result of a command on the control socket."""
        with self.connect(name) as connection, connection.makefile('rwb') as stream:
            stream.write(json.dumps({'id': 1, 'command': command,
                                     'arguments': arguments}).encode() + b'\n')
            stream.flush()
            answer = json.loads(stream.readline() or b'{}')
        check(answer.get('ok'), f'{name}: {command} {arguments}: {answer}')
        return answer.get('result')

    def counters(self, name):
        """Boots, ticks and writes, as they are in the guest's memory."""
        memory = bytes.fromhex(self.ask(name, 'memory', address=0x500, size=0x104)['bytes'])
        word = lambda address: int.from_bytes(memory[address - 0x500:address - 0x4FE], 'little')
        return word(0x600), word(0x500), word(0x602)

    def await_counters(self, name, expected):
        limit = time.time() + PATIENCE
        while True:
            counters = self.counters(name)
            if counters == expected:
                return
            check(time.time() < limit, f'{name}: the guest says {counters}, not {expected}')
            time.sleep(0.001)

    def tell(self, name, text):
        self.ask(name, 'serial', text=text)
