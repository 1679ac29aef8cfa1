#!/usr/bin/env bash
# Starts a guest image as a TDX trust domain. Needs QEMU 10.1, Linux 6.16 with KVM for TDX, and the
# host's quote generation service on vsock port 4050.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

QGS_PORT=4050

platform_option() {
    case $1 in
        --quote-port) QGS_PORT=$2 ;;
        *) return 1 ;;
    esac
}

parse "$@"
number "$QGS_PORT" --quote-port
ARGS=(
    qemu-system-x86_64 -accel kvm -cpu host
    -object "{\"qom-type\":\"tdx-guest\",\"id\":\"tdx\",\"quote-generation-socket\":{\"type\":\"vsock\",\"cid\":\"2\",\"port\":\"$QGS_PORT\"}}"
    -object "memory-backend-ram,id=ram,size=${MEMORY_MIB}M"
    -machine "q35,kernel-irqchip=split,confidential-guest-support=tdx,memory-backend=ram,hpet=off"
)
devices
start
