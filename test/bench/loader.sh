#!/usr/bin/env bash
# Packets into flows, and into the database: CPU seconds of pcap2pg and of its
# peers over the same generated captures.
#
#   loader.sh [SCALE]     SCALE times the ordinary traffic of pcapgen (2)
#
# Everything is CPU time, the clock of a shared machine says little.  Metering
# is the best of three runs each, taken in turns.  Loading is the server's and
# the client's time together, into the private cluster of the environment
# (cluster.sh env), best of two; pmacctd writes with COPY into the table that
# its documentation gives, pcap2pg into a store's partitions.  Memory is
# pcap2pg's, over captures of two and of eight days of the same traffic.
set -euo pipefail
. "$(dirname "$0")/../stack/lib.sh"
scale=${1:-2}
PYTHON=${PYTHON:-/usr/bin/python3}
dir=$BUILD/bench
mkdir -p "$dir"
trap 'rm -rf "$dir/nfpcapd" "$dir"/loader*.pcap "$dir/pmacctd.conf"' EXIT

generate() {	# name, options of pcapgen
	"$BUILD/pcapgen" --hosts=150 "${@:2}" -o "$dir/$1.pcap" 2>/dev/null
	local told
	told=$("$BUILD/pcap2pg" --dry-run "$dir/$1.pcap" 2>&1)
	packets=$(sed 's/.*: \([0-9]*\) packets.*/\1/' <<<"$told")
	flows=$(sed 's/.* \([0-9]*\) flows,.*/\1/' <<<"$told")
	echo "capture: $packets packets, $flows flows, $(stat -c %s "$dir/$1.pcap") bytes"
}

used() { "$PYTHON" "$ROOT/test/bench/usage.py" "$@"; }	# CPU seconds, MB
cpu() { used "$@" | cut -d' ' -f1; }

# ---- metering

pcap2pg() { cpu "$BUILD/pcap2pg" --dry-run "$capture"; }
softflowd() { cpu softflowd -r "$capture" -m 1000000 -v 9 -n 127.0.0.1:9 -p "$dir/softflowd.pid" -c none; }
nfpcapd() { mkdir -p "$dir/nfpcapd" && cpu nfpcapd -r "$capture" -w "$dir/nfpcapd"; }

generate loader --scale="$scale"
capture=$dir/loader.pcap
meters=(pcap2pg)
for peer in softflowd nfpcapd; do
	type -P $peer >/dev/null && meters+=($peer) || echo "$peer is not installed: left out"
done
declare -A best
for round in 1 2 3; do
	for meter in "${meters[@]}"; do
		seconds=$($meter)
		best[$meter]=$(printf '%s\n' ${best[$meter]:-} "$seconds" | sort -g | head -1)
	done
done
for meter in "${meters[@]}"; do
	awk -v name=$meter -v s="${best[$meter]}" -v ours="${best[pcap2pg]}" -v n="$packets" 'BEGIN {
		printf "%-10s %6.2f CPU s  %5.2f M packets per CPU s  pcap2pg is %.1f times as fast\n", name, s, n / s / 1e6, s / ours }'
done

# ---- memory

for days in 2 8; do
	generate loader-days --days=$days --scale=0.25
	memory=$(used "$BUILD/pcap2pg" --dry-run "$dir/loader-days.pcap" | cut -d' ' -f2)
	echo "pcap2pg: at most $memory MB, over $days days"
done

# ---- into the database

# Private servers only: their sessions' CPU time is read from /proc.
if [ -z "${PGDATA_DIR:-}" ]; then
	echo 'no private database: loading is left out'
	exit
fi
export PGDATABASE=bench_loader
generate loader --scale=1

server_cpu() {	# of all sessions that have ended, in hundredths of a second
	awk '{print $16 + $17}' "/proc/$(head -1 "$PGDATA_DIR/postmaster.pid")/stat"
}

# pmacctd leaves before its COPY is done.
wait_for_sessions() {
	until [ "$(psql -XAt -d postgres -c "SELECT count(*) FROM pg_stat_activity WHERE datname = '$PGDATABASE'")" = 0 ]; do
		sleep 0.2
	done
	sleep 1			# for the server to notice that they are over
}

new_database() {
	psql -Xq -d postgres -c 'DROP DATABASE IF EXISTS bench_loader' -c 'CREATE DATABASE bench_loader' 2>/dev/null
}

measure() {	# runs a command: client's and server's CPU seconds
	local before client
	psql -Xqc CHECKPOINT
	before=$(server_cpu)
	client=$(cpu "$@")
	wait_for_sessions
	awk -v c="$client" -v s=$(($(server_cpu) - before)) 'BEGIN { print c, s / 100 }'
}

better() {	# of two such lines the one with the smaller sum; any may be empty
	printf '%s\n' "$@" | awk 'NF { if (!n++ || $1 + $2 < least) { least = $1 + $2; line = $0 } } END { print line }'
}

load() {	# statement for the new store
	new_database
	psql -Xq -c 'CREATE EXTENSION pg_anomaly' -c 'SELECT anomaly_create_flow_store()' -c "$1" >/dev/null
	measure "$BUILD/pcap2pg" -q "$capture"
}

# Its queue holds the whole capture: reading from a file it drops what does not fit.
pmacct_load() {
	new_database
	sed '/^GRANT/d' /usr/share/pmacct/sql/pmacct-create-table_v7_v8.pgsql | psql -Xq 2>/dev/null
	cat >"$dir/pmacctd.conf" <<-CONF
		daemonize: false
		pcap_savefile: $capture
		plugins: pgsql
		plugin_pipe_size: $((packets * 600))
		plugin_buffer_size: $((packets / 2))
		aggregate: src_host, dst_host, src_port, dst_port, proto, tcpflags
		sql_host: $PGHOST
		sql_user: $PGUSER
		sql_passwd: none
		sql_db: $PGDATABASE
		sql_table: acct_v7
		sql_table_version: 7
		sql_history: 1m
		sql_history_roundoff: m
		sql_refresh_time: 3600
		sql_dont_try_update: true
		sql_use_copy: true
		sql_cache_entries: 1000003
	CONF
	measure pmacctd -f "$dir/pmacctd.conf"
}

declare -A took
for round in 1 2; do
	now=$(load 'ALTER TABLE netflow.flow DISABLE TRIGGER ALL')
	took[copy]=$(better "${took[copy]:-}" "$now")
	now=$(load 'SELECT')
	took[all]=$(better "${took[all]:-}" "$now")
	if type -P pmacctd >/dev/null; then
		now=$(pmacct_load)
		took[pmacctd]=$(better "${took[pmacctd]:-}" "$now")
		pmacct_packets=$(psql -XAtc 'SELECT sum(packets) FROM acct_v7')
	fi
done

tell() {	# name, which, packets
	awk -v name="$1" -v t="${took[$2]}" -v n="$3" -v ours="${took[copy]}" -v all="$packets" -v flows="$flows" 'BEGIN {
		split(t, part); seconds = part[1] + part[2]; split(ours, o); base = all / (o[1] + o[2])
		printf "%-30s %6.2f CPU s client, %6.2f server, %5.2f M packets per CPU s", name, part[1], part[2], n / seconds / 1e6
		if (name ~ /^pcap2pg/) printf ", %.0f flows per CPU s\n", flows / seconds
		else printf ", %.1f %% of the packets; COPY of pcap2pg is %.1f times as fast\n", n / all * 100, base / (n / seconds) }'
}
tell 'pcap2pg, COPY alone' copy "$packets"
tell 'pcap2pg, with rollups, rules' all "$packets"
if [ -n "${took[pmacctd]:-}" ]; then
	tell 'pmacctd, COPY' pmacctd "$pmacct_packets"
else
	echo 'pmacctd is not installed: left out'
fi
psql -Xq -d postgres -c 'DROP DATABASE bench_loader'
