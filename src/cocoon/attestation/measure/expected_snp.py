"""What an SEV-SNP report will say for given files; nothing is guessed.

Sources: ``docs/reference/measurements.md``, ``docs/reference/evidence-snp.md``.
"""

from dataclasses import dataclass

from cocoon.attestation.measure.expected import (
    Boot,
    Origin,
    Register,
    missing_register,
    with_given,
)
from cocoon.attestation.measure.ovmf_sev import parse_sev_firmware
from cocoon.attestation.measure.snp_launch import KernelHashes, launch_digest
from cocoon.attestation.measurements import REPORT_DATA_BYTES, SnpMeasurements


@dataclass(frozen=True, slots=True)
class SnpHost:
    """What an SEV-SNP host adds.

    Attributes:
        vcpus: virtual processors; None if not given.
        vcpu_type: QEMU's name of their model; None if not given.
        guest_policy: the policy that QEMU launches with.
        host_data: 32 bytes that the host chooses; zero if it does not.
        id_key_digest: of the key that signs the ID block, 48 bytes; zero without one.
        author_key_digest: 48 bytes; zero without one.
        family_id: 16 bytes.
        image_id: 16 bytes.
    """

    vcpus: int | None = None
    vcpu_type: str | None = None
    guest_policy: int = 0x30000
    host_data: bytes = bytes(32)
    id_key_digest: bytes = bytes(48)
    author_key_digest: bytes = bytes(48)
    family_id: bytes = bytes(16)
    image_id: bytes = bytes(16)


def snp_register(boot: Boot, host: SnpHost, given: bytes | None) -> Register:
    """The launch digest of an SEV-SNP guest.

    Raises:
        ConfigError: a file is malformed, or the given digest is not what the files give.
    """
    return with_given(_launch(boot, host), given)


def snp_measurements(register: Register, host: SnpHost) -> SnpMeasurements | None:
    """The measurements of a report, without report data; None while the digest is missing."""
    if register.value is None:
        return None
    return SnpMeasurements(
        measurement=register.value,
        host_data=host.host_data,
        id_key_digest=host.id_key_digest,
        author_key_digest=host.author_key_digest,
        family_id=host.family_id,
        image_id=host.image_id,
        guest_policy=host.guest_policy,
        vmpl=0,
        report_data=bytes(REPORT_DATA_BYTES),
    )


def _launch(boot: Boot, host: SnpHost) -> Register:
    missing = missing_register(
        "launch_digest",
        firmware=boot.firmware,
        kernel=boot.kernel,
        command_line=boot.cmdline,
        vcpus=host.vcpus,
        vcpu_type=host.vcpu_type,
    )
    if missing:
        return missing
    assert boot.firmware is not None
    assert boot.kernel is not None
    assert boot.cmdline is not None
    assert host.vcpus is not None
    assert host.vcpu_type is not None
    parts = boot.initrd.read() if boot.initrd else ()
    digest = launch_digest(
        parse_sev_firmware(boot.firmware),
        vcpus=host.vcpus,
        vcpu_type=host.vcpu_type,
        hashes=KernelHashes.of(boot.kernel, parts, boot.cmdline),
    )
    return Register("launch_digest", digest, Origin.COMPUTED)
