#!/bin/bash
# The script that tailmint replaces, as far as the key: reads the OAuth client,
# asks for a token, asks for a key, prints it.
#
# usage: script.sh SECRETS_DIR HOST:PORT CA_FILE
set -euo pipefail
secrets=$1 to=$2 ca=$3
api() {
    curl --silent --show-error --fail --cacert "$ca" \
        --connect-to "api.tailscale.com:443:$to" "$@"
}
id=$(cat "$secrets/tailscale-oauth-client-id")
secret=$(cat "$secrets/tailscale-oauth-client-secret")
token=$(api --data-urlencode "client_id=$id" --data-urlencode "client_secret=$secret" \
    https://api.tailscale.com/api/v2/oauth/token | jq --raw-output .access_token)
body=$(jq --null-input --compact-output '{
    capabilities: {devices: {create: {
        reusable: true, ephemeral: true, preauthorized: true, tags: ["tag:tazpod"]
    }}},
    expirySeconds: 3600
}')
api --header "Authorization: Bearer $token" --header "Content-Type: application/json" \
    --data "$body" https://api.tailscale.com/api/v2/tailnet/-/keys | jq --raw-output .key
