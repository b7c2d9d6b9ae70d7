"""A small model of the calculus: what a store of machines is, and what each command makes of it. A
module.

A machine is a saved image (disk, and a state or none) and perhaps a running instance. The guest of
guest.asm is three numbers: boots and writes, which are on the disk, too, and ticks. All values are
immutable; a command gives a new store, and a killed one gives one of two.
"""
from dataclasses import dataclass, replace
from typing import Optional

DISK_SIZE = 1 << 20


@dataclass(frozen=True)
class Guest:
    boots: int = 0
    ticks: int = 0
    writes: int = 0

    def counters(self):
        return self.boots, self.ticks, self.writes

    def disk(self):
        """All bytes of the disk that this guest has left."""
        image = bytearray(DISK_SIZE)
        image[0:4] = self.boots.to_bytes(2, 'little') + self.writes.to_bytes(2, 'little')
        for number in range(max(1, self.writes - 15), self.writes + 1):
            sector = (16 + number % 16) * 512
            image[sector:sector + 512] = number.to_bytes(2, 'little') * 256
        return bytes(image)


@dataclass(frozen=True)
class Machine:
    disk: Guest = Guest()            # who wrote last
    state: Optional[Guest] = None    # None: powered off
    running: Optional[Guest] = None  # None: inactive

    def listed(self):
        return 'running' if self.running else 'saved' if self.state else 'off'


class Store(dict):
    """Names to machines. Each command returns the store after it, or None: it is refused."""

    def but(self, name, machine):
        store = Store(self)
        store[name] = machine
        return store

    def without(self, name):
        store = Store(self)
        del store[name]
        return store

    def new(self, name):
        return None if name in self else self.but(name, Machine())

    def clone(self, name, new):
        if name not in self or new in self:
            return None
        return self.but(new, replace(self[name], running=None))

    def fork(self, name, new):
        if not self.is_running(name) or new in self:
            return None
        return self.but(new, self[name])

    def rm(self, name):
        return None if name not in self or self.is_running(name) else self.without(name)

    def start(self, name):
        if name not in self or self.is_running(name):
            return None
        machine = self[name]
        booted = Guest(machine.disk.boots + 1, 0, machine.disk.writes)
        return self.but(name, replace(machine, running=machine.state or booted))

    def save(self, name):
        if not self.is_running(name):
            return None
        guest = self[name].running
        return self.but(name, Machine(guest, guest, guest))

    def stop_save(self, name):
        saved = self.save(name)
        return saved and saved.kill(name)

    def stop_discard(self, name):
        return self.kill(name) if self.is_running(name) else None

    # What happens without a command.

    def kill(self, name):
        return self.but(name, replace(self[name], running=None))

    def power_off(self, name):
        return self.but(name, Machine(self[name].running))

    def tick(self, name):
        guest = self[name].running
        return self.but(name, replace(self[name], running=replace(guest, ticks=guest.ticks + 1)))

    def write(self, name):
        guest = self[name].running
        return self.but(name, replace(self[name], running=replace(guest, writes=guest.writes + 1)))

    def is_running(self, name):
        return name in self and self[name].running is not None
