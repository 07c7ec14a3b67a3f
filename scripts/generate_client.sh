#!/usr/bin/env bash
# Refresh docs/openapi.json and clients/python/juzhen_client after an operation has changed.
# What it makes is committed; a test compares. With a directory: write both there instead.
set -euo pipefail

root="$(cd "$(dirname "$0")/.." && pwd)"
docs="${1:-$root/docs}"
client="${1:-$root/clients/python}"
cd "$root"
export PATH="$root/.venv/bin:$PATH"

python manage.py spectacular --format openapi-json --validate --fail-on-warn \
    --file "$docs/openapi.json"
openapi-python-client generate --path "$docs/openapi.json" --meta none --overwrite \
    --config clients/python/generator.yaml --fail-on-warning \
    --output-path "$client/juzhen_client"
rm -rf "$client/juzhen_client/.ruff_cache"
touch "$client/juzhen_client/py.typed" # its types are for whoever imports it
