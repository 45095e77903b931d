#!/usr/bin/env bash
# Runs the stories, each in a database of its own on one private cluster.  Each
# runs alone too: prove test/stories/14_one_incident.t
#
#   run.sh [test ...]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cluster=$root/test/stack/cluster.sh
[ $# -gt 0 ] || set -- "$root"/test/stories/*.t
"$cluster" drop stories
"$cluster" start stories fsync=off
trap '"$cluster" drop stories' EXIT
SHARED_CLUSTER=stories prove --timer ${PROVE:-} "$@"
