#!/usr/bin/env bash
# Installs the extension into a private copy of the PostgreSQL tree under
# BASE/pgroot; the system's stays untouched.  PostgreSQL finds its files
# relative to the running program, so programs are copied, the rest linked.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
root=$BASE/pgroot

for dir in --bindir --pkglibdir --sharedir; do
	from=$($PG_CONFIG $dir)
	[ -d "$from" ] || die "no directory $from: install postgresql and postgresql-server-dev-all"
	case $dir in
		--bindir) [ -d "$root$from" ] || { mkdir -p "$root$from" && cp -r "$from/." "$root$from/"; } ;;
		*) mkdir -p "$root$from" && cp -rsn "$from/." "$root$from/" ;;	# what was installed since, too
	esac
done
make -s -C "$ROOT/extension" install DESTDIR="$root" PG_CONFIG="$PG_CONFIG" >/dev/null
