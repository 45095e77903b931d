#!/usr/bin/env bash
# Packets into flows: CPU seconds of pcap2pg and of two other flow meters over
# the same generated capture, then the way into the database.
#
#   loader.sh [SCALE]     SCALE times the ordinary traffic of pcapgen (2)
#
# Everything is CPU time, the clock of a shared machine says little: metering
# best of three runs each, taken in turns; loading the server's and the client's
# together, into the private cluster of the environment (cluster.sh env).
set -euo pipefail
. "$(dirname "$0")/../stack/lib.sh"
scale=${1:-2}
dir=$BUILD/bench
capture=$dir/loader-$scale.pcap
mkdir -p "$dir"
"$BUILD/pcapgen" --hosts=150 --scale="$scale" -o "$capture" 2>/dev/null
trap 'rm -rf "$dir/nfpcapd" "$capture"' EXIT

cpu() {	# user and system seconds of a command
	local TIMEFORMAT='%U %S'
	{ time "$@" >/dev/null 2>"$dir/loader.err"; } 2>&1 | awk '{print $1 + $2}'
}

pcap2pg() { "$BUILD/pcap2pg" --dry-run "$capture"; }
softflowd() { command softflowd -r "$capture" -m 1000000 -v 9 -n 127.0.0.1:9 -p "$dir/softflowd.pid" -c none; }
nfpcapd() { mkdir -p "$dir/nfpcapd" && command nfpcapd -r "$capture" -w "$dir/nfpcapd"; }

meters=(pcap2pg)
for peer in softflowd nfpcapd; do
	type -P $peer >/dev/null && meters+=($peer) || echo "$peer is not installed: left out"
done
summary=$("$BUILD/pcap2pg" --dry-run "$capture" 2>&1)
packets=$(sed 's/.*: \([0-9]*\) packets.*/\1/' <<<"$summary")
flows=$(sed 's/.* \([0-9]*\) flows,.*/\1/' <<<"$summary")
echo "capture: $packets packets, $flows flows, $(stat -c %s "$capture") bytes"

declare -A best
for round in 1 2 3; do
	for meter in "${meters[@]}"; do
		seconds=$(cpu $meter)
		best[$meter]=$(printf '%s\n' ${best[$meter]:-} "$seconds" | sort -g | head -1)
	done
done
for meter in "${meters[@]}"; do
	awk -v name=$meter -v s="${best[$meter]}" -v ours="${best[pcap2pg]}" -v n="$packets" 'BEGIN {
		printf "%-10s %6.2f CPU s  %5.2f M packets per CPU s  pcap2pg is %.1f times as fast\n", name, s, n / s / 1e6, s / ours }'
done

server_cpu() {	# of all sessions that have ended, in hundredths of a second
	awk '{print $16 + $17}' "/proc/$(head -1 "$PGDATA_DIR/postmaster.pid")/stat"
}

load() {	# name, what to do to the new store first
	local before after
	psql -Xq -d postgres -c 'DROP DATABASE IF EXISTS bench_loader' -c 'CREATE DATABASE bench_loader' 2>/dev/null
	psql -Xq -c 'CREATE EXTENSION pg_anomaly' -c 'SELECT anomaly_create_flow_store()' -c "$2" -c CHECKPOINT >/dev/null
	before=$(server_cpu)
	local TIMEFORMAT='%U %S'
	client=$({ time "$BUILD/pcap2pg" -q "$capture" 2>"$dir/loader.err"; } 2>&1)
	sleep 1			# for the server to notice that its session is over
	after=$(server_cpu)
	awk -v name="$1" -v c="$client" -v s=$((after - before)) -v n="$flows" 'BEGIN {
		split(c, part); client = part[1] + part[2]; server = s / 100
		printf "%-34s %6.2f CPU s server, %5.2f client, %7.0f flows per CPU s\n", name, server, client, n / (server + client) }'
}

# Private servers only: their sessions' CPU time is read from /proc.
if [ -z "${PGDATA_DIR:-}" ]; then
	echo 'no private database: loading is left out'
	exit
fi
export PGDATABASE=bench_loader
load 'COPY alone' 'ALTER TABLE netflow.flow DISABLE TRIGGER ALL'
load 'with rollups' 'SELECT'
psql -Xq -d postgres -c 'DROP DATABASE bench_loader'
