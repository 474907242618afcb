#!/bin/sh
# Pins everything with hashes: `make lock`. Existing pins stay unless UPGRADE=1; no file names an index.
set -eu
cd "$(dirname "$0")/.."
uv="${UV:-.venv/bin/uv}"

compile() { # output, further arguments
  output="$1"
  shift
  "$uv" pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
    --custom-compile-command "make lock" ${UPGRADE:+--upgrade} --output-file "$output" "$@"
  echo "locked $output"
}

# The tool: any Python from 3.11 on. One set of versions for all three files.
universal="--universal --python-version 3.11"
compile requirements/docgenctl.txt $universal pyproject.toml
compile requirements/build.txt $universal -c requirements/docgenctl.txt requirements/build.in
compile requirements/dev.txt $universal -c requirements/docgenctl.txt -c requirements/build.txt \
  --extra dev pyproject.toml

# The servers: the Python and C library of their image. The hashes are those of all architectures; a pin
# that differed between them would show as a diff when compiled for aarch64-manylinux_2_28.
for facts in server_images/*/image.toml; do
  image="$(dirname "$facts")"
  compile "$image/requirements.txt" --python-version 3.13 --python-platform x86_64-manylinux_2_28 \
    server_images/common/requirements.in "$image/requirements.in"
done

# What docgenctl fetches on the host when a server is added, and what runs npm's packages in the image.
for tool in uv node; do
  compile "server_images/adapter/$tool.txt" --python-version 3.13 --python-platform x86_64-manylinux_2_28 \
    "server_images/adapter/$tool.in"
done
