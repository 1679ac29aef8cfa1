#!/usr/bin/env bash
# Starts a guest image as an SEV-SNP guest. Needs QEMU 9.1, Linux 6.11, and an OVMF built from
# OvmfPkg/AmdSev: only that one checks kernel, initrd and command line against measured hashes.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

VCPU_TYPE=EPYC-Genoa
CONFIG_HASH=

platform_option() {
    case $1 in
        --vcpu-type) VCPU_TYPE=$2 ;;
        --config-hash) CONFIG_HASH=$2 ;;
        *) return 1 ;;
    esac
}

parse "$@"
[[ $VCPU_TYPE =~ ^EPYC-[A-Za-z]+(-v[0-9])?$ ]] || fail "--vcpu-type: $VCPU_TYPE"
[[ $CONFIG_HASH =~ ^[0-9a-f]{64}$ ]] ||
    fail "--config-hash HASH is needed: what cocoon attest image-hash prints as configuration"
CMDLINE+=" cocoon.config=$CONFIG_HASH"
# Policy: bit 16 allows SMT, bit 17 is always one; no debugging, no migration agent.
ARGS=(
    qemu-system-x86_64 -accel kvm -cpu "$VCPU_TYPE"
    -object "sev-snp-guest,id=snp,cbitpos=51,reduced-phys-bits=1,policy=0x30000,kernel-hashes=on"
    -object "memory-backend-memfd,id=ram,size=${MEMORY_MIB}M,share=true,prealloc=false"
    -machine "q35,confidential-guest-support=snp,memory-backend=ram,hpet=off"
)
devices
start
