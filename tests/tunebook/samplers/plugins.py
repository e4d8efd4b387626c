"""Plugins as people write them, good and bad; each is run in a process of its own, none is imported by the tests."""

import os
import random
import sys
import time


class Plugin:
    """A good one: random numbers that depend on seed and place, for a space of one uniform parameter x."""

    def __init__(self, space, objective, seed, low=0.0):
        self.seed, self.low, self.space, self.objective = seed, low, space, objective
        self.told = []

    def tell(self, trial):
        self.told.append(trial)

    def ask(self, count, trials):
        print("a line that is no answer")
        first = len(trials)
        return [
            {"x": self.low + (1 - self.low) * random.Random(f"{self.seed}/{first + place}").random()}
            for place in range(count)
        ]


class Teller(Plugin):
    """Answers with what it was told: how many trials have ended, and how many there are."""

    def ask(self, count, trials):
        ended = [trial for trial in trials if trial["ended"]]
        return [{"x": (len(self.told) * 100 + len(ended) * 10 + len(trials)) / 1000}]


class Ending(Plugin):
    """Three parameter sets, then no more."""

    def ask(self, count, trials):
        self.done = len(trials) >= 3
        return [] if self.done else [{"x": len(trials) / 10}]

    def exhausted(self):
        return self.done


class Learning(Plugin):
    """Goes to the better side of the best."""

    def ask(self, count, trials):
        done = [trial for trial in trials if trial["value"] is not None]
        if not done:
            return super().ask(count, trials)
        best = min(done, key=lambda trial: trial["value"])["params"]["x"]
        return [{"x": best * random.uniform(0.5, 1.0)}]


class Raising(Plugin):
    def ask(self, count, trials):
        print("about to divide")
        return [{"x": 1 / 0}]


class Crashing(Plugin):
    def ask(self, count, trials):
        print("goodbye", file=sys.stderr)
        os._exit(7)


class Killed(Plugin):
    def ask(self, count, trials):
        os.kill(os.getpid(), 9)


class Leaving(Plugin):
    def __init__(self, *given, **arguments):
        sys.exit("no license")


class Hanging(Plugin):
    def ask(self, count, trials):
        print("thinking hard")
        time.sleep(3600)


class SlowToStart(Plugin):
    def __init__(self, *given, **arguments):
        super().__init__(*given, **arguments)
        time.sleep(1.2)


class Slow(Plugin):
    def ask(self, count, trials):
        time.sleep(0.15)
        return super().ask(count, trials)


class Flooding(Plugin):
    def ask(self, count, trials):
        while True:
            print("water " * 1000)


class Hungry(Plugin):
    def ask(self, count, trials):
        kept = bytearray(10 << 30)
        return [{"x": len(kept)}]


class Outside(Plugin):
    def ask(self, count, trials):
        return [{"x": 5.0}]


class Listless(Plugin):
    def ask(self, count, trials):
        return 5


class Wordy(Plugin):
    def ask(self, count, trials):
        return ["x"]


class Deep(Plugin):
    """Answers with lists in lists, as deep as its own process can write them."""

    def ask(self, count, trials):
        nested = []
        for _ in range(960):
            nested = [nested]
        return nested


class OddlyNamed(Plugin):
    """Complains of a file whose name is not UTF-8, as Python does, and prints a NUL."""

    def ask(self, count, trials):
        print("looking for \0")
        raise FileNotFoundError(2, "No such file", "\udcff.txt")


class NotANumber(Plugin):
    def ask(self, count, trials):
        return [{"x": float("nan")}]


class Talking(Plugin):
    """Writes to where answers go, as far as it can reach."""

    def ask(self, count, trials):
        os.write(1, b'{"params": [{"x": 0.9}]}\n')
        return [{"x": 0.5}]


class Reading(Plugin):
    """Looks at what it must not get."""

    def ask(self, count, trials):
        if input is not None and sys.stdin.read() == "" and "TUNEBOOK_SECRET" not in os.environ:
            return [{"x": 0.25}]
        return [{"x": 0.75}]


class FailingTwice(Plugin):
    """Fails until the file named has two lines."""

    def __init__(self, space, objective, seed, path):
        super().__init__(space, objective, seed)
        with open(path, "a") as file:
            file.write("started\n")
        with open(path) as file:
            self.starts = len(file.readlines())

    def ask(self, count, trials):
        if self.starts <= 2:
            raise RuntimeError("not yet")
        return super().ask(count, trials)
