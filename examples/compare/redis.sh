#!/bin/sh
# A Redis server of its own, 30,000 requests, and its orderly end.
set -e
port=$((20000 + $$ % 20000))
redis-server --port "$port" --bind 127.0.0.1 --save "" --daemonize no --logfile /dev/null &
server=$!
until redis-cli -p "$port" ping >/dev/null 2>&1; do
    kill -0 "$server"
    sleep 0.02
done
redis-benchmark -p "$port" -q -n 10000 -c 10 -t set,get,lpush >/dev/null
redis-cli -p "$port" shutdown nosave
wait "$server"
