#!/usr/bin/env bash
# Runs the API and browser tests: a private cluster, PostgREST, nginx and
# Chromium, all ended afterwards.  Every file of tests begins with the store as
# seed.sql fills it, whatever ran before.
#
#   run.sh [test files]     default: all; KEEP=1 leaves page and cluster running
set -euo pipefail
cd "$(dirname "$0")/../.."
stack=test/stack
port=${WEB_PORT:-8795}

stop() {
	[ -n "${KEEP:-}" ] && return
	$stack/web.sh stop web
	$stack/cluster.sh stop web
}
trap stop EXIT

quiet() { psql -Xq -v ON_ERROR_STOP=1 -d postgres "$@" >/dev/null; }

keep_seeded() {	# once: a copy of the database as the web server left it
	quiet -c "ALTER DATABASE page ALLOW_CONNECTIONS false" \
		-c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'page'" \
		-c "CREATE DATABASE seeded TEMPLATE page" -c "ALTER DATABASE page ALLOW_CONNECTIONS true"
}

as_seeded() {	# PostgREST finds the new database by itself
	quiet -c "DROP DATABASE page WITH (FORCE)" -c "CREATE DATABASE page TEMPLATE seeded"
	for _ in $(seq 100); do
		[ "$(curl -s -o /dev/null -w '%{http_code}' "$WEB_URL/api/status")" = 200 ] && return
		sleep 0.1
	done
	echo "run.sh: the API does not come back" >&2
	return 1
}

$stack/npm.sh playwright-core
$stack/web.sh stop web
$stack/cluster.sh drop web
$stack/cluster.sh start web
eval "$($stack/cluster.sh env web)"
quiet -c "CREATE DATABASE page"
export PGDATABASE=page DATABASE=page WEB_URL=http://127.0.0.1:$port
psql -Xq -v ON_ERROR_STOP=1 -f test/browser/seed.sql
LOGINS=600 ORIGINS="http://127.0.0.1:$((port + 1))" $stack/web.sh start web "$port"
keep_seeded
mkdir -p build/screenshots
[ $# -gt 0 ] || set -- test/api/*.test.mjs test/browser/*.test.mjs
failed=0
for file in "$@"; do
	as_seeded
	node --test "$file" || failed=1
done
exit $failed
