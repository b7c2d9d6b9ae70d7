#!/usr/bin/python3
"""Shows the video guest on QEMU, and compares its pictures with ours.

    tests/video/on_qemu.py build/tests/video/video.img FOLDER      (or: ninja -C build video-on-qemu)

FOLDER holds our pictures, from run.py --pictures; QEMU's go there as NNN.qemu.png. Needs Debian's qemu-system-x86 and
python3-pil. Exit status 1 if a picture differs for which KNOWN has no reason, or is the same although it has one.
"""
import os
import socket
import subprocess
import sys
import time

from PIL import Image

from peer import compare, count_pictures, shown

# What QEMU 7.2 does otherwise, and why ours is right.
KNOWN = {
    r'BIOS mode 0[01]h$|40 columns': 'columns of half the dot clock are 16 pixels wide there, without the ninth dot',
    r'BIOS mode 0[23]h$|50 rows|text: 9 dots$|sixteen|cursor$|internal palette|text: border|60 rows|colour select$':
        'repeats the ninth dot from B0h on; the data sheet says from C0h',
    r'cursor skew': 'no skew of the cursor',
    r'200 lines|350 lines': 'its firmware knows only 400 lines',
    r'BIOS mode 07h': 'its firmware makes intensity alone gray; IBM makes it black',
    r'BIOS mode 0Fh': 'its firmware enables plane 0 only',
    r'512 characters|text: plane enable': 'no plane enable in text',
    r'text: blinking': 'no blinking',
    r'underlines': 'no underlines',
    r'double scan': 'text is not scanned twice',
    r'cells of 32': 'no part of a row at the end',
    r'text: byte mode|word addresses|doubleword addresses|count by': 'the addressing mode is not looked at',
    r'preset row scan|byte panning': 'no preset row scan, no byte panning',
    r'panning|panned|smooth': 'no panning',
    r'split: text': 'text is not split',
    r'doubled line': 'splits only between doubled lines',
    r'odd/even': 'odd/even mode reaches planes 0 and 1 only',
    r'PEL mask': 'no PEL mask',
    r'chained, then planes': 'chained memory is laid out otherwise than planes',
    r'eight bits a pixel|packed, four bits': 'the shift mode decides alone whether pixels have eight bits',
    r'four banks': 'row scan bit 1 becomes address bit 13, too',
    r'screen off': 'clocking mode bit 5 is not looked at',
    r'line pairs': 'no pairs of lines',
    r'DISPI 800 x 600 x 4': 'shows nothing',
    r'VBE text': 'its firmware has no text modes of VBE',
    r'VBE palette': 'its firmware has no function 09h',
}
SECONDS = 600


class Monitor:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        for _ in range(200):
            try:
                self.socket.connect(path)
                break
            except OSError:
                time.sleep(0.05)
        self.socket.settimeout(20)
        self.read()

    def read(self):
        text = b''
        while not text.endswith(b'(qemu) '):
            text += self.socket.recv(65536)
        return text.decode(errors='replace')

    def command(self, line):
        self.socket.sendall(line.encode() + b'\n')
        return self.read()


def run(image, folder, work):
    names, out = {}, os.path.join(work, 'out')
    qemu = subprocess.Popen(['qemu-system-i386', '-M', 'pc', '-m', '16', '-display', 'none', '-vga', 'std', '-parallel', 'null',
                             '-serial', 'null', '-drive', f'file={image},format=raw,if=floppy,snapshot=on', '-boot', 'a',
                             '-debugcon', f'file:{out}', '-device', 'isa-debug-exit,iobase=0x501',
                             '-monitor', f'unix:{work}/monitor,server,nowait'], stdin=subprocess.DEVNULL)
    try:
        monitor = Monitor(work + '/monitor')
        end = time.monotonic() + SECONDS
        for number in range(1, 1 + count_pictures(folder)):
            pressed = time.monotonic()
            while not shown(out, number):
                if time.monotonic() > end or qemu.poll() is not None:
                    return names
                time.sleep(0.02)
                # A busy machine may lose a key; the guest drops those that come before its picture is there.
                if number > 1 and time.monotonic() - pressed > 15:
                    monitor.command('sendkey spc')
                    pressed = time.monotonic()
            names[number] = shown(out, number)
            time.sleep(0.1)
            monitor.command(f'screendump {work}/picture.ppm')
            Image.open(f'{work}/picture.ppm').save(f'{folder}/{number:03}.qemu.png')
            monitor.command('sendkey spc')
    finally:
        qemu.kill()
        qemu.wait()
    return names


if __name__ == '__main__':
    sys.exit(compare(__doc__, 'qemu', run, KNOWN))
