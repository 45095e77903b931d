"""How long a training goes on once it is told to stop, for every detector.

Each detector trains on the same rows with a statement_timeout at several
moments; printed is the longest time from there to the error, wall clock, so a
busy machine adds its own.  Needs the PG* environment of a private cluster
(test/bench/run.sh sets it).

Target: at most 100 ms.
"""
import re
import subprocess
import sys

TARGET = 100
MOMENTS = (60, 150, 300, 600, 1000, 1600, 2500, 4000, 7000)   # ms
ROWS = """
CREATE TABLE cancel_rows AS
SELECT 'g' || i % 20 AS g, timestamptz '2026-01-05' + i * interval '1 minute' AS t, i % 10 = 0 AS label,
    CASE i % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'b' ELSE 'c' END AS kind, {}
FROM generate_series(1, 300000) i
""".format(", ".join(f"sin(i * {k}.1) + (i % {7 * k}) / 10.0 AS c{k}" for k in range(1, 13)))


def psql(*commands):
    command = ["psql", "-XqAt", *(part for c in commands for part in ("-c", c))]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout


def training(detector, columns):
    """columns: which of the detector's options name a column, separated by commas."""
    names = {"order": "t", "partition": "g", "label": "label"}
    options = ", ".join(f"'{name}', '{names[name]}'" for name in columns.split(","))
    return (f"SELECT anomaly_train('cancelled', 'SELECT * FROM cancel_rows', '{detector}', "
            f"options => jsonb_build_object({options}))")


def overrun(statement, moment):
    """Milliseconds past the moment; None when the training was done before."""
    out = psql("SET client_min_messages = error", f"SET statement_timeout = {moment}", "\\timing on", statement)
    if "statement timeout" not in out:
        if "ERROR" in out:
            sys.exit(out)
        return None
    return float(re.search(r"Time: ([\d.]+) ms", out).group(1)) - moment


def main():
    psql("DROP TABLE IF EXISTS cancel_rows", ROWS, "CREATE EXTENSION IF NOT EXISTS pg_anomaly")
    detectors = psql("SELECT detector, string_agg(option, ',') "
                     "FROM anomaly_detectors() WHERE type = 'column' GROUP BY 1 ORDER BY 1").split()
    missed = 0
    for line in detectors:
        detector, columns = line.split("|")
        took = [overrun(training(detector, columns), moment) for moment in MOMENTS]
        took = [ms for ms in took if ms is not None]
        longest = max(took)
        missed += longest > TARGET
        print(f"{'ok    ' if longest <= TARGET else 'MISSED'} {detector}: {longest:.0f} ms at the longest "
              f"of {len(took)} (at most {TARGET})", flush=True)
    psql("DROP TABLE cancel_rows")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
