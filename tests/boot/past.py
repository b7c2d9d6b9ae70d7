"""Going back in time in a real Linux that compresses, and writes to its disk."""

import subprocess

from cases import LOGIN, case
from saved import REST, WORK, states


@case
def past_disk(bench):
    """Back and forth in the middle of work, the same states; from an earlier moment, once more the
    same future, to the end, with the disk as it was then."""
    # However slow the host, all of it is kept.
    options = ["--memory", "128M", "--history", "1G", "--disk", f"{bench.guest('disk')},snapshot",
               "--serial", f"file:{bench.serial_file()}"]
    whole = states(bench.run(*options, script=WORK + REST))
    text = bench.serial_text()
    middle, later = (int(state.split()[1]) for state in whole[:2])
    began = WORK + 'wait serial "done-25" 300s\nsleep 1s\nstate\n'
    ways = (f"seek {middle}\nstate\nseek {later}\nstate\nseek -1s\nseek {middle}\nstate\n"
            f"seek 20s\nseek +3s\nseek {later}\nstate\n")
    found = states(bench.run(*options, script=began + ways + REST.split("state\n", 1)[1]))
    wanted = whole[:2] + [whole[0], whole[1], whole[0], whole[1], whole[2]]
    bench.check(found == wanted, f"after seeks: {found}, not {wanted}")
    bench.check(bench.serial_text() == text, "a seek lets the guest say something else")
    again = states(bench.run(*options, script=began + f"seek {middle}\nlive\nstate\n" + REST))
    bench.check(again[:2] == whole[:2] and again[2:] == whole, f"live: {again}, not {whole}")


@case
def past_floppy(bench):
    """While a guest computes, a diskette is put in, written to directly, and taken out; then through
    that moment again, from before, with the diskette as it was then; from there once more the same
    future. Afterwards its image is not locked."""
    floppy = bench.folder / "floppy.img"
    blank = bytes(range(256)) * (1440 * 4)
    # No other checkpoint comes before the first reading, which is to find what was there before.
    insert = f"checkpoint\ninsert floppy {floppy}\nsleep 50ms\nstate\n"
    read = ('serial "dd if=/dev/fd0 bs=18k count=1 | md5sum; echo read-$((6*7))\\r"\n'
            'wait serial "read-42" 120s\nstate\n')
    write = ('serial "dd if=/dev/urandom of=/dev/fd0 bs=18k count=3 '
             'conv=fsync; dd if=/dev/fd0 bs=18k count=4 | md5sum; echo floppy-$((6*7))\\r"\n'
             'wait serial "floppy-42" 120s\nstate\n')
    eject = "eject floppy\nsleep 300ms\nstate\n"
    before = LOGIN + ('serial "modprobe floppy; while :; do :; done &\\r"\nwait serial "# " 60s\n'
                      'rate 20\nsleep 300ms\nstate\n')
    options = ["--memory", "128M", "--boot", "c", "--history", "1G",
               "--disk", f"{bench.guest('disk')},snapshot", "--serial", f"file:{bench.serial_file()}"]
    done = "sleep 300ms\nstate\n"

    def run(script):
        floppy.write_bytes(blank)
        return states(bench.run(*options, script=before + insert + read + write + eject + script + "quit 0\n"))

    whole = run(done)
    text, written = bench.serial_text(), floppy.read_bytes()
    bench.check(written != blank, "the guest has not written to the diskette")
    moments = [int(state.split()[1]) for state in whole]
    ways = [0, 3, 1, 4, 0, 1, 2, 3, 4, 0, 2, 0, 3]
    found = run("".join(f"seek {moments[way]}\nstate\n" for way in ways) + f"seek {moments[4]}\n" + done)
    wanted = whole[:5] + [whole[way] for way in ways] + whole[5:]
    bench.check(found == wanted, f"after seeks: {found}, not {wanted}")
    bench.check(floppy.read_bytes() == written, "a seek has changed the diskette")
    bench.check(bench.serial_text() == text, "a seek lets the guest say something else")
    # Another time from the moment behind the insertion, which is reached from before it.
    again = run(f"seek {moments[0]}\nseek {moments[1]}\nlive\nstate\n" + read + write + eject + done)
    bench.check(again == whole[:5] + whole[1:], f"live: {again}, not {whole}")
    bench.check(floppy.read_bytes() == written, "the diskette was not written to once more")
    bench.check(subprocess.run(["flock", "-n", floppy, "true"]).returncode == 0, "the image is locked")
