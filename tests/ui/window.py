#!/usr/bin/python3
"""The window of --display sdl, in a real X server (Xvfb) with a window manager (openbox) and real key
and pointer events (xdotool): what a guest gets of them, and what is on the screen.

Run alone: tests/ui/window.py BUILD/anachron BUILD/tests/ui/events.bin [TEST]...
"""
import contextlib
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback

from PIL import Image, ImageChops
from Xlib import X, display as xdisplay
from Xlib.protocol import event as xevent

from guest import PATIENCE, Guest, until

anachron, events_image = (os.path.abspath(path) for path in sys.argv[1:3])
BAR = 20  # height of the status line
screens = {}  # of the X server


def xdo(*words):
    return subprocess.run(['xdotool', *map(str, words)], check=True, capture_output=True, text=True,
                          timeout=PATIENCE).stdout.strip()


class Machine(Guest):
    def __init__(self, folder, *args, display='sdl', guest=True, kept=None):
        boot = ['--floppy', f'{events_image},snapshot', '--boot', 'a'] if guest and not kept else []
        super().__init__(anachron, folder, ['--display', display, *args, *boot], kept)
        try:
            self.start(display, guest)
        except BaseException:
            self.kill()
            raise

    def start(self, display, guest):
        until(lambda: os.path.exists(self.control) or self.has_ended(), 'the socket')
        if display == 'sdl':
            self.window = until(lambda: self.find() or self.has_ended(), 'the window')
            until(self.activate, 'a window manager that lets the window have the keyboard')
        if guest:
            self.wait_for('A FA\n' * 7)
            self.forget()

    def has_ended(self):
        assert self.process.poll() is None, f'it ended: {self.process.stderr.read()}'

    def activate(self):
        xdo('windowactivate', '--sync', self.window)
        return xdo('getactivewindow') == self.window

    def find(self):
        """Once it is shown, its title says more than the name."""
        return xdo('search', '--all', '--pid', self.process.pid, '--name', 'Anachron.*Right Ctrl')

    def state(self):
        return self.ctl('status')['state']

    def host(self, key):
        """A key with the host key held down."""
        xdo('keydown', 'Control_R', 'key', key, 'keyup', 'Control_R')

    def title(self):
        return xdo('getwindowname', self.window)

    def size(self):
        values = dict(re.findall(r'(\w+)=(-?\d+)', xdo('getwindowgeometry', '--shell', self.window)))
        return int(values['WIDTH']), int(values['HEIGHT'])

    def grab(self):
        xdo('mousemove', '--window', self.window, 100, 100, 'click', 1)
        until(lambda: 'releases the mouse' in self.title(), 'the title that says how to get out')

    def picture(self):
        """What the X server shows of the window."""
        return read_xwd(subprocess.run(['xwd', '-silent', '-id', self.window], check=True,
                                       capture_output=True, timeout=PATIENCE).stdout)

    def has_panel(self):
        """Whether something is asked or listed in the window: that has a colour of its own."""
        return any(colour == (0x10, 0x28, 0x4A) for _, colour in self.picture().getcolors(1 << 20))

    def guest_picture(self):
        return Image.open(self.screenshot()).convert('RGB')

    def end(self, status=0):
        self.ctl('quit', status)
        self.ended(status)

    def ended(self, status):
        code = self.process.wait(PATIENCE)
        message = self.process.stderr.read()
        assert code == status, f'status {code}, not {status}: {message}'
        assert not os.path.exists(self.control)
        return message


def read_xwd(data):
    """X Window Dump, version 7, 32 bits a pixel: the header is 25 words, most significant first."""
    header = struct.unpack('>25I', data[:100])
    header_size, width, height, byte_order = header[0], header[4], header[5], header[7]
    bits, line, colours = header[11], header[12], header[19]
    assert header[1] == 7 and bits == 32, header
    pixels = data[header_size + colours * 12:]
    order = 'BGRX' if byte_order == 0 else 'XRGB'
    return Image.frombytes('RGB', (width, height), pixels, 'raw', order, line)


def same(a, b):
    return a.size == b.size and ImageChops.difference(a, b).getbbox() is None


@contextlib.contextmanager
def machine(folder, *args, **options):
    one = Machine(folder, *args, **options)
    try:
        yield one
    finally:
        one.kill()


# --- the tests ---

def keys_by_their_place(folder):
    with machine(folder) as m:
        xdo('key', 'a')
        m.wait_for_keys('1E 9E')
        xdo('keydown', 'Shift_L', 'key', 'z', 'keyup', 'Shift_L')
        m.wait_for_keys('2A 2C AC AA')
        xdo('key', 'Shift_R')
        m.wait_for_keys('36 B6')
        assert m.said().count('K 2A') == 1, 'the left one is not heard of'
        xdo('key', 'Up')
        m.wait_for_keys('E0 48 E0 C8')
        xdo('key', 'KP_Enter')
        m.wait_for_keys('E0 1C E0 9C')
        m.forget()
        # The key beside Tab types an A in France, and is where a US keyboard has Q.
        subprocess.run(['setxkbmap', 'fr'], check=True)
        xdo('key', 24)
        m.wait_for_keys('10 90')
        subprocess.run(['setxkbmap', 'us'], check=True)
        # The guest's keyboard repeats a key that is held, the window system's repetition is not
        # passed on: after 0.5 s of virtual time 10.9 a second.
        m.forget()
        xdo('keydown', 'b')
        begin = m.ctl('status')['seconds']
        m.wait_for_keys('30 30 30 30 30')
        passed = m.ctl('status')['seconds'] - begin
        xdo('keyup', 'b')
        m.wait_for_keys('30 B0')
        assert 0.3 < passed < 3, f'{passed} s for five'
        m.end()


def nothing_stays_down(folder):
    with machine(folder) as m:
        xdo('keydown', 'Shift_L')
        m.wait_for_keys('2A')
        other = screens['x'].screen().root.create_window(0, 0, 10, 10, 0, 24)
        other.set_wm_name('another')
        other.map()
        screens['x'].sync()
        xdo('search', '--sync', '--name', 'another')
        xdo('windowfocus', other.id)
        m.wait_for_keys('AA')
        other.destroy()
        screens['x'].sync()
        xdo('keyup', 'Shift_L')
        m.end()


def mouse_grab(folder):
    with machine(folder) as m:
        assert 'click to use the mouse' in m.title()
        xdo('mousemove', '--window', m.window, 50, 50)
        time.sleep(0.3)
        assert 'A' not in m.said(), 'the guest hears of a mouse that is not its own'
        m.grab()
        m.forget()
        xdo('mousemove_relative', '--', 7, 5)
        m.wait_for('A 28\nA 07\nA FB\nA 00\n')
        xdo('click', 3)
        m.wait_for('A 0A\nA 00\nA 00\nA 00\nA 08\n')
        xdo('click', 2)
        m.wait_for('A 0C\nA 00\nA 00\nA 00\nA 08\n')
        xdo('click', 5)  # the wheel, towards the person
        m.wait_for('A 08\nA 00\nA 00\nA 01\n')
        xdo('click', 4)
        m.wait_for('A 08\nA 00\nA 00\nA FF\n')
        # A long way: the pointer does not stop at the edge of the screen.
        m.forget()
        for _ in range(40):
            xdo('mousemove_relative', '--', 100, 0)
        until(lambda: sum(int(x, 16) for x in re.findall(r'A [0-9A-F]8\nA (..)\n', m.said())) > 2000,
              'a long way')
        xdo('key', 'Control_R')
        until(lambda: 'click to use the mouse' in m.title(), 'the mouse given back')
        m.wait_for_quiet()
        m.forget()
        xdo('mousemove_relative', '--', 9, 9)
        time.sleep(0.3)
        assert 'A' not in m.said()
        assert 'K' not in m.said(), 'the host key is not for the guest'
        xdo('key', 'Control_R')
        until(lambda: 'releases the mouse' in m.title(), 'the mouse taken by the host key')
        m.end()


def pointer_without_grab(folder):
    with machine(folder) as m:
        m.grab()
        xdo('key', 'F5')
        # The guest takes positions from now on: the grab ends by itself.
        until(lambda: 'Right Ctrl+H' in m.title() and 'click' not in m.title(), 'no grab')
        assert m.ctl('status')['absolute_pointer']
        m.wait_for_quiet()
        m.forget()
        xdo('mousemove', '--window', m.window, 0, 0)
        m.wait_for('P 00 0000 0000\n')
        xdo('mousemove', '--window', m.window, 719, 539)
        m.wait_for('P 00 FFFF FFFF\n')
        xdo('mousemove', '--window', m.window, 360, 270)
        across, down = m.wait_for_match(r'P 00 (8...) (8...)\n').groups()
        assert abs(int(across, 16) - 65535 * 360 // 719) <= 1
        assert abs(int(down, 16) - 65535 * 270 // 539) <= 1
        m.forget()
        xdo('click', 1)
        m.wait_for(f'P 20 {across} {down}\n')
        m.wait_for(f'P 00 {across} {down}\n')
        # On the status line there is no guest to click at.
        xdo('mousemove', '--window', m.window, 360, 550)
        m.wait_for_quiet()
        m.forget()
        xdo('click', 1)
        m.wait_for_quiet()
        assert 'P 20' not in m.said()
        m.end()


def the_picture_is_the_guests(folder):
    with machine(folder) as m:
        assert m.size() == (720, 540 + BAR)
        m.host('m')  # whole pixels

        def text_is_there():
            guest, shown = m.guest_picture(), m.picture()
            assert guest.size == (720, 400)
            return same(shown.crop((0, 70, 720, 470)), guest)
        until(text_is_there, 'text of 720 x 400 pixels, each one of the host')
        xdo('key', 'F1')
        # 320 x 200 is 4:3; 5:6 to whole pixels is 2:2.
        until(lambda: m.size() == (640, 480 + BAR), 'a window of 640 x 480')
        guest = m.guest_picture()
        assert guest.size == (320, 200)
        doubled = guest.resize((640, 400), Image.NEAREST)
        until(lambda: same(m.picture().crop((0, 40, 640, 440)), doubled), 'each pixel as four')
        m.host('m')
        # Smooth: the corners are white, the middle blue, and it fills the window.

        def fills():
            shown = m.picture()
            return (min(shown.getpixel((0, 0))) > 200 and min(shown.getpixel((639, 479))) > 200 and
                    shown.getpixel((320, 240)) == guest.getpixel((160, 100)))
        until(fills, 'a picture of 4:3')
        xdo('key', 'F2')
        until(lambda: m.size() == (720, 540 + BAR), 'the text window again')
        m.end()


def sizes(folder):
    with machine(folder, '--scale', '2') as m:
        until(lambda: m.size() == (720, 540 + BAR) or m.size() == (1440, 1080 + BAR), 'a size')
        xdo('key', 'F1')
        until(lambda: m.size() == (640, 480 + BAR), 'twice')
        m.host('n')
        until(lambda: m.size() == (960, 720 + BAR), 'three times')
        m.host('Return')
        screen = screens['x'].screen()
        until(lambda: m.size() == (screen.width_in_pixels, screen.height_in_pixels), 'full screen')
        # 1280 x 1024 is higher than 4:3: bars above and below.
        until(lambda: min(m.picture().getpixel((0, 34))) > 200 and
              max(m.picture().getpixel((0, 20))) == 0, 'the picture in the middle')
        m.host('Return')
        until(lambda: m.size() == (960, 720 + BAR), 'a window again')
        # By hand: stays, also when the guest changes its mode.
        xdo('windowsize', m.window, 1000, 620)
        until(lambda: m.size() == (1000, 620), 'the size that was asked for')
        xdo('key', 'F2')
        until(lambda: m.ctl('frame')['width'] == 720, 'text')
        time.sleep(0.5)
        assert m.size() == (1000, 620)
        m.end()


def full_screen_from_the_start(folder):
    with machine(folder, '--fullscreen') as m:
        screen = screens['x'].screen()
        until(lambda: m.size() == (screen.width_in_pixels, screen.height_in_pixels), 'full screen')
        m.end()


def paste(folder):
    with machine(folder) as m:
        clip = subprocess.Popen(['xclip', '-selection', 'clipboard', '-loops', '0', '-quiet'],
                                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        try:
            clip.stdin.write('aB{\r\n\u00e9z'.encode())
            clip.stdin.close()
            time.sleep(0.5)
            m.host('v')
            m.wait_for_keys('1E 9E 2A 30 B0 AA 2A 1A 9A AA 1C 9C 2C AC')
        finally:
            clip.kill()
            clip.wait()
        m.end()


def hot_keys(folder):
    with open(f'{folder}/disk.img', 'wb') as out:
        out.truncate(1474560)
    with machine(folder) as m:
        m.host('d')
        m.wait_for_keys('1D 38 E0 53 E0 D3 B8 9D')
        m.host('s')
        until(lambda: os.path.exists(f'{folder}/anachron-001.png'), 'a screenshot')
        until(lambda: same(Image.open(f'{folder}/anachron-001.png').convert('RGB'),
                           m.guest_picture()), 'the guest on it')
        m.host('s')
        until(lambda: os.path.exists(f'{folder}/anachron-002.png'), 'another one')
        m.host('p')
        until(lambda: m.state() == 'paused', 'a pause')
        until(lambda: 'paused' in m.title(), 'the title that says so')
        m.host('p')
        until(lambda: m.state() == 'running', 'the machine that goes on')
        assert not m.has_panel()
        m.host('h')
        until(m.has_panel, 'the help')
        m.forget()
        xdo('key', 'x')
        until(lambda: not m.has_panel(), 'no help')
        m.wait_for_quiet()
        assert m.said() == '', 'a key that closes the help is not for the guest'
        xdo('key', 'x')
        m.wait_for_keys('2D AD')
        m.host('r')
        until(m.has_panel, 'a question')
        xdo('key', 'n')
        until(lambda: not m.has_panel(), 'no question')
        m.host('r')
        until(m.has_panel, 'a question')
        xdo('key', 'y')
        until(lambda: m.ctl('stats')['resets'] == 1, 'one reset')
        m.end()


def medium(m, name):
    return [drive for drive in m.ctl('status')['drives'] if drive['name'] == name][0]['medium']


def media(folder):
    for name in ('second disk.img', 'disc.iso'):
        with open(f'{folder}/{name}', 'wb') as out:
            out.truncate(1474560)
    with machine(folder) as m:
        assert medium(m, 'floppy') == 'events.bin'
        m.host('f')
        xdo('key', 'ctrl+u')
        xdo('type', 'sec')
        xdo('key', 'Tab', 'Return')
        until(lambda: medium(m, 'floppy') == 'second disk.img', 'the second disk')
        m.host('f')
        xdo('key', 'Escape')
        m.host('f')
        xdo('key', 'ctrl+u', 'Return')
        until(lambda: medium(m, 'floppy') is None, 'an empty drive')
        m.host('c')
        xdo('type', 'disx')
        xdo('key', 'BackSpace', 'Tab', 'Return')
        until(lambda: medium(m, 'cdrom') == 'disc.iso', 'a disc')
        m.forget()
        time.sleep(0.3)
        assert m.said() == ''
        xdo('key', 'a')
        m.wait_for_keys('1E 9E')
        m.end()


def lights_and_speed(folder):
    with machine(folder, guest=False) as m:
        def bar():
            width, height = m.size()
            return m.picture().crop((0, height - BAR, 90, height))
        until(lambda: m.state() == 'running', 'a machine')
        time.sleep(1.5)

        def lit():
            return any(g > 200 and r < 100 for r, g, b in bar().getdata())
        assert not lit()
        # The firmware, asked to try again, reads the diskette.
        m.ctl('insert', 'floppy', events_image + ',readonly')
        xdo('key', 'Return')
        until(lit, 'the light of the floppy')
        until(lambda: not lit(), 'no light')
        m.end()


def close_button(m):
    delete = screens['x'].intern_atom('WM_DELETE_WINDOW')
    window = screens['x'].create_resource_object('window', int(m.window))
    window.send_event(xevent.ClientMessage(
        window=window, client_type=screens['x'].intern_atom('WM_PROTOCOLS'),
        data=(32, [delete, X.CurrentTime, 0, 0, 0])))
    screens['x'].flush()


def closing_asks(folder):
    with machine(folder) as m:
        close_button(m)
        until(m.has_panel, 'the question')
        xdo('key', 'n')
        until(lambda: not m.has_panel(), 'no question')
        assert m.state() == 'running'
        m.host('q')
        until(m.has_panel, 'the question')
        assert m.state() == 'running'
        xdo('key', 'y')
        m.ended(0)
    with machine(folder) as m:
        close_button(m)
        until(m.has_panel, 'the question')
        close_button(m)
        m.ended(0)


def closing_asks_about_the_state(folder):
    """A machine that is kept by name: keep its state, drop it, or go on."""
    store = f'{folder}/machines'
    os.environ['ANACHRON_MACHINES'] = store

    def command(*words):
        return subprocess.run([anachron, *words], check=True, capture_output=True, text=True,
                              timeout=PATIENCE).stdout

    command('new', 'pc', '--disk-size', '1M', '--floppy', f'{events_image},snapshot', '--boot', 'a')
    with machine(folder, kept=f'{store}/pc') as m:
        close_button(m)
        until(m.has_panel, 'the question')
        xdo('key', 'n')
        until(lambda: not m.has_panel(), 'no question')
        assert m.state() == 'running'
        m.host('q')
        until(m.has_panel, 'the question')
        xdo('key', 'y')  # is no answer to this one
        until(lambda: not m.has_panel(), 'no question')
        assert m.state() == 'running'
        m.host('q')
        until(m.has_panel, 'the question')
        xdo('key', 'd')
        m.ended(0)
    assert sorted(os.listdir(f'{store}/pc')) == ['config.ini', 'disk.img', 'log']
    with machine(folder, kept=f'{store}/pc') as m:
        xdo('key', 'a')
        m.wait_for_keys('1E 9E')
        m.host('q')
        until(m.has_panel, 'the question')
        xdo('key', 'k')
        m.ended(0)
    assert ' saved ' in command('ls')
    with machine(folder, guest=False, kept=f'{store}/pc') as m:
        # It is not booting: it says nothing but what it is told.
        xdo('key', 'b')
        m.wait_for_keys('30 B0')
        assert 'A FA' not in m.said()
        close_button(m)
        until(m.has_panel, 'the question')
        close_button(m)  # who insists keeps it, as the configuration says
        m.ended(0)
    assert ' saved ' in command('ls')


def the_exit_status_is_passed_on(folder):
    with machine(folder) as m:
        m.end(9)
    with machine(folder) as m:
        xdo('key', 'F4')
        assert 'triple fault' in m.ended(4)
    with machine(folder) as m:
        m.process.send_signal(signal.SIGTERM)
        m.ended(128 + signal.SIGTERM)
    with machine(folder) as m:
        # A guest that has halted for good is still there for a person, and can be ended.
        xdo('key', 'F3')
        until(lambda: m.state() == 'halted', 'a halt')
        m.host('q')
        xdo('key', 'Return')
        m.ended(0)


def a_window_changes_nothing(folder):
    with open(f'{folder}/script', 'w') as out:
        out.write('wait screen "events" 10s\nsleep 500ms\nstate\ntype "abc{f1}"\nsleep 2s\nstate\n'
                  'frame\n')

    def run(display):
        done = subprocess.run([anachron, 'run', '--display', display, '--script',
                               f'{folder}/script', '--floppy', f'{events_image},snapshot', '--clock',
                               'paced', '--date', '2026-01-01'], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        return done.stdout
    with_window, without = run('sdl'), run('none')
    assert with_window == without and len(without.splitlines()) == 3, (with_window, without)


def no_screen(folder):
    without = {name: value for name, value in os.environ.items()
               if name not in ('DISPLAY', 'WAYLAND_DISPLAY')}
    done = subprocess.run([anachron, 'run', '--display', 'sdl'], env=without, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
    assert done.returncode == 1 and '--display term or none' in done.stderr, done
    # The default where there is a screen; with a script there is nobody to look at it.
    with machine(folder) as m:
        default = subprocess.Popen([anachron, 'run'], stdin=subprocess.DEVNULL)
        try:
            until(lambda: xdo('search', '--all', '--pid', default.pid, '--name', 'Anachron'), 'a window')
        except subprocess.CalledProcessError:
            pass
        finally:
            default.terminate()
            assert default.wait(PATIENCE) == 128 + signal.SIGTERM
        m.end()


tests = [keys_by_their_place, nothing_stays_down, mouse_grab, pointer_without_grab,
         the_picture_is_the_guests, sizes,
         full_screen_from_the_start, paste, hot_keys, media, lights_and_speed, closing_asks, closing_asks_about_the_state,
         the_exit_status_is_passed_on, a_window_changes_nothing, no_screen]


def run_tests():
    failures = 0
    for test in tests:
        if len(sys.argv) > 3 and test.__name__ not in sys.argv[3:]:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            begin = time.time()
            try:
                test(scratch)
                print(f'ok {test.__name__} ({time.time() - begin:.1f} s)', flush=True)
            except Exception as problem:
                failures += 1
                traceback.print_exc()
                print(f'FAILED {test.__name__}: {problem!r}', flush=True)
    return failures


def has_window_manager():
    """What a window manager that is ready sets (EWMH, _NET_SUPPORTING_WM_CHECK)."""
    x = screens['x']
    return x.screen().root.get_full_property(x.intern_atom('_NET_SUPPORTING_WM_CHECK'), X.AnyPropertyType)


def main():
    read, write = os.pipe()
    server = subprocess.Popen(['Xvfb', '-displayfd', str(write), '-screen', '0', '1280x1024x24',
                               '-nolisten', 'tcp'], pass_fds=[write], stderr=subprocess.DEVNULL)
    try:
        os.close(write)
        number = os.read(read, 16).decode().strip()
        assert number, 'Xvfb does not start'
        os.environ['DISPLAY'] = ':' + number
        os.environ.pop('WAYLAND_DISPLAY', None)
        screens['x'] = xdisplay.Display()
        manager = subprocess.Popen(['openbox', '--sm-disable'], stderr=subprocess.DEVNULL)
        try:
            # A window that is mapped while the window manager starts may never be shown.
            until(has_window_manager, 'a window manager')
            return 1 if run_tests() else 0
        finally:
            manager.terminate()
            manager.wait()
    finally:
        server.terminate()
        server.wait()


if __name__ == '__main__':
    sys.exit(main())
