#!/usr/bin/env bash
# Builds a guest image: ./build.sh --mirror URL proxy|worker [debug]
#
# URL is a copy of Debian's archive as it was at $SNAPSHOT; two builds from one snapshot and one
# commit give the same image, kernel and initrd (see README.md, "Reproducible").
set -euo pipefail

SNAPSHOT=20251105T150124Z
HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

usage() {
    echo "usage: $0 [--dry-run] --mirror URL proxy|worker [debug]" >&2
    exit 2
}

DRY_RUN=
MIRROR=
while [[ ${1:-} == --* ]]; do
    case $1 in
        --dry-run) DRY_RUN=1; shift ;;
        --mirror) MIRROR=${2:-}; shift 2 || usage ;;
        *) usage ;;
    esac
done
ROLE=${1:-}
PROFILES=$ROLE
[[ $ROLE == proxy || $ROLE == worker ]] || usage
case ${2:-} in
    "") ;;
    debug) PROFILES=$ROLE,debug ;;
    *) usage ;;
esac
if [[ $MIRROR != *"$SNAPSHOT"* ]]; then
    echo "$0: the mirror must be a snapshot of $SNAPSHOT, so that everybody builds the same" >&2
    exit 2
fi

run() {
    if [[ -n $DRY_RUN ]]; then
        printf '%q ' "$@"
        printf '\n'
    else
        "$@"
    fi
}

cd -- "$HERE"
export SOURCE_DATE_EPOCH=0
run rm -rf mkosi.output/wheels mkosi.output/builder
run mkdir -p mkosi.output/wheels
# What builds the wheel decides over its bytes: from the lock file too, each part checked by hash.
run python3 -m venv mkosi.output/builder
run mkosi.output/builder/bin/python -m pip install --require-hashes -r ../requirements.lock
run mkosi.output/builder/bin/python -m pip wheel --no-deps --no-build-isolation \
    --wheel-dir mkosi.output/wheels ..
run cp ../requirements.lock mkosi.output/wheels/requirements.lock
NAME=cocoon-$ROLE${2:+_$2}
run mkosi --profile="$PROFILES" --output="$NAME" --mirror="$MIRROR" --force build
run python3 write_cmdline.py ${2:+--debug} "mkosi.output/$NAME"
