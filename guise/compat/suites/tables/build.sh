#!/bin/sh
# build.sh PYTHON KERNEL FOLDER: the guest that makes every call that is not served
set -eu
python=$1 kernel=$2 made=$3/unserved
"$python" unserved.py "$kernel" "$made.c"
"$python" -m ziglang cc -target x86_64-freebsd -c -O1 -ffreestanding -fno-stack-protector -fno-sanitize=all \
    "$made.c" -o "$made.o"
case $kernel in freebsd) form=elf_x86_64_fbsd ;; *) form=elf_x86_64 ;; esac
"$python" -m ziglang ld.lld -m $form -static "$made.o" -o "$made"
