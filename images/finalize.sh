#!/bin/sh
# Last step inside the build: takes away what a production guest must not have.
set -eu

mkdir -p "$BUILDROOT/data" "$BUILDROOT/mnt/config" "$BUILDROOT/mnt/model"
UNITS="$BUILDROOT/etc/systemd/system"
mkdir -p "$UNITS"
ln -sfn /usr/lib/systemd/system/cocoon-ready.target "$UNITS/default.target"
rm -rf "$BUILDROOT/opt/cocoon/share" "$BUILDROOT/root/.cache"
find "$BUILDROOT/opt/cocoon" "$BUILDROOT/usr/lib/python3" -name __pycache__ -prune -exec rm -rf {} +

if [ -n "${COCOON_DEBUG:-}" ]; then
    exit 0
fi
for unit in getty.target getty@.service serial-getty@.service console-getty.service \
    container-getty@.service autovt@.service debug-shell.service rescue.service rescue.target \
    emergency.service emergency.target systemd-ask-password-console.service \
    systemd-journal-gatewayd.socket systemd-journal-upload.service ctrl-alt-del.target; do
    ln -sfn /dev/null "$UNITS/$unit"
done
# No shell: the units start programs, never command lines.
rm -rf "$BUILDROOT/usr/bin/bash" "$BUILDROOT/usr/bin/rbash" "$BUILDROOT/usr/bin/dash" \
    "$BUILDROOT/usr/bin/sh" "$BUILDROOT/usr/bin/login" "$BUILDROOT/usr/bin/su" \
    "$BUILDROOT/usr/bin/apt" "$BUILDROOT/usr/bin/apt-get" "$BUILDROOT/usr/bin/pip3" \
    "$BUILDROOT/usr/bin/pip" "$BUILDROOT/usr/sbin/agetty" "$BUILDROOT/usr/sbin/sulogin"
sed -i 's|^root:[^:]*:|root:!*:|' "$BUILDROOT/etc/shadow"
