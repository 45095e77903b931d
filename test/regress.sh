#!/usr/bin/env bash
# Runs the SQL regression tests and the isolation tests against the server that
# PGHOST, PGPORT and PGUSER name, which has the extension installed, or without
# PGHOST against a private cluster of its own.  Makes its own databases there;
# results go to build/.
#
#   regress.sh [sql|isolation] [test ...]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
src=$("${PG_CONFIG:-pg_config}" --pkglibdir)/pgxs/src/test
bindir=$("${PG_CONFIG:-pg_config}" --bindir)

if [ -z "${PGHOST:-}" ]; then
	"$root/test/stack/cluster.sh" start regress
	trap '"$root/test/stack/cluster.sh" drop regress' EXIT
	eval "$("$root/test/stack/cluster.sh" env regress)"
fi

names() {	# the tests in a directory, in order
	local file
	for file in "$root/test/$1"/*."$2"; do
		basename "$file" ".$2"
	done
}

sql() {
	local out=$root/build/regress
	mkdir -p "$out"
	[ $# -gt 0 ] || set -- $(names sql sql)
	(cd "$out" && "$src/regress/pg_regress" --inputdir="$root/test" --outputdir="$out" \
		--bindir="$bindir" --dbname=pga_regress --load-extension=pg_anomaly "$@")
}

isolation() {
	local out=$root/build/isolation
	mkdir -p "$out"
	[ $# -gt 0 ] || set -- $(names specs spec)
	(cd "$out" && "$src/isolation/pg_isolation_regress" --inputdir="$root/test" --outputdir="$out" \
		--bindir="$bindir" --dbname=pga_isolation --load-extension=pg_anomaly "$@")
}

case ${1:-} in
	sql | isolation) "$@" ;;
	'') sql && isolation ;;
	*) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
