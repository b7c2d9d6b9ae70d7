#!/usr/bin/env python3
"""Saved states: a machine that was saved is not changed by that, one that is loaded goes on as it
would have, on either engine; and what is not right is refused with one line before anything is
touched.

Run alone: tests/cli/saved.py BUILD/anachron IMAGE     (IMAGE: saved.asm, assembled)
"""
import os
import random
import shutil
import subprocess
import sys

from checks import run_checks

anachron, image = (os.path.abspath(path) for path in sys.argv[1:3])
ENGINES = ['interp', 'jit']


def anachron_run(folder, *args, script=None, status=0):
    """Standard output of a run in folder; on another status, its complaint must be one line."""
    words = [anachron, 'run', '--display', 'none', *map(str, args)]
    if script is not None:
        (folder / 'script').write_text(script)
        words += ['--script', folder / 'script']
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=300, cwd=folder)
    assert done.returncode == status, f'status {done.returncode}, not {status}: {done.stderr}'
    if status:
        assert done.stderr.count('\n') == 1, f'not one line: {done.stderr!r}'
        return done.stderr
    return done.stdout


def make_images(folder):
    for name, size in [('direct.img', 1), ('base.img', 2), ('floppy.img', 0), ('disc.iso', 1)]:
        data = random.Random(name).randbytes(size << 20 or 1474560)
        (folder / name).write_bytes(data)


def machine(folder):
    shutil.copy(image, folder / 'kernel')
    make_images(folder)
    return ['--memory', '4M', '--multiboot', 'kernel', '--append', 'a b', '--disk', 'direct.img',
            '--disk', 'base.img,snapshot', '--cdrom', 'disc.iso', '--serial', 'file:serial',
            '--cpu', 'pentium', '--mips', '50']


def saved(folder, script='sleep 1300ms\nsave state.snap\nstate\nquit 0\n'):
    options = machine(folder)
    state = anachron_run(folder, *options, script=script).splitlines()[-1]
    return state


def goes_on_the_same(folder):
    options = machine(folder)
    rest = 'sleep 700ms\nstate\nquit 0\n'
    without = anachron_run(folder, *options, script='sleep 1300ms\nstate\nsleep 700ms\n'
                           'state\nquit 0\n').splitlines()
    disk = (folder / 'direct.img').read_bytes()
    make_images(folder)
    with_save = anachron_run(folder, *options, script='sleep 1300ms\nstate\nsave state.snap\n'
                             'state\n' + rest).splitlines()
    assert with_save[0] == without[0] and with_save[-2:] == without, 'saving changes the machine'
    make_images(folder)
    for engine in ENGINES:
        make_images(folder)
        anachron_run(folder, *options, '--engine', engine,
                     script='sleep 1300ms\nsave state.snap\nquit 0\n')
        for unneeded in ['kernel', 'serial']:
            (folder / unneeded).unlink()
        at_save = (folder / 'direct.img').read_bytes()
        for other in ENGINES:
            (folder / 'direct.img').write_bytes(at_save)
            loaded = anachron_run(folder, '--load', 'state.snap', '--engine', other,
                                  script='state\n' + rest).splitlines()
            assert loaded == without, f'saved by {engine}, loaded by {other}: {loaded}'
            assert (folder / 'direct.img').read_bytes() == disk, 'the disk differs'
        shutil.copy(image, folder / 'kernel')


def many_moments(folder):
    """Saved in a row, each loaded and saved again: the last is where the first run would be."""
    options = machine(folder)
    expected = anachron_run(folder, *options, script='sleep 1211ms\nstate\nquit 0\n')
    make_images(folder)
    anachron_run(folder, *options, script='sleep 1200ms\nsave 0.snap\nquit 0\n')
    for i in range(11):
        loaded = anachron_run(folder, '--load', f'{i}.snap', '--engine', ENGINES[i % 2],
                              script=f'sleep 1ms\nstate\nsave {i + 1}.snap\nquit 0\n')
    assert loaded.splitlines()[0] == expected.strip(), 'not where it would have been'


def media_go_along(folder):
    options = machine(folder)
    script = ('sleep 1s\ninsert floppy floppy.img,snapshot\neject cdrom\nsave state.snap\nstate\n'
              'sleep 300ms\n{}state\nquit 0\n')
    change = 'eject floppy\ninsert cdrom disc.iso\nsleep 100ms\n'
    expected = anachron_run(folder, *options, script=script.format(change)).splitlines()
    make_images(folder)
    anachron_run(folder, *options, script='sleep 1s\ninsert floppy floppy.img,snapshot\n'
                 'eject cdrom\nsave state.snap\nquit 0\n')
    loaded = anachron_run(folder, '--load', 'state.snap', script='state\nsleep 300ms\n' + change +
                          'state\nquit 0\n').splitlines()
    assert loaded == expected[1:], f'{loaded} {expected}'


def drive_of_a_diskette_that_was_taken_out(folder):
    """The drive is one for 5.25 inch diskettes, which nothing else says any more."""
    machine(folder)
    options = ['--memory', '4M', '--multiboot', 'kernel']
    (folder / 'small.img').write_bytes(bytes(368640))
    script = 'sleep 1s\neject floppy\n{}state\nsleep 300ms\nstate\nquit 0\n'
    expected = anachron_run(folder, *options, '--floppy', 'small.img',
                            script=script.format('save state.snap\n')).splitlines()
    loaded = anachron_run(folder, '--load', 'state.snap',
                          script='state\nsleep 300ms\nstate\nquit 0\n').splitlines()
    assert loaded == expected[1:], f'{loaded} {expected}'


def refused(folder, *args, what, file='state.snap', untouched='serial2'):
    """--load of file is refused with a line that has `what` in it, and nothing is written."""
    before = {path: (path.stat().st_mtime_ns, path.read_bytes())
              for path in folder.iterdir() if path.is_file() and path.name != 'script'}
    error = anachron_run(folder, '--load', file, '--serial', f'file:{untouched}', *args,
                         script='quit 0\n', status=1)
    assert what in error, f'{what!r} is not in {error!r}'
    after = {path: (path.stat().st_mtime_ns, path.read_bytes())
             for path in folder.iterdir() if path.is_file() and path.name != 'script'}
    assert before == after, 'something was touched'


def damaged_files(folder):
    saved(folder)
    good = (folder / 'state.snap').read_bytes()
    for number, at in enumerate([0, 17, 60, 64, 100, len(good) // 2, len(good) - 200,
                                 len(good) - 1]):
        bad = bytearray(good)
        bad[at] ^= 1 << number % 8
        (folder / 'bad.snap').write_bytes(bad)
        refused(folder, what='bad.snap: ', file='bad.snap')
    for size in [0, 1, 63, 64, 200, len(good) // 2, len(good) - 1]:
        (folder / 'bad.snap').write_bytes(good[:size])
        refused(folder, what='bad.snap: ', file='bad.snap')
    refused(folder, what='missing.snap', file='missing.snap')
    refused(folder, what='not a saved state', file='kernel')
    refused(folder, what='regular file', file='.')


def other_images(folder):
    saved(folder)
    for name in ['direct.img', 'base.img', 'disc.iso']:
        path = folder / name
        good, time = path.read_bytes(), path.stat().st_mtime_ns
        path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        refused(folder, what=name)
        path.write_bytes(good + bytes(512))
        os.utime(path, ns=(time, time))
        refused(folder, what=name)
        path.rename(folder / 'away')
        refused(folder, what=name)
        (folder / 'away').rename(path)
        path.write_bytes(good)  # another time of change, the same contents
    anachron_run(folder, '--load', 'state.snap', script='quit 0\n')
    (folder / 'base.img').rename(folder / 'moved.img')
    (folder / 'disc.iso').rename(folder / 'disc, moved.iso')
    refused(folder, what='base.img')
    state = anachron_run(folder, '--load', 'state.snap', '--disk', 'direct.img', '--disk',
                         'moved.img', '--cdrom', 'disc,, moved.iso', script='state\nquit 0\n')
    assert state.startswith('icount')


def other_options(folder):
    state = saved(folder)
    (folder / 'other').write_bytes(b'other')
    for options in [['--memory', '8M'], ['--cpu', '486'], ['--boot', 'd'], ['--mips', '51'],
                    ['--date', '1999-01-01'], ['--mouse', 'vmware'], ['--kernel', 'other'],
                    ['--bios', 'other'], ['--printer', 'file:paper'], ['--floppy', 'floppy.img'],
                    ['--multiboot', 'kernel', '--append', 'c']]:
        refused(folder, *options, what=options[-1] if 'floppy.img' in options else options[-2])
    same = ['--memory', '4M', '--cpu', 'pentium', '--multiboot', 'kernel', '--append', 'a b',
            '--mips', '50', '--disk', 'direct.img', '--disk', 'base.img,snapshot']
    again = anachron_run(folder, '--load', 'state.snap', *same, script='state\nquit 0\n')
    assert again.strip() == state.strip(), 'options that say the same'


def what_cannot_be_written(folder):
    options = machine(folder)
    for name in ['/nowhere/at/all', '.']:
        error = anachron_run(folder, *options, script=f'save {name}\n', status=1)
        assert name in error
    assert not list(folder.glob('*partial*')), 'a partial file is left'
    (folder / 'state.snap').write_bytes(b'old')
    anachron_run(folder, *options, script='save state.snap\nsave state.snap\nquit 0\n')
    assert (folder / 'state.snap').stat().st_size > 1000 and not list(folder.glob('*partial*'))


run_checks([goes_on_the_same, many_moments, media_go_along,
            drive_of_a_diskette_that_was_taken_out, damaged_files, other_images,
            other_options, what_cannot_be_written], sys.argv[3:])
