#!/usr/bin/env bash
# Installs the page's npm packages exactly as locked, unless they are there.
#
#   npm.sh PACKAGE [npm ci options]    PACKAGE: one that must be among them
set -euo pipefail
. "$(dirname "$0")/lib.sh"
modules=$ROOT/dashboard/node_modules
package=$1
shift
if [ ! -d "$modules/$package" ] || [ "$ROOT/dashboard/package-lock.json" -nt "$modules/.package-lock.json" ]; then
	npm ci --prefix "$ROOT/dashboard" --loglevel=error "$@" > /dev/null
fi
