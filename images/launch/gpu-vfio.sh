#!/usr/bin/env bash
# Gives GPUs to vfio-pci, so that a guest can have them: ./gpu-vfio.sh [--dry-run] BUS …
# The GPU must be in confidential mode already (NVIDIA's gpu-admin-tools: --set-cc-mode=on).
set -euo pipefail

SYSFS=${COCOON_SYSFS:-/sys}
DRY_RUN=
if [[ ${1:-} == --dry-run ]]; then
    DRY_RUN=1
    shift
fi
(($#)) || { echo "usage: $0 [--dry-run] BUS …" >&2; exit 2; }

write() {
    if [[ -n $DRY_RUN ]]; then
        echo "$1 > $2"
    else
        echo "$1" >"$2"
    fi
}

for bus in "$@"; do
    if ! [[ $bus =~ ^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$ ]]; then
        echo "$0: $bus is not a PCI address" >&2
        exit 2
    fi
    device=$SYSFS/bus/pci/devices/$bus
    if [[ ! -e $device/vendor || $(<"$device/vendor") != 0x10de ]]; then
        echo "$0: $bus is not an NVIDIA device" >&2
        exit 1
    fi
    write vfio-pci "$device/driver_override"
    if [[ -e $device/driver ]]; then
        write "$bus" "$device/driver/unbind"
    fi
    write "$bus" "$SYSFS/bus/pci/drivers_probe"
done
