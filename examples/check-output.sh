#!/bin/sh
# Runs an example: every line it prints must match the pattern, and there must be one. Prints TAP.
echo 1..1
output=$("$1" 2>&1)
if [ -n "$output" ] && ! printf '%s\n' "$output" | grep -Evqx "$2"; then
    echo "ok 1 - $(basename "$1")"
else
    echo "not ok 1 - $(basename "$1")"
    printf '%s\n' "$output" | sed 's/^/# /'
fi
