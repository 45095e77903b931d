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
	[ -d "$root$from" ] && continue
	mkdir -p "$root$from"
	case $dir in
		--bindir) cp -r "$from/." "$root$from/" ;;
		*) cp -rs "$from/." "$root$from/" ;;
	esac
done
make -s -C "$ROOT/extension" install DESTDIR="$root" PG_CONFIG="$PG_CONFIG" >/dev/null
