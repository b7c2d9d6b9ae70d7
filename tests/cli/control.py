#!/usr/bin/env python3
"""The control socket: every command, errors, several connections, on a machine that runs, is paused,
or has halted; and that nobody who watches changes a run.

Run alone: tests/cli/control.py BUILD/anachron
"""
import contextlib
import fcntl
import json
import os
import re
import socket
import stat
import subprocess
import sys
import time

from checks import run_checks
from small_roms import ECHO, HALTS, rom

anachron = os.path.abspath(sys.argv[1])
PATIENCE = 60


LOOP = rom(b'\x40\xeb\xfd')  # inc ax; jmp
# Keyboard and mouse on, without interrupts: what the 8042 says goes to 500h and on. mov al, A8h; out
# 64h, al (mouse port on); mov al, 60h; out 64h, al; mov al, 40h; out 60h, al (both clocks,
# translation); mov al, D4h; out 64h, al; mov al, F4h; out 60h, al; mov di, 500h; in al, 64h; test al,
# 1; jz; in al, 60h; stosb; jmp
INPUT = rom(b'\xb0\xa8\xe6\x64\xb0\x60\xe6\x64\xb0\x40\xe6\x60\xb0\xd4\xe6\x64\xb0\xf4\xe6\x60\xbf\x00\x05'
            b'\xe4\x64\xa8\x01\x74\xfa\xe4\x60\xaa\xeb\xf5')


class Connection:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self.stream = self.socket.makefile('rwb')
        self.next_id = 1
        self.events = []

    def send(self, text):
        self.stream.write(text if isinstance(text, bytes) else text.encode())
        self.stream.flush()

    def receive(self):
        line = self.stream.readline()
        assert line, 'the connection was closed'
        return json.loads(line)

    def answer(self, number):
        while True:
            message = self.receive()
            if 'event' in message:
                self.events.append(message)
            elif message.get('id') == number:
                return message
            else:
                raise AssertionError(f'not the answer to {number}: {message}')

    def post(self, command, **arguments):
        number, self.next_id = self.next_id, self.next_id + 1
        self.send(json.dumps({'id': number, 'command': command, 'arguments': arguments}) + '\n')
        return number

    def ask(self, command, **arguments):
        answer = self.answer(self.post(command, **arguments))
        assert answer['ok'], answer
        return answer['result']

    def refused(self, command, **arguments):
        answer = self.answer(self.post(command, **arguments))
        assert not answer['ok'], answer
        return answer['error']

    def wait_event(self, name):
        while name not in [event['event'] for event in self.events]:
            message = self.receive()
            assert 'event' in message, message
            self.events.append(message)

    def close(self):
        self.stream.close()
        self.socket.close()


@contextlib.contextmanager
def machine(folder, image=LOOP, args=(), status=0):
    """A running machine; the with-block's name for it opens connections. It must quit by itself."""
    path = f'{folder}/control'
    with open(f'{folder}/image', 'wb') as out:
        out.write(image)
    process = subprocess.Popen([anachron, 'run', '--display', 'none', '--control', path, '--clock',
                                'virtual', '--bios', f'{folder}/image', *args], cwd=folder,
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    connections = []

    def connect():
        connections.append(Connection(path))
        return connections[-1]

    try:
        for _ in range(PATIENCE * 50):
            if os.path.exists(path) or process.poll() is not None:
                break
            time.sleep(0.02)
        connect.path, connect.process = path, process
        yield connect
        code = process.wait(PATIENCE)
        assert code == status, f'status {code}, not {status}: {process.stderr.read()}'
        assert not os.path.exists(path), 'the socket is left over'
    finally:
        for connection in connections:
            connection.close()
        process.kill()
        process.wait()
        process.stderr.close()


def ctl(connect, *words, status=0):
    done = subprocess.run([anachron, 'ctl', connect.path, *words], capture_output=True, text=True,
                          timeout=PATIENCE)
    assert done.returncode == status, f'{words}: status {done.returncode}: {done.stderr}'
    return done.stdout if status == 0 else done.stderr


def running_and_paused(folder):
    with machine(folder) as connect:
        c = connect()
        assert 'frame' in c.ask('subscribe')['events']
        assert 'frame' not in c.ask('unsubscribe', events=['frame'])['events']
        c.events = []
        first = c.ask('status')
        assert first['state'] == 'running' and first['memory'] == 128 << 20
        assert {'name': 'cdrom', 'medium': None} in first['drives']
        assert c.ask('pause')['state'] == 'paused'
        at = c.ask('status')
        assert at['state'] == 'paused' and at['icount'] >= first['icount']
        assert c.ask('state') == c.ask('state'), 'time does not stand still'
        stepped = c.ask('step', count=1001)
        assert stepped['icount'] == at['icount'] + 1001 and stepped['state'] == 'paused'
        assert c.ask('step')['icount'] == at['icount'] + 1002
        assert c.ask('cont')['state'] == 'running'
        c.wait_event('resumed')
        names = [event['event'] for event in c.events]
        assert names[0] == 'paused' and 'resumed' in names
        while c.ask('status')['icount'] < at['icount'] + 100000:
            pass
        c.ask('quit', status=9)
        c.wait_event('stopped')
        assert c.events[-1] == {'event': 'stopped', 'details': {'status': 9}}
        machine_ended_by = 9
        connect.process.wait(PATIENCE)
        assert connect.process.returncode == machine_ended_by
        connect.process.returncode = 0


def registers_memory_code(folder):
    with machine(folder, HALTS) as connect:
        c = connect()
        c.ask('wait halt')
        assert c.ask('status')['state'] == 'halted', 'a halt for good must not end the machine'
        regs = c.ask('regs')
        assert regs['eax'] & 0xFFFF == 0x1234 and regs['activity'] == 'halted'
        assert c.ask('memory', address='0x1000', size=2) == \
            {'address': 0x1000, 'size': 2, 'bytes': '3412'}
        assert c.ask('memory', address=0xF0000, size=3, space=['linear'])['bytes'] == 'b83412'
        code = c.ask('disassemble', address=0xF0000, count=4)
        assert code['bits'] == 16
        assert [insn['text'] for insn in code['instructions']] == \
            ['mov ax, 0x1234', 'mov word ptr [0x1000], ax', 'cli', 'hlt']
        code = c.ask('disassemble', address=0xF0000, count=1, bits='32')['instructions']
        assert code[0]['text'].startswith('mov eax, ')
        c.ask('memory', address=0xF0000, size=4, file=f'{folder}/m.bin')
        assert open(f'{folder}/m.bin', 'rb').read() == b'\xb8\x34\x12\xa3'
        c.ask('dump', file=f'{folder}/dump')
        assert 'cpu.gpr' in open(f'{folder}/dump').read()
        c.ask('reset')
        c.ask('wait halt')
        assert c.ask('stats')['resets'] == 1
        # A machine that only a person can help must not be busy.
        before = os.times()
        usage = open(f'/proc/{connect.process.pid}/stat').read().split()[13:15]
        time.sleep(0.5)
        later = open(f'/proc/{connect.process.pid}/stat').read().split()[13:15]
        ticks = sum(map(int, later)) - sum(map(int, usage))
        assert ticks < 25, f'{ticks} ticks in {os.times().elapsed - before.elapsed} s'
        c.ask('quit')


def keys_and_mouse(folder):
    with machine(folder, INPUT) as connect:
        c = connect()

        def seen(expected):
            limit = time.time() + PATIENCE
            while time.time() < limit:
                got = c.ask('memory', address=0x500, size=64)['bytes']
                if bytes.fromhex(expected).hex() in got:
                    return
            raise AssertionError(f'{expected} is not in {got}')

        seen('fa aa')  # the mouse acknowledged, and the keyboard has tested itself
        c.ask('type', text='a{f1}')
        seen('1e 9e 3b bb')
        c.ask('key down', name='ctrl-alt')
        c.ask('key up', name='ctrl-alt')
        seen('1d 38 b8 9d')
        c.ask('mouse', dx=5, dy=3, buttons=['left'])
        seen('29 05 fd 08 00 00')
        c.ask('mouse down', buttons=['right'])
        c.ask('sleep', duration='50ms')
        c.ask('mouse up', buttons=['right'])
        c.ask('sleep', duration='50ms')  # the packet's last byte; memory behind it is zero anyway
        seen('0a 00 00 08 00 00')
        assert 'pixels' in c.refused('mouse to', x=60000, y=0)
        # Two that type at once take turns.
        c.ask('pause')
        d = connect()
        numbers = [c.post('type', text='qq'), d.post('type', text='ww')]
        e = connect()
        e.ask('cont')
        for connection, number in zip((c, d), numbers):
            assert connection.answer(number)['ok']
        got = c.ask('memory', address=0x500, size=64)['bytes']
        assert '1090109011911191' in got or '1191119110901090' in got, got
        c.ask('quit')


def serial_both_ways(folder):
    with machine(folder, ECHO) as connect:
        c = connect()
        c.ask('serial', text='HAL')
        c.ask('wait serial', text='IBM', duration=1)
        # Waiting does not keep others out, and answers come in the order in which things happen.
        waiting = c.post('wait serial', text='B', duration='1h')
        d = connect()
        assert d.ask('version') == {'protocol': 1, 'anachron': d.ask('version')['anachron']}
        d.ask('serial', text='A')
        assert c.answer(waiting)['ok']
        assert 'timed out' in c.refused('wait serial', text='Z', duration='20ms')
        c.ask('quit')


def pictures(folder):
    with machine(folder) as connect:
        c = connect()
        shot = c.ask('screenshot', file=f'{folder}/s.png')
        frame = c.ask('frame')
        assert (shot['width'], shot['height']) == (frame['width'], frame['height'])
        assert open(f'{folder}/s.png', 'rb').read(8) == b'\x89PNG\r\n\x1a\n'
        assert re.fullmatch('[0-9a-f]{16}', frame['hash'])
        assert c.ask('print screen')['text'] is not None
        c.ask('subscribe', events=['frame'])
        c.wait_event('frame')
        c.ask('unsubscribe')
        assert 'cannot write' in c.refused('screenshot', file=f'{folder}/none/s.png')
        c.ask('quit')


def media(folder):
    for name in ('a.img', 'b.img'):
        with open(f'{folder}/{name}', 'wb') as out:
            out.truncate(1474560)
    with machine(folder, args=['--floppy', 'a.img']) as connect:
        c = connect()
        c.ask('subscribe', events=['media'])

        def medium(drive):
            return [d for d in c.ask('status')['drives'] if d['name'] == drive][0]['medium']

        assert medium('floppy') == 'a.img'
        c.ask('change', drive='floppy', file=f'{folder}/b.img')
        assert medium('floppy') == 'b.img'
        c.ask('eject', drive='floppy')
        assert medium('floppy') is None
        # One that was there from the beginning can come back.
        c.ask('insert', drive='floppy', file=f'{folder}/a.img')
        assert medium('floppy') == 'a.img'
        assert 'no such drive' in c.refused('eject', drive='floppy2')
        # The same again, which the guest sees go and come; and what is in use elsewhere is refused.
        c.ask('change', drive='floppy', file=f'{folder}/a.img')
        assert medium('floppy') == 'a.img'
        c.ask('insert', drive='floppy', file=f'{folder}/a.img')
        assert medium('floppy') == 'a.img'
        with open(f'{folder}/b.img', 'rb+') as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            assert 'in use' in c.refused('change', drive='floppy', file=f'{folder}/b.img')
        with open(f'{folder}/a.img', 'rb+') as ours:
            try:
                fcntl.flock(ours, fcntl.LOCK_EX | fcntl.LOCK_NB)
                raise AssertionError('the image in the drive is not locked')
            except BlockingIOError:
                pass
        assert 'nowhere' in c.refused('change', drive='floppy', file=f'{folder}/nowhere')
        assert medium('floppy') == 'a.img', 'a change that fails takes nothing out'
        ctl(connect, 'insert', 'cdrom', f'{folder}/b.img')
        assert medium('cdrom') == 'b.img'
        assert len(c.events) == 8, c.events
        c.ask('quit')


def edited_media(folder):
    """A diskette that was taken out and edited is not what the machine's past has read: that is said, and the
    past forgotten; not so if it was replaced, or only looked at."""
    image, said = f'{folder}/a.img', 'has been written to by others'
    for option in ['readonly', 'snapshot']:
        for edit, then, lost in [(None, 'insert', False), ('look', 'seek', False), ('replace', 'insert', False),
                                 ('write', 'insert', True), ('write', 'seek', True)]:
            with open(image, 'wb') as out:
                out.write(bytes(1440 * 1024))
            with machine(folder) as connect:
                c = connect()
                c.ask('insert', drive='floppy', file=f'{image},{option}')
                c.ask('pause')
                first = c.ask('history')['icount']
                c.ask('step')
                c.ask('eject', drive='floppy')
                c.ask('step')
                if edit == 'look':
                    with open(image, 'rb') as looked:
                        looked.read()
                elif edit:
                    if edit == 'replace':
                        os.unlink(image)
                    with open(image, 'rb+' if edit == 'write' else 'wb') as out:
                        out.write(b'edited' * 300000)
                if then == 'insert':
                    c.ask('insert', drive='floppy', file=f'{image},{option}')
                    c.ask('step')
                what = f'{option}, {edit}, {then}'
                if lost:
                    assert 'not in the past' in c.refused('seek', where=str(first)), what
                else:
                    assert c.ask('seek', where=str(first))['icount'] == first, what
                c.ask('quit')
                text = connect.process.stderr.read()
                assert text.count(said) == lost, f'{what}: {text}'


def pokes(folder):
    """At any time: while it runs, and while it is paused; they hold, and the guest goes on with them."""
    # mov ebx, 12345678h; cmp eax, ebx; jne; hlt: nobody but a poke ends it
    image = rom(b'\xfa\x66\xbb\x78\x56\x34\x12\x66\x39\xd8\x75\xfb\xf4')
    with machine(folder, image) as connect:
        c = connect()
        assert c.ask('status')['state'] == 'running'
        c.ask('poke', register='eax', value=0x12345678)
        c.ask('wait halt')
        c.ask('poke', register='eip', value=1)
        c.ask('poke', register='xmm3', value='0123456789ABCDEFFEDCBA9876543210')
        regs = c.ask('regs')
        assert regs['eip'] == 1 and regs['xmm3'] == '0123456789ABCDEFFEDCBA9876543210'
        c.ask('quit')
    # A recording has them
    log = f'{folder}/log'
    with machine(folder, image, args=['--record', log]) as connect:
        c = connect()
        while c.ask('status')['icount'] < 1000000:
            pass
        c.ask('pause')
        c.ask('poke', register='ecx', value=77)
        c.ask('step', count=1000)
        state = c.ask('state')
        c.ask('quit')
    with open(f'{folder}/script', 'w') as out:
        out.write('state\nregs\nquit 0\n')
    for engine in ['interp', 'jit']:
        done = subprocess.run([anachron, 'replay', log, '--engine', engine, '--to', str(state['icount']),
                               '--go-live', '--script', 'script'], cwd=folder, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, (done.returncode, done.stderr)
        assert f'state {state["state"]}' in done.stdout and '"ecx":77,' in done.stdout, (done.stdout, state)


def buttons_and_rate(folder):
    # sti; hlt; jmp: wakes for NMI through an IDT that resets: enough that nothing breaks.
    with machine(folder, LOOP) as connect:
        c = connect()
        for command in ('power-button', 'nmi', 'reset'):
            c.ask(command)
        c.ask('rate', mips=50)
        c.ask('pause')
        before = c.ask('status')
        c.ask('step', count=1000000)
        after = c.ask('status')
        assert abs((after['seconds'] - before['seconds']) - 0.02) < 1e-9
        c.ask('quit')


def refusals(folder):
    with machine(folder) as connect:
        c = connect()
        for text, reason in ((b'hello\n', 'no JSON'), (b'[1]\n', 'an object'), (b'{}\n', '"command"'),
                             (b'{"command":1}\n', '"command"'), (b'{"a":1,"a":2}\n', 'no JSON'),
                             (b'\xff\xfe\n', 'no JSON'), (b'{"command":"fly"}\n', 'unknown command'),
                             (b'{"command":"type"}\n', 'usage: type'),
                             (b'{"command":"type","arguments":[]}\n', 'object'),
                             (b'{"command":"type","arguments":{"text":7}}\n', 'string'),
                             (b'{"command":"type","arguments":{"txt":"a"}}\n', 'takes no'),
                             (b'{"command":"type","arguments":{"text":"{nokey}"}}\n', 'no key'),
                             (b'{"command":"step","arguments":{"count":-1}}\n', 'whole number'),
                             (b'{"command":"step","arguments":{"count":0}}\n', '1 to'),
                             (b'{"command":"rate","arguments":{"mips":1.5}}\n', 'whole number'),
                             (b'{"command":"mouse","arguments":{"dx":1,"dy":99999}}\n', '32767'),
                             (b'{"command":"mouse","arguments":{"dx":1,"dy":1,"buttons":["a"]}}\n',
                              'left, right'),
                             (b'{"command":"sleep","arguments":{"duration":-1}}\n', 'seconds'),
                             (b'{"command":"memory","arguments":{"address":0,"size":9999999}}\n',
                              'file'),
                             (b'{"command":"memory","arguments":{"address":4294967295,"size":2}}\n',
                              'addresses end'),
                             (b'{"command":"poke","arguments":{"register":"cr0","value":2147483648}}\n',
                              'cannot hold'),
                             (b'{"command":"poke","arguments":{"register":"r15","value":1}}\n',
                              'no register'),
                             (b'{"command":"save"}\n', 'usage: save'),
                             (b'{"words":["mouse","1"]}\n', 'usage: mouse'),
                             (b'{"words":"mouse"}\n', 'array'), (b'{"words":[]}\n', 'missing'),
                             (b'{"command":"help","arguments":{"command":"fly"}}\n', 'no command')):
            c.send(text)
            answer = c.receive()
            assert not answer['ok'] and reason in answer['error'], (text, answer)
        c.send(b'\n' + b'[' * 5000 + b'\n')
        assert not c.receive()['ok']
        assert c.ask('status')['state'] == 'running', 'the connection survives all that'
        c.send(b'x' * (1 << 20) + b'xx')
        assert 'too long' in c.receive()['error']
        assert c.stream.readline() == b'', 'a line without end closes the connection'
        d = connect()
        # Any id comes back, and none is none.
        for number in (None, 'seven', [1], 7.5):
            d.send(json.dumps({'id': number, 'command': 'version'}) + '\n')
            assert d.receive()['id'] == number
        d.send('{"command":"version"}\n')
        assert 'id' not in d.receive()
        d.ask('pause')
        for number in range(257):
            d.send('{"command":"sleep","arguments":{"duration":1}}\n')
        assert 'too many requests' in d.receive()['error']
        d.close()
        # Its requests are still there, and bother nobody.
        e = connect()
        e.ask('cont')
        e.ask('sleep', duration=2)
        crowd = [connect() for _ in range(40)]
        assert 'too many connections' in crowd[-1].receive()['error']
        for one in crowd:
            one.close()
        e.ask('quit')


def a_deaf_client_is_given_up(folder):
    with machine(folder) as connect:
        deaf, c = connect(), connect()
        request = b'{"command":"memory","arguments":{"address":0,"size":65536}}\n' * 100
        deaf.socket.settimeout(0.5)
        try:
            for _ in range(100):
                deaf.send(request)
        except OSError:
            pass
        assert c.ask('status')['state'] == 'running'
        c.ask('quit')


def for_people(folder):
    with machine(folder, HALTS) as connect:
        assert 'mouse DX DY [left|right|middle]... [wheel WHEEL]' in ctl(connect, 'help')
        assert ctl(connect, 'help', 'reset').startswith('reset\n')
        assert ctl(connect, 'wait', 'halt') == ''
        assert 'state            halted' in ctl(connect, 'status')
        assert ctl(connect, 'memory', '0x1000', '2') == \
            '00001000  34 12' + ' ' * 45 + '4.\n'
        assert 'mov ax, 0x1234' in ctl(connect, 'disassemble', '0xf0000', '1')
        assert json.loads(ctl(connect, 'regs'))['cs'] == 0xF000
        raw = subprocess.run([anachron, 'ctl', '--json', connect.path, 'version'],
                             capture_output=True, check=True).stdout
        assert json.loads(raw)['result']['protocol'] == 1
        assert re.fullmatch('icount [0-9]+ state [0-9a-f]{16}\n', ctl(connect, 'state'))
        assert 'unknown command' in ctl(connect, 'fly', status=2)
        assert 'timed out' in ctl(connect, 'wait', 'screen', 'nothing', '1ms', status=3)
        # Files are relative to who asks.
        os.mkdir(f'{folder}/here')
        subprocess.run([anachron, 'ctl', connect.path, 'screenshot', 's.png'], check=True,
                       cwd=f'{folder}/here', stdout=subprocess.DEVNULL)
        assert os.path.exists(f'{folder}/here/s.png')
        listener = subprocess.Popen([anachron, 'ctl', connect.path, 'subscribe', 'paused', 'stopped'],
                                    stdout=subprocess.PIPE, text=True)
        assert listener.stdout.readline().startswith('events')
        ctl(connect, 'pause')
        ctl(connect, 'quit')
        out = listener.communicate(timeout=PATIENCE)[0]
        assert out == 'paused\nstopped {"status":0}\n', out
    assert 'no machine' in ctl(connect, 'status', status=1)


def the_socket_in_the_file_system(folder):
    with machine(folder) as connect:
        mode = os.stat(connect.path)
        assert stat.S_ISSOCK(mode.st_mode) and stat.S_IMODE(mode.st_mode) == 0o600
        second = subprocess.run([anachron, 'run', '--display', 'none', '--control', connect.path],
                                capture_output=True, text=True, timeout=PATIENCE)
        assert second.returncode == 1 and 'another machine' in second.stderr
        ctl(connect, 'quit')
    # What a machine that was killed left behind is replaced; a file is not.
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(f'{folder}/control')
    dead.close()
    with machine(folder) as connect:
        for _ in range(PATIENCE * 50):
            try:
                connect().ask('quit')
                break
            except ConnectionRefusedError:
                time.sleep(0.02)
    with open(f'{folder}/control', 'w') as out:
        out.write('mine')
    done = subprocess.run([anachron, 'run', '--display', 'none', '--control', f'{folder}/control'],
                          capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1 and open(f'{folder}/control').read() == 'mine'
    done = subprocess.run([anachron, 'run', '--display', 'none', '--control', 'x' * 200],
                          capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1 and '107' in done.stderr


def watching_changes_nothing(folder):
    script = 'wait screen "BIOS" 10s\nstate\ntype "abc"\nsleep 2s\nstate\nframe\n'
    with open(f'{folder}/script', 'w') as out:
        out.write(script)
    command = [anachron, 'run', '--display', 'none', '--script', f'{folder}/script']
    alone = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE).stdout
    assert len(alone.splitlines()) == 3
    looks = 0
    for attempt in range(30): # a run may be over before anybody has looked
        if attempt >= 3 and looks > 2:
            break
        path = f'{folder}/watched'
        process = subprocess.Popen([*command, '--control', path], stdout=subprocess.PIPE, text=True)
        try:
            while not os.path.exists(path) and process.poll() is None:
                time.sleep(0.001)
            c = Connection(path)
            c.ask('subscribe', events=['frame'])
            while True:
                c.ask('status')
                c.ask('state')
                c.ask('frame')
                c.ask('step', count=777)
                c.ask('cont')
                looks += 1
        except (OSError, AssertionError):
            pass
        watched = process.communicate(timeout=PATIENCE)[0]
        assert watched == alone, (watched, alone)
    assert looks > 2, f'only {looks} looks'


run_checks([running_and_paused, registers_memory_code, keys_and_mouse, serial_both_ways, pictures, media, edited_media,
            buttons_and_rate, pokes, refusals, a_deaf_client_is_given_up, for_people,
            the_socket_in_the_file_system, watching_changes_nothing], sys.argv[2:])
