#!/bin/sh
# Creates Temporal's two databases and brings their schemas up to this server; safe to run again.
set -eu

upgrade() {
    temporal-sql-tool --db "$1" create
    temporal-sql-tool --db "$1" setup-schema --version 0.0
    temporal-sql-tool --db "$1" update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

upgrade temporal temporal
upgrade temporal_visibility visibility
