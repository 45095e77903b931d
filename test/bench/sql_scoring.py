"""Scoring and training through SQL, side by side with scikit-learn.

The same million rows of ten features for both; CPU seconds of the one process
that does the work (the backend; this process for scikit-learn), all in the same
run, so that the ratios mean something on a busy machine.  scikit-learn is faster
on less at a time: its rate for a tenth of the rows is printed too.  Needs the
PG* environment of a private cluster (test/bench/run.sh sets it).

Targets: by name at least 15 times scikit-learn's rows per CPU second, the block
path at least 30 times; training at most twice the CPU of summing each column.
"""
import os
import subprocess
import sys
import time

import numpy as np
from sklearn.ensemble import IsolationForest

ROWS = 1_000_000
FEATURES = 10
TICKS = os.sysconf("SC_CLK_TCK")


class Session:
    """One psql process, one backend, whose CPU time can be read."""

    def __init__(self):
        self.psql = subprocess.Popen(
            ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = int(self.run("SELECT pg_backend_pid()")[0])

    def run(self, sql):
        self.psql.stdin.write(sql + ";\n\\echo done\n")
        self.psql.stdin.flush()
        lines = []
        for line in self.psql.stdout:
            if line == "done\n":
                return lines
            lines.append(line.rstrip("\n"))
        sys.exit(f"psql ended during: {sql}")

    def cpu(self):
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def cost(self, sql, repeat=3):
        """The least CPU seconds of several runs."""
        best = float("inf")
        for _ in range(repeat):
            before = self.cpu()
            self.run(sql)
            best = min(best, self.cpu() - before)
        return best


def peer_rates(rows):
    """scikit-learn's rows per CPU second: all rows in one call, and a tenth."""
    forest = IsolationForest(n_estimators=100, max_samples=256, random_state=0, n_jobs=1)
    forest.fit(rows)
    rates = []
    for part in (rows, rows[:len(rows) // 10]):
        begin = time.process_time()
        forest.score_samples(part)
        rates.append(len(part) / (time.process_time() - begin))
    return rates


def load(session):
    columns = [f"f{i}" for i in range(FEATURES)]
    normal = "sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())"
    session.run("SET jit = off; SET max_parallel_workers_per_gather = 0;"
                "SET synchronous_commit = off; SELECT setseed(0.5)")
    session.run("CREATE TABLE bench AS SELECT "
                + ", ".join(f"{normal} AS {c}" for c in columns)
                + f" FROM generate_series(1, {ROWS})")
    session.run("VACUUM ANALYZE bench")
    return columns


def main():
    session = Session()
    session.run("CREATE EXTENSION pg_anomaly")
    columns = load(session)

    summing = session.cost("SELECT " + ", ".join(f"sum({c})" for c in columns) + " FROM bench")
    training = session.cost("SELECT version FROM anomaly_train('bench', 'SELECT * FROM bench')")
    by_name = session.cost("SELECT sum(anomaly_score('bench', b)) FROM bench b")
    block = session.cost("SELECT count(*) FROM anomaly_detect_query('bench',"
                         " 'SELECT * FROM bench', NULL::bench, 90)")
    rows = np.array([line.split("|") for line in session.run("SELECT * FROM bench")], dtype=float)
    peer, peer_tenth = peer_rates(rows)

    checks = [
        ("by name, one row a call", ROWS / by_name / peer, 15, "at least"),
        ("block path", ROWS / block / peer, 30, "at least"),
        ("training / summing columns", training / summing, 2, "at most"),
    ]
    print(f"scikit-learn {peer:>12,.0f} rows/CPU s   a tenth at a time {peer_tenth:,.0f}")
    print(f"by name      {ROWS / by_name:>12,.0f} rows/CPU s")
    print(f"block path   {ROWS / block:>12,.0f} rows/CPU s")
    print(f"training     {training:>12.2f} CPU s   summing {summing:.2f} CPU s")
    missed = 0
    for name, ratio, target, sense in checks:
        good = ratio >= target if sense == "at least" else ratio <= target
        missed += not good
        print(f"{'ok    ' if good else 'MISSED'} {name}: {ratio:.2f} ({sense} {target})")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
