# Sourced by the scripts that run private servers: where things are, and who
# runs them.  Sets ROOT, BUILD, BASE, SERVER_USER; defines as_server, pg_bin.
#
# As root the servers run as the system user `postgres`, clients stay root.
# BASE holds everything a server reads or writes: build/private where that
# user can reach it, else a directory of its own under /var/tmp.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=$ROOT/build
PG_CONFIG=${PG_CONFIG:-pg_config}
STAMP=$(printf '%s' "$ROOT" | cksum | cut -d' ' -f1)
mkdir -p "$BUILD"

die() { echo "$(basename "$0"): $*" >&2; exit 1; }

if [ "$(id -u)" -eq 0 ]; then
	SERVER_USER=postgres
	id $SERVER_USER >/dev/null 2>&1 || die "no system user $SERVER_USER: install the package postgresql first"
else
	SERVER_USER=$(id -un)
fi

as_server() {	# run a command as the servers' user, from a directory it can read
	if [ "$(id -un)" = "$SERVER_USER" ]; then
		"$@"
	else
		(cd / && exec runuser -u "$SERVER_USER" -- "$@")
	fi
}

if as_server test -x "$BUILD"; then
	BASE=$BUILD/private
else
	BASE=/var/tmp/pg_anomaly-$STAMP
fi
if [ ! -d "$BASE" ]; then
	install -d -m 755 "$BASE"
	[ "$(id -un)" = "$SERVER_USER" ] || chown "$SERVER_USER" "$BASE"
fi
[ "$(stat -c %U "$BASE")" = "$SERVER_USER" ] || die "$BASE belongs to $(stat -c %U "$BASE"), not to $SERVER_USER"

pg_bin() {	# a server program of the private copy
	echo "$BASE/pgroot$($PG_CONFIG --bindir)/$1"
}
