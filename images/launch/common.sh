# Options and checks that both launch scripts share; sourced, not run.
# shellcheck shell=bash

MEMORY_MIB=102400
VCPUS=32
CID=
FORWARD=
PERSISTENT=
MODEL=
DRY_RUN=
IMAGE=
CONFIG=
FIRMWARE=
CMDLINE=
GPUS=()
DEBUG_CONSOLE=

fail() {
    echo "$0: $*" >&2
    exit 2
}

usage() {
    cat >&2 <<TEXT
usage: $0 --image DIR/NAME --config DIR --firmware FILE --cid N [option …]

  --image DIR/NAME     what build.sh made: NAME.raw, NAME.vmlinuz, NAME.initrd, NAME.cmdline
  --config DIR         configuration directory, with runtime/runtime.vars
  --firmware FILE      OVMF image
  --cid N              vsock number of the guest, from 3
  --memory MIB         memory in MiB ($MEMORY_MIB)
  --vcpus N            processors ($VCPUS)
  --gpu BUS            PCI address of a GPU that vfio-pci holds; repeat for more
  --persistent FILE    disk that the guest encrypts with its sealed key
  --model FILE         model archive; its hash tree is FILE.verity
  --forward HOST:PORT  host address from which port PORT is forwarded; repeat by commas
  --debug-console      the guest's console on standard output; only debug images use it
  --dry-run            print the command, one argument a line, and start nothing
TEXT
    exit 2
}

parse() {
    while (($#)); do
        case $1 in
            --dry-run) DRY_RUN=1; shift; continue ;;
            --debug-console) DEBUG_CONSOLE=1; shift; continue ;;
        esac
        (($# >= 2)) || usage
        case $1 in
            --image) IMAGE=$2 ;;
            --config) CONFIG=$2 ;;
            --firmware) FIRMWARE=$2 ;;
            --cid) CID=$2 ;;
            --memory) MEMORY_MIB=$2 ;;
            --vcpus) VCPUS=$2 ;;
            --gpu) GPUS+=("$2") ;;
            --persistent) PERSISTENT=$2 ;;
            --model) MODEL=$2 ;;
            --forward) FORWARD=$2 ;;
            *) platform_option "$1" "$2" || usage ;;
        esac
        shift 2
    done
    [[ -n $IMAGE && -n $CONFIG && -n $FIRMWARE && -n $CID ]] || usage
    number "$MEMORY_MIB" --memory
    number "$VCPUS" --vcpus
    number "$CID" --cid
    ((CID >= 3)) || fail "--cid: 0 to 2 are reserved"
    local path
    for path in "$IMAGE.raw" "$IMAGE.vmlinuz" "$IMAGE.initrd" "$IMAGE.cmdline" "$CONFIG" \
        "$FIRMWARE" ${PERSISTENT:+"$PERSISTENT"} ${MODEL:+"$MODEL" "$MODEL.verity"}; do
        [[ $path != *,* ]] || fail "$path: QEMU takes no comma in a path"
        [[ -e $path ]] || fail "$path is missing"
    done
    local bus
    for bus in "${GPUS[@]}"; do
        [[ $bus =~ ^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$ ]] || fail "--gpu: $bus"
    done
    CMDLINE=$(<"$IMAGE.cmdline")
    if ((${#GPUS[@]})); then
        CMDLINE+=" cocoon.gpus=${#GPUS[@]}"
    fi
}

number() {
    [[ $1 =~ ^[1-9][0-9]{0,8}$ ]] || fail "$2: $1 is not a number"
}

# Devices in a fixed order: the order is measured (ACPI tables, RTMR0).
devices() {
    ARGS+=(
        -smp "$VCPUS,sockets=1" -m "${MEMORY_MIB}M"
        -nodefaults -no-user-config -no-reboot -nographic -vga none
        -serial none -parallel none -monitor none
        -bios "$FIRMWARE"
        -kernel "$IMAGE.vmlinuz" -initrd "$IMAGE.initrd" -append "$CMDLINE"
        -drive "file=$IMAGE.raw,if=none,id=root,format=raw,readonly=on"
        -device "virtio-blk-pci,drive=root,serial=cocoon-root,disable-legacy=on,romfile="
        -fsdev "local,id=config,path=$CONFIG,security_model=none,readonly=on"
        -device "virtio-9p-pci,fsdev=config,mount_tag=cocoon-config,disable-legacy=on"
        -netdev "user,id=net${FORWARD:+$(forwards)}"
        -device "virtio-net-pci,netdev=net,disable-legacy=on,romfile="
        -device "vhost-vsock-pci,guest-cid=$CID,disable-legacy=on"
    )
    if [[ -n $PERSISTENT ]]; then
        disk persistent "$PERSISTENT" off
    fi
    if [[ -n $MODEL ]]; then
        disk model-tar "$MODEL" on
        disk model-tar-verity "$MODEL.verity" on
    fi
    if [[ -n $DEBUG_CONSOLE ]]; then
        ARGS+=(-chardev "stdio,id=console" -device "virtio-serial-pci,disable-legacy=on"
            -device "virtconsole,chardev=console")
    fi
    gpus
}

disk() {
    ARGS+=(-drive "file=$2,if=none,id=$1,format=raw,readonly=$3"
        -device "virtio-blk-pci,drive=$1,serial=$1,disable-legacy=on,romfile=")
}

forwards() {
    local entry
    for entry in ${FORWARD//,/ }; do
        [[ $entry =~ ^[0-9.]+:[0-9]{4,5}$ ]] || fail "--forward: $entry"
        printf ',hostfwd=tcp:%s-:%s' "$entry" "${entry##*:}"
    done
}

# Each GPU behind a root port of its own, with room for its memory above 4 GiB.
gpus() {
    ((${#GPUS[@]})) || return 0
    ARGS+=(-object "iommufd,id=iommu" -fw_cfg "name=opt/ovmf/X-PciMmio64Mb,string=262144")
    local index=0 bus
    for bus in "${GPUS[@]}"; do
        ARGS+=(-device "pcie-root-port,id=gpu-port$index,chassis=$((index + 1)),bus=pcie.0"
            -device "vfio-pci,host=$bus,bus=gpu-port$index,iommufd=iommu,romfile=")
        index=$((index + 1))
    done
}

start() {
    if [[ -n $DRY_RUN ]]; then
        printf '%s\n' "${ARGS[@]}"
    else
        exec "${ARGS[@]}"
    fi
}
