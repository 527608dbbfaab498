#!/bin/sh
# Makes the role and the database of the service on the server of PGHOST; may run any number of times. The service's password is
# in its service file, PGSERVICEFILE of the API: [mnistlab], then password=...
set -eu
secrets=${SECRETS_FOLDER:-/run/secrets}
PGPASSWORD=$(cat "$secrets/database_admin_password")
export PGPASSWORD
password=$(sed -n 's/^password=//p' "$secrets/database_service")
[ -n "$password" ] || { echo "database_service holds no line password=..." >&2; exit 1; }

# By the environment, since arguments can be read by every process.
SERVICE_PASSWORD=$password psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname postgres <<'END'
\getenv password SERVICE_PASSWORD
SELECT 'CREATE ROLE mnistlab LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mnistlab') \gexec
ALTER ROLE mnistlab PASSWORD :'password';
SELECT 'CREATE DATABASE mnistlab OWNER mnistlab' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'mnistlab') \gexec
REVOKE ALL ON DATABASE mnistlab FROM PUBLIC;
END
echo "the role and the database mnistlab are there"
