#!/usr/bin/python3
"""Speed of each detector beside its peer: CPU seconds, same rows, one run, one thread.

Fitting: the detector's own part against the peer's fit on as many rows; the
whole of training (preprocessing, fitting, calibration) is printed beside it.
Scoring: raw rows to scores, or to probabilities of classes, against the peer
on rows that are prepared already.  Needs the labelled data under $TEST_DATA/data.

    detectors.py [--only NAME]
"""
import argparse
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import sys
import time
from dataclasses import dataclass, field
from typing import Callable

import numpy as np
import pandas as pd
from datasets import DATA, UNSUPERVISED
from fit import build, codes, fit
from sklearn.cluster import DBSCAN, KMeans
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors

HOLDOUT = 0.1                   # the least that training keeps aside; the peer goes without it


def labelled(name):
    """Training and test rows of a labelled data set, and 1 for each training row that is an attack."""
    def make():
        train, y, test, _ = UNSUPERVISED[name]()
        return train, test, y.astype(int)
    return make


def clouds(rows, cols):
    """Twenty normal clouds of unequal size and width, columns of deviation 1; so many rows
    that the given number is left when some are held out."""
    def make():
        rng = np.random.RandomState(0)
        centre, width = rng.randn(20, cols) * 3, rng.gamma(2, 0.3, 20)
        cloud = rng.choice(20, round(rows / (1 - HOLDOUT)) + 20000, p=rng.dirichlet(np.ones(20)))
        x = centre[cloud] + rng.randn(len(cloud), cols) * width[cloud, None]
        x = pd.DataFrame((x - x.mean(0)) / x.std(0), columns=[f"c{i}" for i in range(cols)])
        return x[:-20000], x[-20000:], np.zeros(len(x) - 20000, int)
    return make


@dataclass
class Case:
    """One line of the table.  peer(x, y) fits and returns what scores rows."""
    detector: str
    data: Callable
    peer: Callable
    fit_at_most: float          # times the peer's CPU seconds; None: not a target
    score_at_least: float       # times the peer's rows per CPU second
    options: dict = field(default_factory=dict)
    supervised: bool = False


def isolation_forest(x, y):
    return IsolationForest(n_estimators=100, max_samples=256, random_state=0).fit(x).score_samples


def random_forest(x, y):
    return RandomForestClassifier(n_estimators=100, random_state=0).fit(x, y).predict_proba


def kmeans(x, y):
    model = KMeans(8, n_init=1, max_iter=20, random_state=0).fit(x)
    return lambda rows: model.transform(rows).min(axis=1)


def dbscan(x, y):
    cores = DBSCAN(eps=EPS, min_samples=10).fit(x).components_
    nearest = NearestNeighbors(n_neighbors=1).fit(cores)
    return lambda rows: nearest.kneighbors(rows)[0][:, 0] / EPS


def lof(x, y):
    return LocalOutlierFactor(20, novelty=True).fit(x).score_samples


EPS = 0.3
CASES = [
    Case("kmeans", clouds(1_000_000, 10), kmeans, 1, None, {"k": 8}),
    Case("dbscan", clouds(100_000, 6), dbscan, 0.5, None, {"eps": EPS, "min_points": 10, "sample_size": 1_000_000}),
    Case("lof", clouds(20_000, 10), lof, 1, None),
    Case("isolation_forest", labelled("nslkdd"), isolation_forest, 1, 15),
    *(Case("random_forest", labelled(name), random_forest, 1, 5, supervised=True)
      for name in ("nslkdd", "unsw_nb15", "cicids2017", "kdd99")),
]


def seconds(call, *args):
    begin = time.process_time()
    value = call(*args)
    return time.process_time() - begin, value


def measure(case):
    train, test, target = case.data()
    ours = fit(case.detector, train, test, target=target if case.supervised else None, repeat=5,
               max_rows=1_200_000, holdout=HOLDOUT, **case.options).number
    both, _ = codes(train, test)
    both[both != both] = -1
    x, rest = both[:len(train)], both[len(train):]
    rows = int(len(x) * (1 - HOLDOUT))
    peer_fit, score = seconds(case.peer, x[:rows], target[:rows])
    peer_score = min(seconds(score, rest)[0] for _ in range(3))
    our_score = ours.get("classify", ours["score"])

    print(f"{case.detector}: fit {ours['fit']:.3f} s of {ours['train']:.3f} s training, "
          f"peer {peer_fit:.3f} s; scores {len(rest) / our_score:,.0f} rows/s, "
          f"peer {len(rest) / peer_score:,.0f}; model {ours['bytes']:,.0f} bytes")
    checks = [("fit", ours["fit"] / peer_fit, case.fit_at_most, "at most"),
              ("rows/s", peer_score / our_score, case.score_at_least, "at least")]
    missed = 0
    for name, ratio, target, sense in checks:
        if target is None:
            continue
        good = ratio <= target if sense == "at most" else ratio >= target
        missed += not good
        print(f"{'ok    ' if good else 'MISSED'} {case.detector} {name}: {ratio:.2f} ({sense} {target})",
              flush=True)
    return missed


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--only", default="")
    args = args.parse_args()
    if not os.path.isdir(DATA):
        print(f"skipped: no labelled data in {DATA} (set TEST_DATA)")
        return 0
    build()
    return 1 if sum(measure(case) for case in CASES if args.only in case.detector) else 0


if __name__ == "__main__":
    sys.exit(main())
