"""Dictionaries, classes, generators, strings, sorting, long integers, exceptions."""
import sys


class Node:
    __slots__ = ("left", "right", "key")

    def __init__(self, key):
        self.left = self.right = None
        self.key = key

    def insert(self, key):
        node = self
        while True:
            side = "left" if key < node.key else "right"
            child = getattr(node, side)
            if child is None:
                setattr(node, side, Node(key))
                return
            node = child

    def walk(self):
        if self.left:
            yield from self.left.walk()
        yield self.key
        if self.right:
            yield from self.right.walk()


def numbers(seed):
    while True:
        seed = (seed * 69069 + 1) & 0x7FFFFFFF
        yield seed >> 8


def one_round(random, total):
    root = Node(1 << 20)
    for _ in range(60):
        root.insert(next(random))
    for key in root.walk():
        total = (total * 31 + key) & 0xFFFFFFFF
    count = {}
    words = [f"w{next(random) % 97:02}" for _ in range(200)]
    for word in words:
        count[word] = count.get(word, 0) + 1
    for word, times in sorted(count.items(), key=lambda item: (-item[1], item[0])):
        total = (total ^ times * int(word[1:])) + len(word) & 0xFFFFFFFF
    text = " ".join(words).replace("w1", "<").upper().split("<")
    total += sum(len(part) * index for index, part in enumerate(text))
    matrix = [[(row * column) % 7 for column in range(12)] for row in range(12)]
    total += sum(sum(a * b for a, b in zip(row, column)) for row in matrix for column in zip(*matrix))
    power = pow(3, total % 500 + 100) // (1 << 70)
    try:
        count["missing"]
    except KeyError as error:
        total += len(error.args)
    return (total ^ power) & 0xFFFFFFFF


result, source = 0, numbers(1)
for _ in range(int(sys.argv[1])):
    result = one_round(source, result)
print(f"{result:08x}")
