#!/usr/bin/env bash
# Runs the API and browser tests over a store filled by seed.sql: a private
# cluster, PostgREST, nginx and Chromium, all ended afterwards.
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

$stack/npm.sh playwright-core
$stack/web.sh stop web
$stack/cluster.sh drop web
$stack/cluster.sh start web
$stack/cluster.sh psql web -q -v ON_ERROR_STOP=1 -f test/browser/seed.sql
LOGINS=600 ORIGINS="http://127.0.0.1:$((port + 1))" $stack/web.sh start web "$port"
eval "$($stack/cluster.sh env web)"
export WEB_URL=http://127.0.0.1:$port
mkdir -p build/screenshots
[ $# -gt 0 ] || set -- test/api/*.test.mjs test/browser/*.test.mjs
for file in "$@"; do
	node --test "$file"
done
