#!/bin/sh
# Makes the virtual environment FOLDER with PYTHON or, where none is named, with the first interpreter that will do.
# Usage: tools/make_venv.sh FOLDER [PYTHON]
set -u

folder=$1
named=${2:-}

fail() {
    echo "suffice: $1" >&2
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

python=
for candidate in ${named:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if is_new_enough "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    found=$("${named:-python3}" -c 'import sys; print("Python %d.%d" % sys.version_info[:2])' 2>/dev/null || echo "no such command")
    fail "needs Python 3.11 or newer, but ${named:-python3} is: $found; install one or name it: make PYTHON=/path/to/python3.11"
fi
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv"
echo "Making $folder with $("$python" --version)"
"$python" -m venv "$folder" || fail "$python could not make $folder"
