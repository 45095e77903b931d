#!/usr/bin/env bash
# Every benchmark, each a ratio against a peer in the same run.
set -uo pipefail
. "$(dirname "$0")/../stack/lib.sh"
stack=$ROOT/test/stack
status=0

"$stack/cluster.sh" drop bench
"$stack/cluster.sh" start bench shared_buffers=1GB maintenance_work_mem=256MB
trap '"$stack/cluster.sh" drop bench' EXIT
eval "$("$stack/cluster.sh" env bench)"

echo "== SQL scoring and training against scikit-learn"
"$PYTHON" "$ROOT/test/bench/sql_scoring.py" || status=1
echo "== detection quality against scikit-learn and PyTorch"
"$PYTHON" "$ROOT/test/bench/quality.py" || status=1
echo "== speed of the detectors against their peers"
"$PYTHON" "$ROOT/test/bench/detectors.py" || status=1
echo "== an epoch of the neural detectors against PyTorch"
"$PYTHON" "$ROOT/test/bench/neural.py" || status=1
echo "== how long a cancelled training goes on"
"$PYTHON" "$ROOT/test/bench/cancel.py" || status=1
echo "== flow metering against softflowd and nfpcapd"
"$ROOT/test/bench/loader.sh" || status=1
exit $status
