# build.sh PYTHON FOLDER: the cases, their inputs, and a program that any Debian of the last ten years can run.
set -e
"$1" debian-commands/make.py "$2" lsb/commands.txt
if "$1" -c 'import ziglang' 2>/dev/null; then
    "$1" -m ziglang cc -target x86_64-linux-gnu.2.17 -O1 lsb/interfaces.c -o "$2/inputs/interfaces" -ldl
else
    cc -O1 lsb/interfaces.c -o "$2/inputs/interfaces" -ldl
fi
