#!/usr/bin/env bash
# Runs every suite, each to its end, and says at the close how many passed.
# Output goes to the terminal and to build/log/SUITE.log.
set -uo pipefail
. "$(dirname "$0")/stack/lib.sh"
cd "$ROOT"
mkdir -p "$BUILD/log"
passed=0 failed=0 broken=

suite() {	# name command...
	local name=$1 begin=$SECONDS
	shift
	printf '\n=== %s\n' "$name"
	if "$@" 2>&1 | tee "$BUILD/log/$name.log"; then
		passed=$((passed + 1))
		printf -- '--- %s passed (%s s)\n' "$name" $((SECONDS - begin))
	else
		failed=$((failed + 1))
		broken="$broken $name"
		printf -- '--- %s FAILED (%s s)\n' "$name" $((SECONDS - begin))
	fi
}

suite stage make -s stage
suite unit make -s -C test/unit check
suite asan make -s -C test/unit asan
suite fuzz make -s -C test/fuzz smoke
suite regress test/regress.sh
suite tap prove --timer -r test/t test/loader test/e2e
suite stories test/stories/run.sh
suite quality "$PYTHON" test/bench/quality.py --quick
suite page test/browser/run.sh

[ -z "$broken" ] || printf '\nfailed:%s\n' "$broken"
printf '\nsuites: %s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
