"""Going back in time in a real Linux that compresses, and writes to its disk."""

from cases import case
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
