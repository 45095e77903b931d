#!/usr/bin/env bash
# The whole way on this machine: packets, flows, model, watch, alerts, page.
#
#   demo.sh start PORT [capture ...]   generated traffic without captures
#   demo.sh stop
#
# A new start begins from nothing.  With generated traffic the model learns from
# the first, clean day; with captures of your own from all their flows.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
stack=$ROOT/test/stack

stop() {
	"$stack/web.sh" stop demo
	"$stack/cluster.sh" stop demo
}

sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

step() { printf '\n== %s\n' "$*"; }

generate() {
	step "generating two days of a small office network, with attacks on the second"
	"$BUILD/pcapgen" --seed 42 -o "$BUILD/demo.pcap" --truth "$BUILD/demo-truth.csv"
	captures=("$BUILD/demo.pcap")
}

# Everything from here on is done as a role that is no superuser and cannot log
# in: it owns the store, trains the model and loads the flows.
prepare() {
	step "a private PostgreSQL with the extension and a flow store"
	"$stack/cluster.sh" drop demo
	"$stack/cluster.sh" start demo
	eval "$("$stack/cluster.sh" env demo)"
	sql -c "CREATE DATABASE demo"
	export PGDATABASE=demo
	sql <<-SQL
		CREATE EXTENSION pg_anomaly;
		CREATE ROLE netflow_owner NOLOGIN;
		GRANT CREATE ON DATABASE demo TO netflow_owner;
		GRANT USAGE ON SCHEMA anomaly TO netflow_owner;
		GRANT SELECT, INSERT, UPDATE ON anomaly.model TO netflow_owner;
		GRANT SELECT, INSERT ON anomaly.model_version, anomaly.flow_store TO netflow_owner;
		GRANT SELECT ON anomaly.retraining TO netflow_owner;	-- the page's views of health read it
	SQL
	export PGOPTIONS="-c role=netflow_owner"
	sql -c "SELECT anomaly_create_flow_store('netflow')"
}

learn() {
	local period=true
	if [ "$generated" = yes ]; then
		period="start_time < (SELECT min(start_time) + interval '1 day' FROM netflow.flow)"
	fi
	step "training an isolation forest"
	sql -x <<-SQL
		SELECT model, version, algorithm, rows_used, round(threshold::numeric, 4) AS threshold, warnings
		FROM anomaly_train('office', \$\$SELECT * FROM netflow.flow_feature WHERE $period\$\$,
			features => anomaly_flow_features());
	SQL
}

watch() {
	step "putting the model on guard, and looking back over everything loaded"
	sql <<-SQL
		SELECT anomaly_watch('netflow', 'office') AS watch \gset
		SELECT count(*) FROM anomaly_backfill('netflow', :watch,
			(SELECT min(start_time) FROM netflow.flow),
			(SELECT max(start_time) + interval '1 microsecond' FROM netflow.flow)) \g /dev/null
	SQL
}

people() {	# who may decide about alerts, and who about models
	local kind
	for kind in analyst admin; do
		declare -g "$kind=$(openssl rand -hex 8)"
		PGOPTIONS= sql >/dev/null -v kind=$kind -v password="${!kind}" <<-'SQL'
			SELECT anomaly_set_login('netflow', :'kind', :'kind', :'password');
		SQL
	done
}

summary() {
	step "summary"
	sql -x <<-SQL
		SELECT sum(c.packets) AS packets, sum(c.flows) AS flows,
			round(sum(c.flows) * 1e9 / $load_ns) AS flows_per_second,
			(SELECT string_agg(name || ' version ' || active_version, ', ') FROM anomaly.model) AS model,
			(SELECT count(*) FROM netflow.detection) AS detections
		FROM netflow.capture c;
	SQL
	echo
	psql -Xq -P footer=off -c "SELECT threat, count(*) AS alerts, sum(flow_count) AS flows,
		string_agg(DISTINCT host(source), ', ') AS sources
		FROM netflow.alert GROUP BY threat ORDER BY 1"
	if [ "$generated" = yes ]; then
		echo "What was placed: $BUILD/demo-truth.csv"
	fi
	echo "Database:        psql -h $PGHOST -U postgres demo"
	echo "Page:            http://127.0.0.1:$port/     (make demo-stop ends it)"
	echo "Log in there:    analyst, password $analyst; admin, password $admin"
}

start() {
	port=$1
	shift
	captures=("$@")
	generated=no
	for file in "${captures[@]}"; do
		[ -r "$file" ] || die "cannot read $file"
	done
	stop
	"$stack/npm.sh" echarts --omit=dev
	if [ ${#captures[@]} -eq 0 ]; then
		generated=yes
		generate
	fi
	prepare
	step "loading packets as flows"
	local begin
	begin=$(date +%s%N)
	"$BUILD/pcap2pg" --store netflow "${captures[@]}"
	load_ns=$(($(date +%s%N) - begin))
	learn
	watch
	step "the page"
	PGOPTIONS= DATABASE=demo "$stack/web.sh" start demo "$port"
	people
	summary
}

case ${1:-} in
	start) shift; start "$@" ;;
	stop) stop ;;
	*) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
