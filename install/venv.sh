#!/bin/sh
# Makes .venv: `make setup` calls it. PYTHON names the interpreter; python3, if it is new enough, by default.
set -eu
cd "$(dirname "$0")/.."

suitable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

python=""
for candidate in ${PYTHON:-python3} python3.13 python3.12 python3.11; do
  if suitable "$candidate"; then python="$candidate"; break; fi
done
if [ -z "$python" ]; then
  echo "error: docgenctl needs Python 3.11 or newer; ${PYTHON:-python3} is $("${PYTHON:-python3}" --version 2>&1 || echo absent)" >&2
  echo "Hint: install one and name it: make setup PYTHON=python3.12" >&2
  exit 2
fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  # Debian and Ubuntu keep ensurepip in a package of its own.
  package="python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "error: $python cannot make virtual environments" >&2
    echo "Hint: sudo apt-get install -y --no-install-recommends $package" >&2
    exit 2
  fi
  echo "setup: installing $package"
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y --no-install-recommends "$package" >/dev/null 2>&1 \
    || { apt-get update >/dev/null && apt-get install -y --no-install-recommends "$package" >/dev/null; }
fi
echo "setup: making .venv with $("$python" --version)"
"$python" -m venv --clear .venv
