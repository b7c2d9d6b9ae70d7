#!/usr/bin/python3
"""Shows the video guest on Bochs, and compares its pictures with ours.

    tests/video/on_bochs.py build/tests/video/video.img FOLDER      (or: ninja -C build video-on-bochs)

FOLDER holds our pictures, from run.py --pictures; those of Bochs go there as NNN.bochs.png. Its window is on a screen
of its own (Xvfb). Needs Debian's bochs, bochs-x, xvfb, xdotool, imagemagick, x11-utils and python3-pil. Exit status 1 if
a picture differs for which KNOWN has no reason, or is the same although it has one.
"""
import os
import re
import signal
import subprocess
import sys
import time

from peer import compare, count_pictures, shown

# What Bochs 2.7 does otherwise, and why ours is right.
KNOWN = {
    r'200 lines|350 lines': 'its firmware knows only 400 lines',
    r'BIOS mode 07h': 'its firmware makes intensity alone gray; IBM makes it black',
    r'BIOS mode 0Fh': 'its firmware enables plane 0 only',
    r'512 characters|text: plane enable': 'no plane enable in text',
    r'font blocks': 'shows one font only',
    r'cursor skew': 'no skew of the cursor',
    r'underlines': 'no underlines',
    r'text: double scan|four lines for each': 'lines are shown twice at most, those of text once',
    r'cells of 32': 'no part of a row at the end',
    r'text: colour select': 'no colour select in text',
    r'byte mode|word addresses|doubleword addresses|count by': 'the addressing mode is not looked at, or only in part',
    r'byte panning': 'no byte panning',
    r'planar panning|split: planar|unchained, panned|smooth': 'no panning in graphics',
    r'split: mode 13h|mode 13h preset': 'mode 13h is neither split nor does it have a preset row scan',
    r'write mode 3': 'no logical functions in write mode 3',
    r'odd/even': 'no odd/even mode in graphics',
    r'PEL mask': 'no PEL mask',
    r'eight bits a pixel|packed, four bits': 'the shift mode decides alone whether pixels have eight bits',
    r'four banks': 'draws it as of a CGA',
    r'blinking in graphics': 'draws the picture in parts, each in its own phase',
    r'line pairs': 'no pairs of lines',
}
# The pictures from here on are not compared: its banks are of 32 KiB.
LAST = r'^VBE'
# Where the picture is in its window, and what else is in the window's height.
LEFT, TOP, OTHER = 4, 36, 50
SECONDS = 1200

CONFIGURATION = """\
megs: 32
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
vga: extension=vbe, update_freq=20
floppya: 1_44={image}, status=inserted, write_protected=1
boot: floppy
log: {work}/log
display_library: x
port_e9_hack: enabled=1
cpu: model=p3_katmai, ips=50000000, reset_on_triple_fault=0
clock: sync=none
"""


class Screen:
    """An X server without a screen, and what runs on it."""

    def __init__(self):
        self.server = subprocess.Popen(['Xvfb', '-displayfd', '1', '-screen', '0', '1800x1400x24'], stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL)
        self.environment = {**os.environ, 'DISPLAY': ':' + self.server.stdout.readline().decode().strip()}

    def call(self, *command):
        return subprocess.run(command, env=self.environment, capture_output=True, text=True).stdout

    def picture(self, path):
        """The window's inside, into a file."""
        size = re.search(r'"Bochs.*?(\d+)x(\d+)\+', self.call('xwininfo', '-root', '-tree'))
        width, height = int(size[1]), int(size[2]) - OTHER
        self.call('import', '-window', 'root', '-crop', f'{width}x{height}+{LEFT}+{TOP}', '+repage', path)


def run(image, folder, work):
    screen = Screen()
    names, out = {}, os.path.join(work, 'out')
    with open(work + '/bochsrc', 'w') as file:
        file.write(CONFIGURATION.format(image=os.path.abspath(image), work=work))
    with open(work + '/commands', 'w') as file:
        file.write('c\n')
    with open(out, 'wb') as file:
        # It runs as a child of a script: a session, to end both.
        bochs = subprocess.Popen(['stdbuf', '-o0', 'bochs', '-q', '-f', work + '/bochsrc', '-rc', work + '/commands'],
                                 stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                                 env=screen.environment, start_new_session=True)
    try:
        end = time.monotonic() + SECONDS
        for number in range(1, 1 + count_pictures(folder)):
            while not shown(out, number):
                if time.monotonic() > end or bochs.poll() is not None:
                    return names
                time.sleep(0.05)
            if re.search(LAST, shown(out, number)):
                return names
            time.sleep(1)
            screen.picture(f'{folder}/{number:03}.bochs.png')
            names[number] = shown(out, number)
            screen.call('xdotool', 'search', '--name', 'Bochs', 'windowfocus')
            screen.call('xdotool', 'key', 'space')
    finally:
        os.killpg(bochs.pid, signal.SIGKILL)
        bochs.wait()
        screen.server.kill()
        screen.server.wait()
    return names


if __name__ == '__main__':
    sys.exit(compare(__doc__, 'bochs', run, KNOWN))
