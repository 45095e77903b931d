#!/usr/bin/python3
"""An epoch of each neural detector beside PyTorch's: CPU seconds, one thread, one run.

The same layers, mini-batches and optimiser on as many rows of noise; what is
in them does not change the work.  Ours is half the difference between three
passes over the rows and one, so that preprocessing and calibration are left
out.  dnn and autoencoder: 126,000 rows of 41 columns, 256 at a time.  lstm:
windows of 32 rows of two columns, 32 at a time.  An epoch that takes longer
than PyTorch's is a miss.

    neural.py [--only NAME]
"""
import argparse
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import sys
import time

import numpy as np
import pandas as pd
import torch
from fit import build, fit
from torch import nn

HOLDOUT, VALIDATION = 0.1, 0.01     # the least that ours keeps aside; autoencoder validates on none
STEPS = 32                          # rows in a window


def noise(rows, columns):
    values = np.random.default_rng(0).standard_normal((rows, columns))
    return pd.DataFrame(values, columns=[f"c{j}" for j in range(columns)])


def peer_epoch(net, x, y, loss, batch):
    """CPU seconds of one pass over the rows in random order."""
    adam = torch.optim.Adam(net.parameters(), 1e-3)
    begin = time.process_time()
    for rows in torch.randperm(len(x)).split(batch):
        adam.zero_grad()
        loss(net(x[rows]), y[rows]).backward()
        adam.step()
    return time.process_time() - begin


def our_epoch(detector, rows, **arguments):
    """The same of ours, on as many rows after what it keeps aside."""
    n = int(rows / (1 - HOLDOUT) / (1 - VALIDATION))
    frame = noise(n, arguments.pop("columns"))
    if "target" in arguments:
        arguments["target"] = arguments["target"](n)
    if detector == "lstm":
        arguments["order"] = np.arange(n), np.arange(10)
    took = [fit(detector, frame, frame[:10], max_rows=2_000_000, holdout=HOLDOUT,
                validation=VALIDATION, epochs=epochs, **arguments).number["fit"]
            for epochs in (1, 3)]
    return (took[1] - took[0]) / 2


def chain(widths, between):
    """Linear layers with what `between` gives behind all but the last."""
    parts = []
    for i in range(len(widths) - 1):
        parts.append(nn.Linear(widths[i], widths[i + 1]))
        if i < len(widths) - 2:
            parts += between(widths[i + 1])
    return nn.Sequential(*parts)


def autoencoder():
    x = torch.randn(126_000, 41)
    net = chain([41, 64, 32, 16, 32, 64, 41], lambda width: [nn.ReLU()])
    return (our_epoch("autoencoder", len(x), columns=41, layers=[64, 32, 16], networks=1),
            peer_epoch(net, x, x, nn.MSELoss(), 256))


def dnn():
    x, y = torch.randn(126_000, 41), torch.randint(5, (126_000,))
    net = chain([41, 256, 128, 64, 32, 5],
                lambda width: [nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.1)])
    return (our_epoch("dnn", len(x), columns=41, dropout=0.1, target=lambda n: np.arange(n) % 5),
            peer_epoch(net, x, y, nn.CrossEntropyLoss(), 256))


class Forecaster(nn.Module):
    """The next row from every row of a window, as lstm has it."""

    def __init__(self, columns, widths):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.LSTM(below, width, batch_first=True)
            for below, width in zip([columns, *widths], widths))
        self.head, self.direct = nn.Linear(widths[-1], columns), nn.Linear(columns, columns)

    def forward(self, x):
        h = x
        for layer in self.layers:
            h, _ = layer(h)
        return self.head(h) + self.direct(x)


def lstm(windows, widths):
    x = torch.randn(windows, STEPS, 2)
    return (our_epoch("lstm", windows * STEPS, columns=2, layers=widths, window=STEPS),
            peer_epoch(Forecaster(2, widths), x, x, nn.MSELoss(), 32))


CASES = {
    "autoencoder": autoencoder,
    "dnn": dnn,
    "lstm 32": lambda: lstm(20_000, [32]),
    "lstm 128, 64": lambda: lstm(4_000, [128, 64]),
}


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--only", default="")
    args = args.parse_args()
    build()
    torch.set_num_threads(1)
    missed = 0
    for name, measure in CASES.items():
        if args.only not in name:
            continue
        ours, peer = measure()
        missed += ours > peer
        print(f"{'ok    ' if ours <= peer else 'MISSED'} {name}: epoch {ours:.2f} s, "
              f"PyTorch {peer:.2f} s: {ours / peer:.2f} (at most 1)", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
