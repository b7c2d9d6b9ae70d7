"""A machine with a control socket, for tests that ask it things. A module."""
import contextlib
import json
import os
import socket
import subprocess
import time

PATIENCE = 60


class Asker:
    """ask('memory', address=0, size=4) is the result of the command; an error is an AssertionError."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self.stream = self.socket.makefile('rwb')

    def answer(self, command, arguments):
        self.stream.write(json.dumps({'command': command, 'arguments': arguments}).encode() + b'\n')
        self.stream.flush()
        line = self.stream.readline()
        assert line, f'{command}: the connection was closed'
        return json.loads(line)

    def __call__(self, command, **arguments):
        answer = self.answer(command, arguments)
        assert answer['ok'], f'{command} {arguments}: {answer}'
        return answer['result']

    def refused(self, command, **arguments):
        answer = self.answer(command, arguments)
        assert not answer['ok'], f'{command} {arguments}: {answer}'
        return answer['error']

    def close(self):
        self.stream.close()
        self.socket.close()


@contextlib.contextmanager
def machine(anachron, folder, *options, script=None):
    """A machine with these options, and optionally the text of a script; it must be told to quit."""
    path = f'{folder}/control'
    command = [anachron, 'run', '--display', 'none', '--clock', 'virtual', '--control', path, *options]
    if script:
        with open(f'{folder}/script', 'w') as out:
            out.write(script)
        command += ['--script', f'{folder}/script']
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    ask = None
    try:
        for _ in range(PATIENCE * 50):
            if os.path.exists(path) or process.poll() is not None:
                break
            time.sleep(0.02)
        ask = Asker(path)
        yield ask
        code = process.wait(PATIENCE)
        assert code == 0, f'status {code}: {process.stderr.read()}'
    finally:
        if ask:
            ask.close()
        process.kill()
        process.wait()
        process.stderr.close()
