"""AMD's certificates and revocation lists for SEV-SNP.

Source: AMD 57230 "VCEK Certificate and KDS Interface": root key (ARK), signing keys (ASK for
chips, ASVK for cloud providers) and leaves (VCEK, VLEK); RSA-PSS with SHA-384 above, P-384 below.
"""

import warnings

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID, SignatureAlgorithmOID

from cocoon.errors import EvidenceError

MAX_CERTIFICATE_BYTES = 4096
"""AMD's have 1.3 to 1.7 kB."""
MAX_CRL_BYTES = 65_536
MIN_RSA_BITS = 2048
"""AMD's keys have 4096; those of a devnet may be smaller."""

MALFORMED = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


def load_certificate(der: bytes, name: str) -> x509.Certificate:
    """Parse a certificate of AMD's.

    Args:
        der: the certificate.
        name: which one, for messages.

    Raises:
        EvidenceError: malformed or too large.
    """
    if len(der) > MAX_CERTIFICATE_BYTES:
        raise EvidenceError(f"{name}: {len(der)} bytes, at most {MAX_CERTIFICATE_BYTES} are read")
    try:
        with warnings.catch_warnings():
            # Every VCEK has the serial number 0, which RFC 5280 forbids.
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            certificate = x509.load_der_x509_certificate(der)
    except MALFORMED as error:
        raise EvidenceError(f"{name}: malformed") from error
    _require_one_form(der, certificate.signature, name)
    return certificate


def load_crl(der: bytes, name: str) -> x509.CertificateRevocationList:
    """Parse a revocation list.

    Raises:
        EvidenceError: malformed or too large.
    """
    if len(der) > MAX_CRL_BYTES:
        raise EvidenceError(f"{name}: {len(der)} bytes, at most {MAX_CRL_BYTES} are read")
    try:
        crl = x509.load_der_x509_crl(der)
    except MALFORMED as error:
        raise EvidenceError(f"{name}: malformed") from error
    _require_one_form(der, crl.signature, name)
    return crl


def require_authority(
    certificate: x509.Certificate, issuer: x509.Certificate, common_name: str
) -> None:
    """Check a root's or signing key's certificate: its form, its name and who signed it.

    Args:
        certificate: the one to check.
        issuer: the same again for a root.
        common_name: what the subject's common name must end with.

    Raises:
        EvidenceError: names the certificate and what is wrong.
    """
    try:
        if not common_name_of(certificate).endswith(common_name):
            raise EvidenceError(f"{common_name}: the certificate is of another authority")
        _require_rsa(certificate, common_name)
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        if not (constraints.ca and usage.key_cert_sign):
            raise EvidenceError(f"{common_name}: the certificate is not for an authority")
        require_no_critical(
            certificate.extensions, common_name, x509.BasicConstraints, x509.KeyUsage
        )
    except x509.ExtensionNotFound as error:
        raise EvidenceError(f"{common_name}: the certificate is not for an authority") from error
    except MALFORMED as error:
        raise EvidenceError(f"{common_name}: malformed certificate") from error
    require_issued(certificate, issuer, common_name)


def require_issued(certificate: x509.Certificate, issuer: x509.Certificate, name: str) -> None:
    """Check that one certificate is signed by another's key, with RSA-PSS and SHA-384.

    Raises:
        EvidenceError: it is not.
    """
    try:
        _require_pss(certificate, f"{name}: the certificate")
        certificate.verify_directly_issued_by(issuer)
    except (*MALFORMED, InvalidSignature) as error:
        issuer_name = common_name_of(issuer)
        raise EvidenceError(f"{name}: the certificate is not signed by {issuer_name}") from error


def require_crl(crl: x509.CertificateRevocationList, root: x509.Certificate, name: str) -> None:
    """Check that a revocation list is whole and signed by the root; not its dates.

    Raises:
        EvidenceError: it is not, or it does not say when it ends.
    """
    key = root.public_key()
    try:
        _require_pss(crl, name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            is_named = crl.issuer == root.subject
        if not is_named or not isinstance(key, rsa.RSAPublicKey):
            raise EvidenceError(f"{name}: it is of another issuer than {common_name_of(root)}")
        if not root.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign:
            raise EvidenceError(f"{name}: {common_name_of(root)} may not sign lists")
        if not crl.is_signature_valid(key):
            raise EvidenceError(f"{name}: it is not signed by {common_name_of(root)}")
        # A critical extension could make it a list of a part only.
        require_no_critical(crl.extensions, name)
        if crl.next_update_utc is None:
            raise EvidenceError(f"{name}: it never ends")
    except (*MALFORMED, x509.ExtensionNotFound) as error:
        raise EvidenceError(f"{name}: malformed") from error


def require_valid_at(certificate: x509.Certificate, now: int, name: str) -> None:
    """Check a certificate's dates.

    Raises:
        EvidenceError: it has expired or is not valid yet.
    """
    if now < certificate.not_valid_before_utc.timestamp():
        raise EvidenceError(
            f"{name}: the certificate is not valid before {certificate.not_valid_before_utc}",
            fix="set the clock of this machine",
        )
    if now > certificate.not_valid_after_utc.timestamp():
        raise EvidenceError(
            f"{name}: the certificate expired on {certificate.not_valid_after_utc}",
            fix="fetch the current one from AMD's key distribution service",
        )


def require_current(crl: x509.CertificateRevocationList, now: int, name: str) -> None:
    """Check a revocation list's dates.

    Raises:
        EvidenceError: it is outdated or from the future.
    """
    start, end = crl.last_update_utc, crl.next_update_utc
    if now < start.timestamp():
        raise EvidenceError(
            f"{name}: it is not valid before {start}", fix="set the clock of this machine"
        )
    if end is None or now > end.timestamp():
        raise EvidenceError(
            f"{name}: it expired on {end}", fix="fetch newer SEV-SNP collateral from AMD"
        )


def common_name_of(certificate: x509.Certificate) -> str:
    """The subject's one common name; empty when it has none or several."""
    with warnings.catch_warnings():
        # A name with a country of three letters is no reason to write to a node's log.
        warnings.simplefilter("ignore", UserWarning)
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if len(names) == 1 else ""


def _require_one_form(der: bytes, signature: bytes, name: str) -> None:
    """The count of unused bits before the signature is not signed; it has one right value."""
    if der[-len(signature) - 1] != 0:
        raise EvidenceError(f"{name}: malformed")


def _require_pss(item: x509.Certificate | x509.CertificateRevocationList, name: str) -> None:
    is_pss = item.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS
    if not (is_pss and isinstance(item.signature_hash_algorithm, hashes.SHA384)):
        raise EvidenceError(f"{name} is not signed with RSA-PSS and SHA-384")


def _require_rsa(certificate: x509.Certificate, name: str) -> None:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < MIN_RSA_BITS:
        raise EvidenceError(f"{name}: the key is not RSA of {MIN_RSA_BITS} bits or more")


def require_no_critical(
    extensions: x509.Extensions, name: str, *known: type[x509.ExtensionType]
) -> None:
    """Check that whatever a reader must understand is understood here.

    Raises:
        EvidenceError: there is another critical extension than the known ones.
    """
    for extension in extensions:
        if extension.critical and not isinstance(extension.value, known):
            raise EvidenceError(f"{name}: unknown critical extension {extension.oid.dotted_string}")
