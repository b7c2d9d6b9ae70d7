#!/usr/bin/env python3
"""Random sequences of commands on machines that are kept by name, many of them killed (kill -9) at a
random moment, compared with the model (model.py) after each: what ls says, every byte of the files,
what is in the guests' memories, and that nothing else is left over.

A kill hits a command, a running machine, or what becomes of one by a fork, after a random time or,
with kill_at.so, before a certain one of its calls that change something. The model then allows two stores, before and after the
command; which one it is shows, and it must be one of them as a whole.

Run alone: tests/machines/calculus.py BUILD/anachron BUILD/tests/machines/guest.bin
               [BUILD/tests/machines/libkill_at.so] [--sequences N] [--seed N] [--engine E]
A failure says how to repeat it; a sequence depends on its own seed only (and on the host's timing,
where a kill comes after a time).
"""
import argparse
import contextlib
import multiprocessing
import os
import random
import select
import signal
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import traceback

from bench import PATIENCE, Bench, Failure, check, gone
from model import Store

NAMES = ['a', 'b', 'c']
STEPS = 9
MANY = 1 << 20  # calls


class Counter:
    """$KILL_COUNTER: see kill_at.c."""

    def __init__(self, path):
        self.path = path
        self.set(0)

    def set(self, number, process=0):
        """process: the only one whose calls count; 0: all."""
        # In place: processes have it mapped.
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT)
        os.pwrite(fd, struct.pack('=ii', 0, 0), 0)
        os.pwrite(fd, struct.pack('=i', process), 4)
        os.pwrite(fd, struct.pack('=i', number), 0)
        os.close(fd)

    def get(self):
        with open(self.path, 'rb') as counter:
            return struct.unpack('=i', counter.read(4))[0]


def describe_process(pid):
    """One line for each of its threads, with what it waits for."""
    lines, threads = [], []
    with contextlib.suppress(OSError):
        threads = os.listdir(f'/proc/{pid}/task')
    for thread in threads:
        words = []
        for file in ['stat', 'wchan', 'syscall']:
            with contextlib.suppress(OSError), open(f'/proc/{pid}/task/{thread}/{file}') as about:
                words.append(' '.join(about.read().split()[:4]))
        lines.append(f'    process {pid}: {"; ".join(words)}')
    return '\n'.join(lines)


class Running:
    """The processes of a machine, from its start on: they hold the pipe's other end."""

    def __init__(self, counter):
        self.read_end, self.write_end = os.pipe()
        self.counter = counter

    def begun(self):
        os.close(self.write_end)

    def has_ended(self, timeout=0.0):
        return bool(select.select([self.read_end], [], [], timeout)[0])

    def describe(self):
        """The processes that hold the pipe, for a failure."""
        pipe, found = os.readlink(f'/proc/self/fd/{self.read_end}'), []
        for pid in filter(str.isdigit, os.listdir('/proc')):
            with contextlib.suppress(OSError):
                files = [os.readlink(f'/proc/{pid}/fd/{fd}') for fd in os.listdir(f'/proc/{pid}/fd')]
                if pipe in files and int(pid) != os.getpid():
                    found.append(describe_process(pid))
        return '\n'.join(found)

    def close(self):
        os.close(self.read_end)


class Forked:
    """The same for one that another machine has become: it has nothing of the command."""

    def __init__(self, counter, pid):
        self.counter = counter
        self.pid = pid
        try:
            self.process = os.pidfd_open(pid)
        except ProcessLookupError:
            self.process = None

    def has_ended(self, timeout=0.0):
        return self.process is None or bool(select.select([self.process], [], [], timeout)[0])

    def describe(self):
        return describe_process(self.pid)

    def close(self):
        if self.process is not None:
            os.close(self.process)


class Sequence:
    def __init__(self, bench, seed, preload, calls):
        """calls: how many calls there are to be killed at, by command (measure_calls)."""
        self.b, self.seed, self.preload, self.calls = bench, seed, preload, calls
        self.random = random.Random(seed)
        self.store = Store()
        self.running = {}  # name: Running
        self.configs, self.states = {}, {}  # bytes that must not change
        self.saving_name = None
        self.history = []
        self.refusal = ''  # what the last machine that did not answer did instead
        self.serial_number = 0

    # --- running commands ---

    def command(self, *words, kill=None):
        """Runs a command. kill: None, ('after', seconds), or ('call', n). Returns whether it
        succeeded, failed, or was killed."""
        self.serial_number += 1
        counter = self.counter = Counter(f'{self.b.folder}/counter{self.serial_number}')
        environment = dict(self.b.environment)
        if self.preload:
            environment.update(LD_PRELOAD=self.preload, KILL_COUNTER=counter.path)
        if kill and kill[0] == 'call':
            counter.set(kill[1])
        started = Running(counter) if words[0] == 'start' else None
        process = subprocess.Popen(
            [self.b.anachron, *words], cwd=self.b.folder, env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            pass_fds=[started.write_end] if started else [])
        if started:
            started.begun()
        if kill and kill[0] == 'after':
            time.sleep(kill[1])
            process.kill()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Failure(f'{words} does not end') from None
        # A machine that goes on has the pipe of a killed command, too: read what there is.
        os.set_blocking(process.stderr.fileno(), False)
        self.said = (process.stderr.read() or b'').decode()
        process.stderr.close()
        if started:
            counter.set(0) if process.returncode == 0 else None
            self.settle_start(words, started)
        return {0: 'succeeded', -signal.SIGKILL: 'killed'}.get(process.returncode, 'failed')

    def settle_start(self, words, started):
        """Until the new machine answers or has ended."""
        name = words[1]
        limit = time.time() + PATIENCE
        while not started.has_ended():
            if self.answers(name):
                old = self.running.pop(name, None)
                if old and not old.has_ended():
                    # A second start, which was refused: its processes end.
                    self.running[name] = old
                    check(started.has_ended(PATIENCE), f'{words} does not end')
                    break
                started.counter.set(0)
                self.running[name] = started
                return
            check(time.time() < limit, f'{words}: it neither answers nor ends')
            time.sleep(0.001)
        started.close()

    def processes(self):
        """Those that know this store."""
        mark, found = f'ANACHRON_MACHINES={self.b.store}\0'.encode(), set()
        for pid in filter(str.isdigit, os.listdir('/proc')):
            with contextlib.suppress(OSError):
                with open(f'/proc/{pid}/environ', 'rb') as environment:
                    if mark in environment.read() + b'\0' and not gone(int(pid)):
                        found.add(int(pid))
        return found

    def settle_fork(self, name, new):
        """Until the machine that was asked has answered, and what has become of it has its own name
        or has ended: no process is neither."""
        self.settle(name)
        limit = time.time() + PATIENCE
        while True:
            pids = {}
            for machine in os.listdir(self.b.store):
                with contextlib.suppress(OSError, TypeError, ValueError):
                    pids[machine] = self.b.pid(machine)
            others = self.processes() - {pid for machine, pid in pids.items() if machine in NAMES}
            if not others:
                break
            check(time.time() < limit, f'fork {name} {new}: {others} neither end nor get a name')
            time.sleep(0.001)
        if name in self.store and new in pids and new not in self.running and name in NAMES:
            self.running[new] = Forked(self.fork_counter, pids[new])
            self.settle(new)

    def answers(self, name):
        try:
            return bool(self.b.ask(name, 'status'))
        except (OSError, ValueError, Failure) as problem:
            self.refusal = repr(problem)
            return False

    def settle(self, name):
        """Requests are carried out in order: after this one, those before have been, or the machine
        has ended."""
        running = self.running.get(name)
        limit = time.time() + PATIENCE
        while running and not running.has_ended() and not self.answers(name):
            check(time.time() < limit,
                  f'{name} neither answers nor ends; {self.refusal}\n{running.describe()}')
            time.sleep(0.001)
        if running and running.has_ended():
            self.running.pop(name).close()

    # --- looking ---

    def differences(self, store):
        """What is not as in this store; an empty list: it is the one."""
        found = []
        listed = {name: machine.listed() for name, machine in store.items()}
        if self.listed != listed:
            return [f'ls says {self.listed}, not {listed}']
        for name, machine in store.items():
            files = self.b.files(name)
            if files['disk.img'] != machine.disk.disk():
                found.append(f'{name}: disk.img has {files["disk.img"][:4].hex()}..., not '
                             f'{machine.disk}')
            if files['config.ini'] != self.configs.setdefault(name, files['config.ini']):
                found.append(f'{name}: config.ini has changed')
            if (files['state'] is None) != (machine.state is None):
                found.append(f'{name}: a state should be {machine.state}')
            # The same guest may have been saved twice, at another time.
            known = self.states.get((name, machine.state)) if name != self.saving_name else None
            if known and files['state'] != known:
                found.append(f'{name}: state has changed')
        return found

    def list(self):
        """What ls says. A killed process lets go of its files one by one: its machine may be listed as
        running for a moment after it has closed the pipe."""
        limit = time.time() + PATIENCE
        while True:
            listed = self.b.ls()
            for name in [name for name, running in self.running.items() if running.has_ended()]:
                self.running.pop(name).close()
            dying = {name for name, state in listed.items() if state == 'running'} - set(self.running)
            if not dying or time.time() > limit:
                return listed
            time.sleep(0.001)

    def look(self, stores):
        """The one of the stores that is there becomes the present one."""
        self.listed = self.list()
        problems = [self.differences(store) for store in stores]
        fitting = [store for store, problem in zip(stores, problems) if not problem]
        if not fitting:
            raise Failure('; or: '.join(', '.join(problem) for problem in problems))
        self.store = fitting[0]
        for name, machine in self.store.items():
            if machine.running:
                self.b.await_counters(name, machine.running.counters())
            self.look_at_folder(name, machine)
        rubbish = [name for name in os.listdir(self.b.store) if name not in self.store]
        check(not rubbish, f'left over: {rubbish}')
        self.states = {(name, machine.state): self.b.read(name, 'state')
                       for name, machine in self.store.items() if machine.state}
        self.configs = {name: self.configs[name] for name in self.store}

    def look_at_folder(self, name, machine):
        expected = {'config.ini', 'disk.img', 'log'}
        expected |= {'state'} if machine.state else set()
        expected |= {'running'} if machine.running else set()
        there = set(os.listdir(self.b.path(name)))
        check(there == expected, f'{name} has {sorted(there)}, not {sorted(expected)}')

    # --- what can be done ---

    def a_kill(self, command):
        if self.random.random() < 0.5:
            return None
        if self.preload and self.random.random() < 0.75:
            return ('call', self.random.randrange(1, self.calls[command] + 2))
        return ('after', self.random.uniform(0, 0.02))

    def do(self, operation, words, name):
        """A command that the model has, too, perhaps killed."""
        after = getattr(self.store, operation)(*[word for word in words[1:] if word in NAMES])
        kill = self.a_kill(words[0])
        self.history.append(f'{" ".join(words)} {kill or ""}')
        before = self.store
        source = self.running.get(words[1]) if operation == 'fork' else None
        self.fork_counter = source and source.counter
        result = self.command(*words, kill=kill)
        if operation == 'fork':
            self.settle_fork(words[1], name)
        else:
            self.settle(name)
        check(result != 'failed' or after is None or kill,
              f'{words} failed: {self.said}')
        check(result != 'succeeded' or after is not None, f'{words} was not refused')
        # The machine that was started may be hit after its command has succeeded.
        is_sure = result == 'succeeded' and not (kill and operation == 'start')
        self.look([before] if after is None else [after] if is_sure else [after, before])

    def new(self, name):
        engine = ['--engine', self.b.engine] if self.b.engine else []
        self.do('new', ['new', name, '--disk-size', '1M', '--memory', '1M', '--bios', self.b.guest,
                        '--clock', 'paced', '--display', 'none', '--serial', 'none', *engine], name)

    def start(self, name):
        self.do('start', ['start', name, '--detach'], name)

    def stop_discard(self, name):
        self.do('stop_discard', ['stop', name, '--discard'], name)

    def rm(self, name):
        self.do('rm', ['rm', name], name)

    def clone(self, name):
        self.do('clone', ['clone', name, self.random.choice(NAMES)], name)

    def fork(self, name):
        new = self.random.choice(NAMES)
        if not self.preload or self.store.fork(name, new) is None or self.random.random() < 0.5:
            self.do('fork', ['fork', name, new], new)
            return
        # A kill of the machine while it becomes two, or of what it becomes.
        before, after = self.store, self.store.fork(name, new)
        self.fork_counter = counter = self.running[name].counter
        calls = self.random.randrange(1, self.calls['a fork'] + 2)
        self.history.append(f'fork {name} {new}, killed at call {calls}')
        counter.set(calls)
        result = self.command('fork', name, new)
        self.settle_fork(name, new)
        counter.set(0)
        if result == 'succeeded' and new in self.running and name in self.running:
            self.look([after])
            return
        self.look([before, before.kill(name), after, after.kill(name), after.kill(new)])

    def log(self, name):
        self.history.append(f'log {name}')
        result = self.command('log', name)
        check((result == 'succeeded') == (name in self.store), f'log {name} {result}')

    def saving(self, operation, words, name):
        """The same with a kill of the machine while it saves."""
        if not self.store.is_running(name) or self.random.random() < 0.4:
            self.do(operation, words, name)
            return
        before, after = self.store, getattr(self.store, operation)(name)
        counter = self.running[name].counter
        pid = self.b.pid(name)
        if self.preload and self.random.random() < 0.75:
            calls = self.random.randrange(1, self.calls['a save'] + 2)
            self.history.append(f'{" ".join(words)}, the machine killed at call {calls}')
            counter.set(calls, pid)
            self.command(*words)
        else:
            delay = self.random.uniform(0, 0.02)
            self.history.append(f'{" ".join(words)}, the machine killed after {delay:.4f} s')
            process = self.b.popen(*words)
            time.sleep(delay)
            if not gone(pid):
                os.kill(pid, signal.SIGKILL)
            process.communicate(timeout=PATIENCE)
        counter.set(0)
        self.settle(name)
        if self.running.get(name):
            check(operation == 'save', f'{name} still runs')
            self.look([after])
        else:
            self.look([after.kill(name), before.kill(name)])

    def save(self, name):
        self.saving('save', ['save', name], name)

    def stop_save(self, name):
        self.saving('stop_save', ['stop', name, '--save'], name)

    def tell(self, name, text, after):
        self.history.append(f'tell {name} {text}')
        self.b.tell(name, text)
        self.look([after])

    def guest(self, name):
        for _ in range(self.random.randrange(1, 4)):
            if self.random.random() < 0.5:
                self.tell(name, 'w', self.store.write(name))
            else:
                self.tell(name, 't', self.store.tick(name))

    def power_off(self, name):
        self.history.append(f'power off {name}')
        self.b.tell(name, 'p')
        check(self.running[name].has_ended(PATIENCE), f'{name} does not end')
        self.look([self.store.power_off(name)])

    def kill(self, name):
        self.history.append(f'kill {name}')
        os.kill(self.b.pid(name), signal.SIGKILL)
        check(self.running[name].has_ended(PATIENCE), f'{name} does not end')
        self.look([self.store.kill(name)])

    def step(self):
        """Mostly what makes sense, and now and then what is refused."""
        name = self.random.choice(NAMES)
        if self.random.random() < 0.12:
            choices = {self.new: 1, self.start: 1, self.stop_discard: 1, self.rm: 1, self.clone: 1,
                       self.log: 1, self.save: 1, self.stop_save: 1, self.fork: 1}
        elif name not in self.store:
            choices = {self.new: 1}
        elif self.store.is_running(name):
            choices = {self.guest: 6, self.save: 4, self.stop_save: 4, self.stop_discard: 2,
                       self.kill: 1, self.power_off: 1, self.clone: 1, self.fork: 2}
        else:
            choices = {self.start: 8, self.clone: 2, self.rm: 1, self.log: 1}
        operation, = self.random.choices(list(choices), list(choices.values()))
        self.saving_name = name if operation in (self.save, self.stop_save) else None
        operation(name)

    def run(self):
        for _ in range(STEPS):
            self.step()

    def clean_up(self):
        for name, running in list(self.running.items()):
            try:
                os.kill(self.b.pid(name), signal.SIGKILL)
            except (OSError, TypeError, ValueError):
                pass
            running.close()


@contextlib.contextmanager
def new_sequence(arguments, seed, calls):
    parent = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix='calculus-', dir=parent,
                                     ignore_cleanup_errors=True) as folder:
        bench = Bench(arguments.anachron, folder, arguments.guest, arguments.engine)
        os.mkdir(bench.store)
        sequence = Sequence(bench, seed, arguments.preload and os.path.abspath(arguments.preload),
                            calls)
        try:
            yield sequence
        finally:
            sequence.clean_up()


def measure_calls(arguments):
    """How many of the calls that kill_at.c counts each command makes, and a machine that saves."""
    calls = dict.fromkeys(['new', 'start', 'save', 'stop', 'clone', 'fork', 'rm'], 1)
    if not arguments.preload:
        return calls
    with new_sequence(arguments, 0, calls) as sequence:
        sequence.a_kill, sequence.saving_name = lambda command: ('call', MANY), 'a'

        def measure(operation, name):
            operation(name)
            return MANY - sequence.counter.get()

        calls['new'] = measure(sequence.new, 'a')
        sequence.start('a')
        counter = sequence.running['a'].counter
        sequence.tell('a', 'w', sequence.store.write('a'))
        counter.set(MANY)
        calls['save'] = measure(lambda name: sequence.do('save', ['save', name], name), 'a')
        calls['a save'] = MANY - counter.get()
        counter.set(0)
        calls['stop'] = measure(lambda name: sequence.do('stop_save', ['stop', name, '--save'], name),
                                'a')
        calls['clone'] = measure(lambda name: sequence.do('clone', ['clone', name, 'b'], name), 'a')
        calls['rm'] = measure(sequence.rm, 'b')
        sequence.start('a')
        counter = sequence.running['a'].counter
        counter.set(MANY)
        calls['fork'] = measure(lambda name: sequence.do('fork', ['fork', name, 'b'], 'b'), 'a')
        calls['a fork'] = MANY - counter.get()
        counter.set(0)
        # Of all its processes, some of which run on.
        calls['start'] = calls['new']
    return calls


def run_sequence(arguments, seed, calls):
    """None, or a text that says what is wrong."""
    with new_sequence(arguments, seed, calls) as sequence:
        bench = sequence.b
        try:
            sequence.run()
        except (AssertionError, OSError, ValueError, TypeError, subprocess.SubprocessError) as problem:
            steps = '\n'.join(f'    {step}' for step in sequence.history)
            logs = ''
            for name in sorted(os.listdir(bench.store)):
                if os.path.exists(bench.path(name, 'log')):
                    with open(bench.path(name, 'log')) as log:
                        logs += ''.join(f'    {name}: {line}' for line in log)
            if arguments.keep:
                shutil.copytree(bench.folder, arguments.keep, symlinks=True, dirs_exist_ok=True,
                                ignore=shutil.ignore_patterns('control'))
            return (f'seed {seed}: {problem}\n{steps}\n{logs}'
                    f'{"".join(traceback.format_exc().splitlines(True)[-6:])}')
    return None


def work(job):
    return run_sequence(*job)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('anachron')
    parser.add_argument('guest')
    parser.add_argument('preload', nargs='?', help='kill_at.c as a shared object')
    parser.add_argument('--sequences', type=int, default=500)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--engine')
    parser.add_argument('--workers', type=int, default=min(4, os.cpu_count() or 1))
    parser.add_argument('--keep', help='a folder for what a failed sequence leaves')
    arguments = parser.parse_args()
    start = time.time()
    calls = measure_calls(arguments)
    print('calls to be killed at:', ', '.join(f'{key} {value}' for key, value in calls.items()))
    jobs = [(arguments, arguments.seed + i, calls) for i in range(arguments.sequences)]
    failures = 0
    with multiprocessing.Pool(arguments.workers) as pool:
        for problem in pool.imap_unordered(work, jobs):
            if problem:
                failures += 1
                print(f'FAIL {problem}', flush=True)
            if failures >= 5:
                pool.terminate()
                break
    print(f'{arguments.sequences} sequences of {STEPS} steps, {failures} failures, '
          f'{time.time() - start:.0f} s')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
