#!/bin/bash
# Initialise an empty PGDATA from POSTGRES_USER, POSTGRES_PASSWORD[_FILE] and POSTGRES_DB, then become PostgreSQL.
set -euo pipefail

initialise() {
  local user=${POSTGRES_USER:-postgres} password=${POSTGRES_PASSWORD:-}
  local database=${POSTGRES_DB:-$user}
  if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then password=$(<"$POSTGRES_PASSWORD_FILE"); fi
  if [ -z "$password" ]; then
    echo "POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE must be set" >&2
    exit 1
  fi
  initdb --pgdata="$PGDATA" --username="$user" --pwfile=<(printf '%s\n' "$password") \
    --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-sync
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"

  # A server that only this script can reach, until database and scripts are done.
  pg_ctl --pgdata="$PGDATA" --wait --silent --options="-c listen_addresses='' -c unix_socket_directories=$PGHOST" start
  export PGUSER=$user
  if [ "$database" != postgres ]; then createdb --maintenance-db=postgres "$database"; fi
  local script
  for script in /docker-entrypoint-initdb.d/*; do
    case $script in
      *.sql) psql --dbname="$database" --set=ON_ERROR_STOP=1 --no-psqlrc --file="$script" ;;
      *.sh) bash "$script" ;;
    esac
  done
  pg_ctl --pgdata="$PGDATA" --wait --silent --mode=fast stop
}

# A pod that was killed half-way leaves a folder without this mark; it begins anew.
mark=$PGDATA/.initialised
if [ "${1:-}" = postgres ]; then
  mkdir -p "$PGDATA"
  chmod 0700 "$PGDATA"  # each time: with an fsGroup, Kubernetes opens it to the group and PostgreSQL refuses that
  if [ ! -e "$mark" ]; then
    find "$PGDATA" -mindepth 1 -delete
    initialise
    touch "$mark"
  fi
  shift
  set -- postgres -c listen_addresses='*' -c unix_socket_directories=/run/postgresql,/tmp -c log_timezone=UTC "$@"
fi
exec "$@"
