"""Trains and scores a detector of the core on numpy or pandas columns.

    result = fit("random_forest", train, test, target=classes, trees=50)

train and test are frames of the same columns; object columns are categories.
target, partition and order are arrays over the training rows, or pairs of
arrays over training and test rows where scoring needs them too.  Targets are
whole numbers, 0 for normal.  Options are the detector's; lists become 64,32.
The work is done by build/bench_fit (fit.c), which `build` brings up to date.
"""
import os
import subprocess
import tempfile
from dataclasses import dataclass

import numpy as np
import pandas as pd

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


@dataclass
class Result:
    score: np.ndarray           # of each test row
    probability: np.ndarray     # [rows, len(classes)], or None
    classes: np.ndarray         # the target behind each column of probability
    number: dict                # CPU seconds, sizes and what the detector reports
    warnings: list

    def predicted(self):
        """The most likely class of each test row."""
        return self.classes[self.probability.argmax(axis=1)]


def build():
    subprocess.run(["make", "-s", "-C", os.path.join(ROOT, "test", "bench")], check=True)


def codes(train, test):
    """Both as one array of numbers, and the letter of each column (fit.c).

    The codes of a category are its texts in order, as scikit-learn's
    OrdinalEncoder has them; one that only the test part has is missing there
    and unseen here."""
    both = pd.concat([train, test])
    kinds = ["c" if both[c].dtype == object else "n" for c in both]
    columns = [pd.factorize(both[c], sort=True)[0] if kind == "c" else both[c].to_numpy()
               for c, kind in zip(both, kinds)]
    columns = [np.where(column < 0, np.nan, column) if kind == "c" else column
               for column, kind in zip(columns, kinds)]
    return np.column_stack(columns).astype(np.float64), kinds


def write(path, train, test, **roles):
    values, kinds = codes(train, test)
    columns = [values]
    for letter, role in roles.items():
        if role is None:
            continue
        rows = role if isinstance(role, tuple) else (role, np.full(len(test), np.nan))
        columns.append(np.concatenate(rows).astype(np.float64)[:, None])
        kinds.append(letter)
    with open(path, "wb") as f:
        np.array([len(train), len(test), len(kinds)], np.uint64).tofile(f)
        f.write("".join(kinds).encode())
        np.column_stack(columns).tofile(f)


def text(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return str(value)


def read_number(words):
    values = [float(word) for word in words]
    return values[0] if len(values) == 1 else values


def fit(detector, train, test, target=None, partition=None, order=None, repeat=1, **options):
    with tempfile.TemporaryDirectory(dir=os.path.join(ROOT, "build")) as folder:
        data, out = os.path.join(folder, "data"), os.path.join(folder, "out")
        write(data, train, test, t=target, p=partition, o=order)
        run = subprocess.run(
            [os.path.join(ROOT, "build", "bench_fit"), "-r", str(repeat), data, out, detector,
             *(f"{name}={text(value)}" for name, value in options.items())],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if run.returncode != 0:
            raise RuntimeError(f"{detector}: {run.stderr}")
        number = {name: read_number(words) for name, *words in map(str.split, run.stdout.splitlines())}
        classes = np.atleast_1d(number.pop("classes", [])).astype(int)
        values = np.fromfile(out)
    score, rest = values[:len(test)], values[len(test):]
    return Result(score, rest.reshape(len(test), -1) if len(classes) else None, classes, number,
                  run.stderr.splitlines())
