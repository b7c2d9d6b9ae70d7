"""Cases of recorded runs: a real guest boots, logs in over the serial line, compresses, and writes to
its disk; the log alone makes the same run again, in either engine."""

import re
import subprocess
import time

from cases import LOGIN, case

LOGGED_IN = LOGIN + """
state
"""

AFTER_LOGIN = """
serial "dd if=/dev/urandom of=/root/blob bs=1k count=200; gzip -k /root/blob; md5sum /root/blob*\\r"
wait serial "blob.gz" 60s
wait serial "# " 60s
serial "sync; cat /proc/interrupts\\r"
wait serial "# " 60s
sleep 10s
state
quit 0
"""

WORK = LOGIN + AFTER_LOGIN

# After the login: what else could have been done.
OTHERWISE = """
serial "echo a-branch-$((6*7)) > /root/note; sync; cat /root/note\\r"
wait serial "a-branch-42" 60s
sleep 1s
state
quit 0
"""


def replay(bench, log, *options, status=0, command="replay"):
    done = subprocess.run([str(word) for word in (bench.anachron, command, log, *options)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL)
    output = done.stdout.decode(errors="replace")
    bench.check(done.returncode == status,
                f"{command} {options}: status {done.returncode}\n{output[-3000:]}")
    return output


def state(output):
    return re.search(r"^icount \d+ state [0-9a-f]{16}$", output, re.MULTILINE).group(0)


def record(bench, log, *options):
    """Boots a disk that is written directly. The state at the end, and what came over the line."""
    disk = bench.copy(bench.guest("disk"))
    output = bench.run("--memory", "128M", "--disk", disk, "--serial",
                       f"file:{bench.serial_file()}", "--record", log, *options, script=WORK)
    return state(output), bench.serial_file().read_bytes()


@case
def replay_disk(bench):
    """Recorded by the default engine, replayed by both, with the same state and output; then another
    way from the middle, whose record is a log of its own."""
    log, branch, output = (bench.folder / name for name in ("log", "branch", "output"))
    ended, said = record(bench, log)
    for engine in ("interp", "jit"):
        text = replay(bench, log, "--engine", engine, "--serial", f"file:{output}")
        bench.check(state(text) == ended, f"{engine}: {text}, recorded {ended}")
        bench.check("all as recorded" in text, text)
        bench.check(output.read_bytes() == said, f"{engine}: other output on the serial line")
    bench.check("blob.gz" in said.decode(errors="replace"), "the guest has not worked")
    # the last event but one has asked for the compression
    events = re.findall(r"^ *(\d+) +[\d.]+  serial1", replay(bench, log, "--events", command="log"),
                        re.MULTILINE)
    script = bench.folder / "script2"
    script.write_text(OTHERWISE)
    text = replay(bench, log, "--to", int(events[-3]) - 1, "--go-live", "--display", "none",
                  "--clock", "virtual", "--script", script, "--record", branch)
    bench.check(state(replay(bench, branch)) == state(text), "the branch is another run")
    bench.check("branches off after" in replay(bench, branch, command="log"), "no tree")


@case
def replay_disk_recorded_by_interpreter(bench):
    """Recorded by the interpreter, replayed by the translator, three times."""
    log = bench.folder / "log"
    ended, _ = record(bench, log, "--engine", "interp")
    for _ in range(3):
        text = replay(bench, log, "--engine", "jit")
        bench.check(state(text) == ended, f"{text}, recorded {ended}")


@case
def replay_loaded(bench):
    """Saved after the login, loaded and recorded: the log has the saved state in it, and both engines make
    the rest of the run again from that and a disk that the run has written to."""
    log, saved, output = (bench.folder / name for name in ("log", "saved", "output"))
    disk, serial = bench.copy(bench.guest("disk")), f"file:{bench.serial_file()}"
    begun = state(bench.run("--memory", "128M", "--disk", disk, "--serial", serial,
                            script=LOGGED_IN + f"save {saved}\nquit 0\n"))
    bench.serial_file().unlink()
    text = bench.run("--load", saved, "--serial", serial, "--record", log, script="state\n" + AFTER_LOGIN)
    ended, said = text.splitlines()[-1], bench.serial_file().read_bytes()
    bench.check(state(text) == begun, f"saved {begun}, loaded {text}")
    bench.check(b"blob.gz" in said, "the guest has not worked")
    saved.unlink()
    for engine in ("jit", "interp"):
        text = replay(bench, log, "--engine", engine, "--serial", f"file:{output}")
        bench.check(state(text) == ended, f"{engine}: {text}, recorded {ended}")
        bench.check("all as recorded" in text, text)
        bench.check(output.read_bytes() == said, f"{engine}: other output on the serial line")


BRANCHES = """
serial "gzip -c /bin/busybox > /root/one; sync; while :; do :; done &\\r"
wait serial "# " 60s
sleep 200ms
{record}
sleep 300ms
serial "dd if=/dev/urandom of=/root/blob bs=1k count=200; gzip -k /root/blob; sync; md5sum /root/blob*\\r"
wait serial "blob.gz" 60s
sleep 500ms
state
seek -400ms
live
serial "echo a-branch-$((6*7)) > /root/two; sync; md5sum /root/two\\r"
wait serial "/root/two" 60s
sleep 300ms
state
seek {moment}
live
serial "dd if=/dev/zero of=/root/three bs=1k count=300; sync; md5sum /root/three\\r"
wait serial "/root/three" 60s
sleep 300ms
state
quit 0
"""


def branches(bench, engine, log, rest, logs):
    """Recorded on a disk that is written directly, twice live in the past: three logs, each of which
    replays on both engines."""
    disk = bench.copy(bench.guest("disk"))
    output = bench.run("--memory", "128M", "--disk", disk, "--serial", f"file:{bench.serial_file()}",
                       "--history", "1G", "--engine", engine, *rest[1:], script=LOGIN + rest[0])
    ended = re.findall(r"^icount \d+ state [0-9a-f]{16}$", output, re.MULTILINE)
    bench.check([line.rsplit("record ", 1)[1] for line in output.splitlines() if " record " in line]
                == [f"{log}.1", f"{log}.2"], f"live does not name its logs: {output}")
    for name, state_then in zip(logs, ended[-3:]):
        for player in ("jit", "interp"):
            text = replay(bench, name, "--engine", player)
            bench.check("all as recorded" in text and state(text) == state_then,
                        f"{name} by {player}: {text}, recorded {state_then}")
    tree = replay(bench, log, command="log")
    for name in logs[1:]:
        bench.check(re.search(rf"{name}: \d+ instructions, branches off after \d+", tree), tree)


@case
def replay_branches(bench):
    """A run that is recorded from power-on."""
    log = bench.folder / "log"
    script = BRANCHES.format(record="", moment="-1s")
    branches(bench, "jit", log, (script, "--record", log), [log, f"{log}.1", f"{log}.2"])


@case
def replay_late(bench):
    """A run that is recorded when it has written to its disk already: the log begins there. The second
    branch leaves before that, and so begins where it leaves."""
    log = bench.folder / "log"
    script = BRANCHES.format(record=f"sleep 1s\nrecord {log}", moment="-1500ms")
    branches(bench, "interp", log, (script,), [log, f"{log}.1", f"{log}.2"])


@case
def replay_disk_killed(bench):
    """The recorder is killed while the guest writes to its disk: what it has written is good, and the
    disk can be had as it was at the beginning."""
    log, disk = bench.folder / "log", bench.copy(bench.guest("disk"))
    script = bench.folder / "script"
    script.write_text(WORK)
    recorder = subprocess.Popen([str(word) for word in (
        bench.anachron, "run", "--display", "none", "--memory", "128M", "--disk", disk, "--serial",
        f"file:{bench.serial_file()}", "--script", script, "--record", log)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while recorder.poll() is None and not (bench.serial_file().exists()
                                           and b"records in" in bench.serial_file().read_bytes()):
        time.sleep(0.02)
    recorder.kill()
    bench.check(recorder.wait() == -9, "the recorder ended before it could be killed")
    text = replay(bench, log)
    bench.check("all as recorded" in text and int(state(text).split()[1]) > 1e8, text)
    bench.check("written to" in replay(bench, log, command="log"), "the disk is not in the log")


@case
def replay_finds_a_broken_lift(bench):
    """A translation that is deliberately wrong is found from a log of a Linux boot, to the very
    instruction."""
    log = bench.folder / "log"
    record(bench, log)
    text = replay(bench, log, "--translator", "break=bsr", status=1, command="diverge")
    bench.check(re.search(r"^-> *\d+  [0-9a-f]{8}  [0-9a-f]+ +bsr ", text, re.MULTILINE), text)
