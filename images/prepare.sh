#!/bin/sh
# Installs Cocoon and the libraries of its lock file, each checked by hash, into /opt/cocoon.
# mkosi runs this outside the image; $BUILDROOT is the image, $SRCDIR this folder.
set -eu

if [ "$1" != final ]; then
    exit 0
fi
WHEELS="$SRCDIR/mkosi.output/wheels"
[ -f "$WHEELS/requirements.lock" ] || { echo "run ./build.sh" >&2; exit 1; }
mkdir -p "$BUILDROOT/var/tmp/wheels"
cp "$WHEELS"/* "$BUILDROOT/var/tmp/wheels/"
mkosi-chroot python3 -m venv --without-pip /opt/cocoon
mkosi-chroot python3 -m pip --python /opt/cocoon/bin/python install \
    --no-compile --require-hashes -r /var/tmp/wheels/requirements.lock
mkosi-chroot sh -c 'python3 -m pip --python /opt/cocoon/bin/python install \
    --no-compile --no-deps --no-index /var/tmp/wheels/cocoon-*.whl'
rm -rf "$BUILDROOT/var/tmp/wheels"
