#!/usr/bin/env bash
# What the owner of the machines runs, as far as the key: strips quotes and white space
# from the OAuth client's files, asks for a token and a key with curl, and reads the
# responses with python3. The fallback to an API key is left out.
#
# usage: owner.sh SECRETS_DIR HOST:PORT CA_FILE
set -euo pipefail
secrets=$1
# A function in a pipe would be one more process, which the owner does not start.
curl=(curl --silent --show-error --fail --cacert "$3" --connect-to "api.tailscale.com:443:$2")
value() {
    tr -d "\"' \t\n" <"$secrets/$1"
}
id=$(value tailscale-oauth-client-id)
secret=$(value tailscale-oauth-client-secret)
token=$("${curl[@]}" --data grant_type=client_credentials --data scope=auth_keys \
    --data-urlencode "client_id=$id" --data-urlencode "client_secret=$secret" \
    https://api.tailscale.com/api/v2/oauth/token |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
key=$("${curl[@]}" --header "Authorization: Bearer $token" --header "Content-Type: application/json" \
    --data '{"capabilities":{"devices":{"create":{"reusable":true,"ephemeral":true,"preauthorized":true,"tags":["tag:tazpod"]}}},"expirySeconds":3600,"description":"benchmark"}' \
    https://api.tailscale.com/api/v2/tailnet/-/keys |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["key"])')
printf '%s\n' "$key"
