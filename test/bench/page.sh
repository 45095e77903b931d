#!/usr/bin/env bash
# Measures the page against a store shaped like 100 million flows of 5,000 hosts
# in 30 days with 500,000 detections (page.sql says what is made up): CPU time of
# each panel's query and of a poll of status, and the first full draw of every page.
#
#   page.sh        KEEP=1 leaves the cluster for another run; PRIORITY=1 (as root) lets
#                  server, API and browser go before all else that the machine does,
#                  so that what others do there hardly counts in the draws
set -euo pipefail
. "$(dirname "$0")/../stack/lib.sh"
stack=$ROOT/test/stack
port=${WEB_PORT:-8796}

stop() {
	"$stack/web.sh" stop benchpage
	[ -n "${KEEP:-}" ] || "$stack/cluster.sh" drop benchpage
}
trap stop EXIT

"$stack/npm.sh" playwright-core
"$stack/cluster.sh" start benchpage shared_buffers=1GB maintenance_work_mem=256MB max_wal_size=8GB
eval "$("$stack/cluster.sh" env benchpage)"
if ! psql -XAtqc "SELECT FROM netflow.tally" >/dev/null 2>&1; then
	psql -Xq -v ON_ERROR_STOP=1 -f "$ROOT/test/bench/page.sql"
fi
"$stack/web.sh" start benchpage "$port"
prefer=()
if [ -n "${PRIORITY:-}" ]; then
	prefer=(chrt --rr 1)
	for file in "$PGDATA_DIR/postmaster.pid" "$BASE/cluster/benchpage/web/"{nginx,postgrest}.pid; do
		pid=$(head -1 "$file")
		for pid in $pid $(pgrep -P "$pid"); do
			chrt --rr --all-tasks --pid 1 "$pid" 2>/dev/null || true	# a worker may be gone
		done
	done
fi
WEB_URL=http://127.0.0.1:$port "${prefer[@]}" node "$ROOT/test/bench/page.mjs"
