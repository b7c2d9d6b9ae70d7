"""A machine with --gdb, Debian's gdb on it, and a client of our own that can misbehave."""
import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import traceback

PATIENCE = 120


class Machine:
    """`anachron run --gdb`; a context manager."""

    def __init__(self, anachron, *options, script=None, where=None):
        self.folder = tempfile.TemporaryDirectory(prefix='anachron-gdb-')
        self.path = f'{self.folder.name}/gdb'
        self.where = where or f'unix:{self.path}'
        self.command = [str(anachron), 'run', '--display', 'none', '--gdb', self.where,
                        *map(str, options)]
        if script is not None:
            with open(f'{self.folder.name}/script', 'w') as out:
                out.write(script)
            self.command += ['--script', f'{self.folder.name}/script']

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(PATIENCE * 50):
            if os.path.exists(self.path) or self.process.poll() is not None or \
                    not self.where.startswith('unix:'):
                break
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self.folder.cleanup()

    def end(self, status=0):
        """Waits for the end; what the machine said on standard output."""
        out, err = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == status, (self.process.returncode, out, err)
        return out

    def gdb(self, *commands, architecture=None, timeout=PATIENCE):
        """Runs Debian's gdb with these commands; its output."""
        lines = ['set pagination off', 'set confirm off', 'set width 0', 'set debuginfod enabled off']
        if architecture:
            lines.append(f'set architecture {architecture}')
        lines += [f'target remote {self.where.removeprefix("unix:")}', *commands]
        # One that fails is said, and does not end the rest.
        script = f'{self.folder.name}/commands.py'
        with open(script, 'w') as out:
            out.write(f'for line in {lines!r}:\n    try:\n        gdb.execute(line)\n'
                      '    except gdb.error as reason:\n        gdb.write(f"{reason}\\n")\n')
        done = subprocess.run(['gdb', '-q', '-nx', '-batch', '-x', script], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=timeout)
        self.output = done.stdout
        return done.stdout

    def values(self, *commands, **options):
        """The lines "= ..." that the commands print, as lists of words."""
        output = self.gdb(*commands, **options)
        return [line[2:].split() for line in output.splitlines() if line.startswith('= ')]


def show(*expressions):
    """A gdb command that prints expressions as one "= " line in hexadecimal."""
    return 'printf "= ' + ' '.join(['%x'] * len(expressions)) + '\\n", ' + ', '.join(expressions)


class Client:
    """The protocol by hand."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self.bytes = b''
        self.acknowledges = True

    def close(self):
        self.socket.close()

    def send_raw(self, data):
        self.socket.sendall(data)

    def send(self, payload):
        if isinstance(payload, str):
            payload = payload.encode()
        escaped = b''.join(b'}' + bytes([byte ^ 0x20]) if byte in b'$#}*' else bytes([byte])
                           for byte in payload)
        self.send_raw(b'$%s#%02x' % (escaped, sum(escaped) & 0xFF))

    def byte(self):
        while not self.bytes:
            self.bytes = self.socket.recv(65536)
            if not self.bytes:
                raise EOFError('the connection was closed')
        first, self.bytes = self.bytes[:1], self.bytes[1:]
        return first

    def receive(self):
        """The payload of the next packet."""
        byte = self.byte()
        while byte != b'$':
            byte = self.byte()
        payload, total = b'', 0
        while (byte := self.byte()) != b'#':
            total += byte[0]
            if byte == b'}':
                byte = self.byte()
                total += byte[0]
                byte = bytes([byte[0] ^ 0x20])
            payload += byte
        wanted = int(self.byte() + self.byte(), 16)
        assert total & 0xFF == wanted, 'the checksum of an answer is wrong'
        if self.acknowledges:
            with contextlib.suppress(BrokenPipeError):  # the machine may have ended
                self.send_raw(b'+')
        return payload.decode('latin1')

    def ask(self, payload):
        self.send(payload)
        return self.receive()

    def monitor(self, line):
        self.send('qRcmd,' + line.encode().hex())
        text = ''
        while True:
            answer = self.receive()
            if answer == 'OK':
                return text
            if not answer.startswith('O'):
                return text + bytes.fromhex(answer).decode()
            text += bytes.fromhex(answer[1:]).decode()

    def register(self, number):
        data = bytes.fromhex(self.ask(f'p{number:x}'))
        return int.from_bytes(data, 'little')

    def pc(self):
        return self.register(8)

    def memory(self, address, size):
        return bytes.fromhex(self.ask(f'm{address:x},{size:x}'))

    def interrupt(self):
        self.send_raw(b'\x03')
        return self.receive()


@contextlib.contextmanager
def client_of(machine):
    client = Client(machine.path)
    try:
        yield client
    finally:
        client.close()


def state_of(text):
    """icount and state in what `state` prints."""
    found = re.search(r'icount (\d+) state ([0-9a-f]+)', text)
    assert found, f'no state in: {text}'
    return int(found[1]), found[2]


def equal(got, wanted, what=''):
    assert got == wanted, f'{what}: {got!r}, not {wanted!r}'


def run_tests(tests, wanted):
    """All of them, or those that are wanted; ends the program."""
    failed = 0
    for test in tests:
        if wanted and test.__name__ not in wanted:
            continue
        start = time.time()
        try:
            test()
            print(f'{test.__name__}: passed ({time.time() - start:.1f} s)')
        except Exception:  # noqa: BLE001
            failed += 1
            print(f'{test.__name__}: FAILED')
            traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()
    sys.exit(1 if failed else 0)
