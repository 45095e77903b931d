#!/usr/bin/env bash
# Installs the Debian packages of the named groups (demo, test, bench) that are
# missing, saying which.  Root is needed only when something is missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

wanted() {	# the lines of the groups, comments and blanks removed
	local group=
	while read -r line; do
		line=${line%%#*}
		read -r line <<<"$line" || true
		case $line in
			'') ;;
			\[*\]) group=${line//[\[\]]/} ;;
			*) for g in "$@"; do [ "$g" = "$group" ] && printf '%s\n' "$line"; done ;;
		esac
	done <"$here/packages.txt"
}

satisfied() {	# package [= command]
	local package=${1%% *} command=
	case $1 in *=*) command=${1##*= } ;; esac
	case $command in
		clang-rt) compgen -G '/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*' >/dev/null && return ;;
		?*) command -v "$command" >/dev/null && return ;;
	esac
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ]
}

missing=()
while read -r line; do
	satisfied "$line" || missing+=("${line%% *}")
done < <(wanted "$@")
if [ ${#missing[@]} -eq 0 ]; then
	exit 0
fi

sudo=
if [ "$(id -u)" -ne 0 ]; then
	sudo=sudo
	if ! command -v sudo >/dev/null; then
		echo "missing packages; as root, run: apt-get install ${missing[*]}" >&2
		exit 1
	fi
fi
echo "installing: ${missing[*]}"

# Packages with servers must not start them: ours are private.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
	$sudo chmod 755 $policy
	trap '$sudo rm -f $policy' EXIT
fi
$sudo apt-get update -q
$sudo env DEBIAN_FRONTEND=noninteractive \
	apt-get install -qy --no-install-recommends "${missing[@]}"
