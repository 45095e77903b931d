#!/usr/bin/env bash
# Private PostgreSQL clusters for the demo and the tests.
#
#   cluster.sh start NAME [setting=value ...]   make it if need be, and start it
#   cluster.sh stop NAME                        stop it
#   cluster.sh drop NAME                        stop it and delete it
#   cluster.sh upgrade NAME NEW                 stop it, and pg_upgrade it to a new one
#   cluster.sh env NAME                         print exports for clients (eval them)
#   cluster.sh psql NAME [psql arguments]
#
# A cluster listens on a unix socket only, in a directory of its user's own;
# the superuser is postgres and needs no password there.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

usage() { sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
verb=$1 name=$2
shift 2
dir=$BASE/cluster/$name
data=$dir/data
socket=/tmp/pga-$STAMP-$name	# short: a socket's path has at most 107 bytes

running() { as_server "$(pg_bin pg_ctl)" -D "$data" status >/dev/null 2>&1; }

own_socket_dir() {
	as_server mkdir -p -m 700 "$socket"
	[ "$(stat -c '%U %a' "$socket")" = "$SERVER_USER 700" ] || die "$socket is not ours alone"
}

start() {
	[ -x "$(pg_bin postgres)" ] || "$ROOT/test/stack/stage.sh"
	if running; then
		return
	fi
	own_socket_dir
	as_server mkdir -p "$dir"
	if ! as_server test -f "$data/PG_VERSION"; then
		as_server "$(pg_bin initdb)" -D "$data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 \
			--no-sync >"$BUILD/initdb-$name.log" || die "initdb failed: see $BUILD/initdb-$name.log"
		as_server tee -a "$data/postgresql.conf" >/dev/null <<-CONF
			listen_addresses = ''
			unix_socket_directories = '$socket'
			timezone = 'UTC'
			log_timezone = 'UTC'
			max_wal_size = '4GB'
			include_if_exists = 'extra.conf'
		CONF
	fi
	printf '%s\n' "$@" | as_server tee "$data/extra.conf" >/dev/null
	as_server "$(pg_bin pg_ctl)" -D "$data" -l "$dir/log" -w -t 60 start >/dev/null ||
		die "cluster $name did not start: see $dir/log"
}

stop() {
	if running; then
		as_server "$(pg_bin pg_ctl)" -D "$data" -m fast -w stop >/dev/null
	fi
}

upgrade() {
	local new=$BASE/cluster/$1/data
	stop
	"$0" start "$1"
	"$0" stop "$1"
	as_server sh -c 'cd "$1" && shift && exec "$@"' sh "$dir" "$(pg_bin pg_upgrade)" -b "$(dirname "$(pg_bin postgres)")" \
		-B "$(dirname "$(pg_bin postgres)")" -d "$data" -D "$new" -s "$socket" -U postgres >"$BUILD/upgrade-$name.log" ||
		die "pg_upgrade failed: see $BUILD/upgrade-$name.log"
	"$0" start "$1"
}

environment() {
	printf 'export PGHOST=%q PGPORT=5432 PGUSER=postgres PGDATABASE=postgres PGDATA_DIR=%q\n' "$socket" "$data"
}

case $verb in
	start) start "$@" ;;
	stop) stop ;;
	drop) stop; as_server rm -rf "$dir" "$socket" ;;
	upgrade) upgrade "$@" ;;
	env) environment ;;
	psql) eval "$(environment)"; exec psql -X "$@" ;;
	*) usage ;;
esac
