#!/bin/sh
echo "the script runs in $(basename "$(pwd)")"
printf "%s\n" one two three | sort -r
