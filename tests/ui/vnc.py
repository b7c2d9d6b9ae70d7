#!/usr/bin/env python3
"""The remote screen of --display vnc, with real viewers (libvncclient, by vnc_client.c; gtk-vnc's
gvnccapture) and with some that misbehave: what they see, and what a guest gets of them.

Run alone: tests/ui/vnc.py BUILD/anachron BUILD/tests/ui/events.bin BUILD/tests/ui/vnc_client [TEST]...
"""
import contextlib
import os
import pathlib
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'boot'))
from guest import PATIENCE, Guest, until  # noqa: E402
from png import Picture  # noqa: E402

anachron, events_image, client = (os.path.abspath(path) for path in sys.argv[1:4])
ENCODINGS = ['raw', 'hextile', 'zlib', 'tight', 'zrle']


def free_port():
    """Of gvnccapture's numbering: screen N is at port 5900 + N."""
    while True:
        port = random.randrange(5950, 5999)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(('127.0.0.1', port))
            return port


class Machine(Guest):
    def __init__(self, folder, *args):
        self.port = free_port()
        super().__init__(anachron, folder, ['--display', f'vnc:{self.port}', '--floppy',
                                            f'{events_image},snapshot', '--boot', 'a', *args])
        until(lambda: os.path.exists(self.log) and 'A FA\n' in self.said(), 'the guest')
        self.quiet()

    def quiet(self):
        """Until the guest has nothing more to say, which is then forgotten."""
        self.wait_for_quiet()
        self.forget()

    def expect(self, text):
        """That the guest gets exactly this next."""
        try:
            until(lambda: len(self.said()) >= len(text), repr(text))
        except AssertionError as problem:
            raise AssertionError(f'{problem}; there is {self.said()!r}') from None
        time.sleep(0.2)
        assert self.said() == text, f'{self.said()!r} instead of {text!r}'
        self.forget()

    def expect_keys(self, codes):
        self.expect(''.join(f'K {code}\n' for code in codes.split()))

    def picture(self):
        return Picture(self.screenshot())

    def goes_on(self):
        """The machine runs, and lets others in."""
        before = self.ctl('status')['icount']
        until(lambda: self.ctl('status')['icount'] > before, 'more instructions')
        with Viewer(self) as viewer:
            viewer.key(0x20)
            self.expect_keys('39 B9')  # before it leaves: what is on its way may be lost then

    def end(self):
        self.ctl('quit', 0)
        message = self.process.stderr.read()
        assert self.process.wait(PATIENCE) == 0 and not message, message


class Viewer:
    """libvncclient."""

    def __init__(self, machine, encodings='tight', password=None):
        self.process = subprocess.Popen(
            [client, 'localhost', str(machine.port), encodings] + ([password] if password else []),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.greeting = self.process.stdout.readline().split()
        self.folder = machine.folder

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.stdin.close()
        self.process.wait(PATIENCE)

    def do(self, line):
        self.process.stdin.write(line + '\n')
        return self.process.stdout.readline().strip()

    def press(self, keysym, down):
        assert self.do(f'key {keysym:x} {down}') == 'ok'

    def key(self, keysym):
        self.press(keysym, 1)
        self.press(keysym, 0)

    def pixels(self):
        path = f'{self.folder}/viewer.ppm'
        assert self.do(f'picture {path}').startswith('picture'), 'no picture'
        header, data = pathlib.Path(path).read_bytes().split(b'\n', 1)
        return tuple(map(int, header.split()[1:3])), data


class Raw:
    """A viewer by hand, with the handshake behind it."""

    def __init__(self, machine):
        self.socket = socket.create_connection(('localhost', machine.port))
        self.socket.settimeout(PATIENCE)
        assert self.read(12) == b'RFB 003.008\n'
        self.send(b'RFB 003.008\n')
        assert self.read(2) == b'\1\1'
        self.send(b'\1')
        assert self.read(4) == bytes(4)
        self.send(b'\1')
        self.width, self.height = struct.unpack('>HH', self.read(4))
        self.read(struct.unpack('>16xI', self.read(20))[0])

    def read(self, size):
        data = b''
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            assert part, 'the connection was closed'
            data += part
        return data

    def send(self, data):
        self.socket.sendall(data)

    def encodings(self, *numbers):
        self.send(struct.pack('>BxH', 2, len(numbers)) +
                  b''.join(struct.pack('>i', number) for number in numbers))

    def request(self):
        self.send(struct.pack('>BBHHHH', 3, 0, 0, 0, self.width, self.height))

    def scan_code(self, keysym, code, down):
        self.send(struct.pack('>BBHII', 255, 0, down, keysym, code))


@contextlib.contextmanager
def machine(*args):
    with tempfile.TemporaryDirectory() as folder:
        m = Machine(folder, *args)
        try:
            yield m
            m.end()
        finally:
            if m.process.poll() is None:
                m.process.kill()
                m.process.wait()


def connects(m):
    with Viewer(m) as viewer:
        return viewer.greeting[0] == 'connected'


def place_for_raw(m):
    """None while all places are taken by those who have not left yet."""
    try:
        return Raw(m)
    except (AssertionError, ConnectionError):
        return None


def to_picture(m, viewer):
    viewer.key(0xFFBE)  # F1
    m.expect_keys('3B BB')
    assert viewer.do('size 320 200') == 'size 320 200'


def test_pictures():
    """In every encoding the viewer sees what the machine shows; the size follows the mode."""
    with machine() as m:
        for encoding in ENCODINGS:
            with Viewer(m, encoding) as viewer:
                assert viewer.greeting == ['connected', '720', '400'], viewer.greeting
                to_picture(m, viewer)
                guest = m.picture()
                size, pixels = viewer.pixels()
                assert size == guest.size() == (320, 200)
                assert pixels == b''.join(guest.lines), f'{encoding}: another picture'
                viewer.key(0xFFBF)  # F2
                m.expect_keys('3C BC')
                assert viewer.do('size 720 400') == 'size 720 400'


def test_changes_arrive():
    """A picture that the viewer has is brought up to date without being asked for again."""
    with machine() as m, Viewer(m) as viewer:
        to_picture(m, viewer)
        before = viewer.pixels()
        m.ctl('pause')
        assert viewer.pixels() == before
        m.ctl('cont')
        viewer.key(0xFFBF)
        assert viewer.do('size 720 400') == 'size 720 400'
        assert viewer.pixels()[0] == (720, 400)


def test_another_viewer():
    """gtk-vnc, which shares no code with libvncclient."""
    with machine() as m:
        with Viewer(m) as viewer:
            to_picture(m, viewer)
        path = f'{m.folder}/capture.png'
        subprocess.run(['gvnccapture', '-q', f'localhost:{m.port - 5900}', path], check=True,
                       timeout=PATIENCE, capture_output=True)
        captured, guest = Picture(path), m.picture()
        assert captured.size() == guest.size()
        assert captured.lines == guest.lines, 'another picture'


def test_keys():
    """Symbols become keys; Shift is where the symbol wants it."""
    with machine() as m, Viewer(m) as viewer:
        for keysym, codes in [
                (0x61, '1E 9E'), (0x41, '2A 1E AA 9E'), (0x21, '2A 02 AA 82'), (0xFF0D, '1C 9C'),
                (0xFF52, 'E0 48 E0 C8'), (0xFFAF, 'E0 35 E0 B5'), (0xFFB5, '4C CC'),
                (0xFFC9, '58 D8'), (0xFFE4, 'E0 1D E0 9D'), (0xFFEB, 'E0 5B E0 DB')]:
            viewer.key(keysym)
            m.expect_keys(codes)
        viewer.press(0xFFE1, 1)
        viewer.key(0x41)
        viewer.key(0x31)  # a digit, though Shift is down: up for a moment
        viewer.press(0xFFE1, 0)
        m.expect_keys('2A 1E 9E AA 02 2A 82 AA')
        viewer.press(0xFFE3, 1)
        viewer.key(0x41)  # with Ctrl, it is the key that is meant
        viewer.press(0xFFE3, 0)
        m.expect_keys('1D 1E 9E 9D')
        viewer.key(0x1000394)  # no key types it
        viewer.key(0x61)
        m.expect_keys('1E 9E')
    with machine() as m:
        with Viewer(m) as viewer:
            viewer.press(0x61, 1)
            m.expect_keys('1E')
        m.expect_keys('9E')  # who goes lets go


def test_scan_codes():
    """QEMU's extended key event: the place of the key, whatever it types at the viewer's."""
    with machine() as m:
        raw = Raw(m)
        raw.encodings(0, -258)
        assert raw.read(16) == struct.pack('>BxH8xi', 0, 1, -258)
        for keysym, code, codes in [(0x71, 0x1E, '1E 9E'), (0xFF52, 0xC8, 'E0 48 E0 C8'),
                                    (0, 0x9D, 'E0 1D E0 9D'), (0x61, 0, '1E 9E')]:
            raw.scan_code(keysym, code, 1)
            raw.scan_code(keysym, code, 0)
            m.expect_keys(codes)
        raw.scan_code(0, 0x12345678, 1)
        raw.send(struct.pack('>BB10x', 255, 99))
        assert raw.socket.recv(1) == b'', 'a wrong submessage is taken'
        m.goes_on()


def test_pointer():
    """For a guest with a PS/2 driver: how far the pointer has moved, buttons, wheel."""
    with machine() as m, Viewer(m) as viewer:
        to_picture(m, viewer)
        assert viewer.do('pointer 100 100 0') == 'ok'
        for line, packet in [('110 120 1', '29 0A EC 00'), ('110 120 0', '08 00 00 00'),
                             ('110 120 4', '0A 00 00 00'), ('109 119 2', '1C FF 01 00'),
                             ('109 119 0', '08 00 00 00'), ('109 119 8', '08 00 00 FF'),
                             ('109 119 0', ''), ('109 119 16', '08 00 00 01')]:
            assert viewer.do('pointer ' + line) == 'ok'
            m.expect(''.join(f'A {byte}\n' for byte in packet.split()))


def test_paste():
    """The viewer's clipboard is typed when it is asked for, and not before."""
    with machine() as m, Viewer(m) as viewer:
        assert viewer.do('cut ok{') == 'ok'
        time.sleep(0.5)
        assert m.said() == ''
        viewer.press(0xFFE4, 1)
        viewer.key(0x76)
        viewer.press(0xFFE4, 0)
        until(lambda: m.said().endswith('K AA\n'), 'the text')
        typed = m.said().split()[1::2]
        for code in ['E0', '1D', '9D']:  # the host key, whose release may come anywhere
            typed = [other for other in typed if other != code]
        assert typed == '18 98 25 A5 2A 1A 9A AA'.split(), typed


def test_password():
    with tempfile.TemporaryDirectory() as folder:
        path = f'{folder}/password'
        pathlib.Path(path).write_text('secret\n')
        with machine('--vnc-password', path) as m:
            for password in ['wrong', 'secre', 'secret1', 'SECRET', '']:
                with Viewer(m, password=password) as viewer:
                    assert viewer.greeting == ['refused'], (password, viewer.greeting)
            with Viewer(m, password='secret') as viewer:
                assert viewer.greeting[0] == 'connected', viewer.greeting
                viewer.key(0x61)
                m.expect_keys('1E 9E')
            # Without authentication there is no way in.
            with socket.create_connection(('localhost', m.port)) as s:
                s.settimeout(PATIENCE)
                s.sendall(b'RFB 003.008\n\1\1' + struct.pack('>BBxxI', 4, 1, 0x61) * 10)
                with contextlib.suppress(ConnectionError):
                    while s.recv(1000):
                        pass
            assert m.said() == '', m.said()


def test_many():
    """Eight viewers at once; the ninth is turned away until one leaves."""
    with machine() as m, contextlib.ExitStack() as stack:
        viewers = [stack.enter_context(Viewer(m)) for i in range(8)]
        to_picture(m, viewers[0])
        for viewer in viewers:
            assert viewer.do('size 320 200') == 'size 320 200'
        pictures = {viewer.pixels() for viewer in viewers}
        assert len(pictures) == 1
        with Viewer(m) as ninth:
            assert ninth.greeting == ['refused'], ninth.greeting
        viewers[3].process.stdin.close()
        viewers[3].process.wait(PATIENCE)
        until(lambda: connects(m), 'a place')
        viewers[7].key(0x61)
        m.expect_keys('1E 9E')


def test_hanging():
    """A viewer that asks for much and reads nothing; others and the end of the machine do not wait
    for it."""
    with machine() as m:
        hanging = Raw(m)
        hanging.encodings(0)
        hanging.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            for i in range(2000):
                hanging.request()
        m.goes_on()
        with Viewer(m) as viewer:
            viewer.pixels()
        began = time.time()
        m.ctl('quit', 0)
        assert m.process.wait(PATIENCE) == 0
        assert time.time() - began < 20, 'the end waited for a viewer'
        m.end = lambda: None


def test_gone_in_the_middle():
    with machine() as m:
        for size in [0, 1, 100, 5000]:
            raw = until(lambda: place_for_raw(m), 'a place')
            raw.encodings(0)
            for i in range(20):
                raw.request()
            raw.read(size)
            # With a reset, not a farewell.
            raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            raw.socket.close()
        for size in [0, 5, 12, 13, 14]:
            with socket.create_connection(('localhost', m.port)) as s:
                s.sendall((b'RFB 003.008\n\1\1')[:size])
        until(lambda: connects(m), 'a place')
        m.goes_on()


def test_garbage():
    """Random bytes before and after the handshake."""
    rng = random.Random(7)
    with machine() as m:
        for i in range(20):
            with socket.create_connection(('localhost', m.port)) as s, \
                    contextlib.suppress(ConnectionError):
                s.sendall(rng.randbytes(1000))
        for kind in [0, 2, 3, 4, 5, 6, 7, 8, 150, 248, 249, 250, 251, 252, 253, 254, 255]:
            raw = until(lambda: place_for_raw(m), 'a place')
            with contextlib.suppress(ConnectionError):
                raw.send(bytes([kind]) + rng.randbytes(rng.randrange(1, 300)))
            raw.socket.close()
        until(lambda: connects(m), 'a place')
        # Whatever keys that were, they have been let go.
        m.quiet()
        m.goes_on()


def refuses(status, text, *args):
    done = subprocess.run([anachron, 'run', *args], capture_output=True, text=True, timeout=PATIENCE,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == status and text in done.stderr, (args, done.returncode, done.stderr)


def test_options():
    with tempfile.TemporaryDirectory() as folder, socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        port = taken.getsockname()[1]
        refuses(1, 'Address already in use', '--display', f'vnc:{port}')
        for text in ['vnc:', 'vnc:x', 'vncx', 'vnc:localhost:', 'vnc:localhost:12x']:
            refuses(2, '--display', '--display', text)
        refuses(1, 'missing', '--display', 'vnc', '--vnc-password', f'{folder}/missing')
        pathlib.Path(f'{folder}/empty').write_text('\n')
        refuses(1, 'first line is empty', '--display', 'vnc', '--vnc-password', f'{folder}/empty')


def test_copy():
    """A copy of the machine has no viewers, and says so; the first one keeps its own."""
    with machine() as m:
        path = f'{m.folder}/copy'
        m.ctl('split', path)
        log = pathlib.Path(f'{path}.log')
        until(lambda: log.exists() and 'this copy has no display' in log.read_text(), 'the copy says it')
        for words in [['screenshot', f'{m.folder}/copy.png'], ['quit']]:
            subprocess.run([anachron, 'ctl', path, *words], timeout=PATIENCE, check=True)
        assert os.path.getsize(f'{m.folder}/copy.png')
        m.goes_on()


def main():
    names = sys.argv[4:] or [name for name in globals() if name.startswith('test_')]
    if not shutil.which('gvnccapture') and 'test_another_viewer' in names:
        print('gvnccapture is missing: run ./setup')
        return 1
    failed = 0
    for name in names:
        began = time.time()
        try:
            globals()[name]()
            print(f'ok {name} ({time.time() - began:.1f} s)', flush=True)
        except Exception:
            failed += 1
            print(f'not ok {name}\n{traceback.format_exc()}', flush=True)
    return failed != 0


if __name__ == '__main__':
    sys.exit(main())
