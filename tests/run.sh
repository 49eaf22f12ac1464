#!/usr/bin/env bash
# Runs every test. What they need besides the Rust toolchain is installed by apt-get when it is missing; a part that
# can be neither found nor installed fails the run. Nothing is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

missing=()
need() { # need PACKAGE FILE_OR_COMMAND
    if ! command -v "$2" >/dev/null 2>&1 && [ ! -x "$2" ]; then missing+=("$1"); fi
}
need gcc cc                                        # the embedded SQLite and ring are built from C
need rabbitmq-server /usr/lib/rabbitmq/bin/rabbitmq-server
need xmlsec1 xmlsec1                               # oracle for XML signatures
need libxml2-utils xmllint                         # oracle for schemas and canonical form
need chromium chromium                             # the browser that the console is tested in
need chromium-driver chromedriver                  # what drives it
need openssl openssl                               # oracle for certificate paths
need glewlwyd glewlwyd                             # a provider that people sign in to the console through
if ! command -v glewlwyd >/dev/null 2>&1; then missing+=(dbconfig-sqlite3); fi # what its package is set up with; tests make databases of their own
need python3 /usr/bin/python3                      # runs the mail server that notices are sent to
if ! /usr/bin/python3 -c 'import aiosmtpd' 2>/dev/null; then missing+=(python3-aiosmtpd); fi

if [ "${#missing[@]}" -gt 0 ]; then
    echo "installing: ${missing[*]}"
    # A package must not start a broker of its own: each test starts a private one.
    export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -q --no-install-recommends "${missing[@]}"
fi

# The release profile: the tests include a 300 MB packet and thousands of documents, and the demo uses the same build.
# A test that fails keeps no other from running: one run tells all that is wrong.
exec cargo test --release --workspace --no-fail-fast "$@"
