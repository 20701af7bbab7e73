#!/bin/sh
# The leanest script that mints a key: the shell itself reads the files, and each request
# takes one curl and one jq. Not every sh has `pipefail`: where a request fails, this prints
# no key, and may still end with status 0.
#
# usage: lean.sh SECRETS_DIR HOST:PORT CA_FILE
set -eu
read -r id <"$1/tailscale-oauth-client-id"
read -r secret <"$1/tailscale-oauth-client-secret"
# A function in a pipe would be one more process.
set -- --silent --show-error --fail --cacert "$3" --connect-to "api.tailscale.com:443:$2"
token=$(curl "$@" --data-urlencode "client_id=$id" --data-urlencode "client_secret=$secret" \
    https://api.tailscale.com/api/v2/oauth/token | jq --raw-output .access_token)
curl "$@" --header "Authorization: Bearer $token" --header "Content-Type: application/json" \
    --data '{"capabilities":{"devices":{"create":{"reusable":true,"ephemeral":true,"preauthorized":true,"tags":["tag:tazpod"]}}},"expirySeconds":3600}' \
    https://api.tailscale.com/api/v2/tailnet/-/keys | jq --raw-output .key
