"""From a key manager's configuration file to what the role is started with."""

from cocoon.chain.root_config import RootConfig
from cocoon.cli.config import key_manager_tables as tables
from cocoon.cli.config.attestation_page import page_of
from cocoon.cli.config.chain import backend_maker, root_address
from cocoon.cli.config.common import http_port, root_config
from cocoon.cli.config.sealing import seal_notes, unsealer
from cocoon.cli.config.trust import Trust
from cocoon.key_manager.approval import ApprovalRules
from cocoon.key_manager.chain_root import OwnedChainRoot
from cocoon.key_manager.records import Rotation
from cocoon.key_manager.settings import KeyManagerSettings, PeerPort, Predecessor
from cocoon.key_manager.vault import SEAL_NAME
from cocoon.net.root_source import FixedRoot, RootSource
from cocoon.wire.key_manager import KeyKind


def key_manager_settings(file: tables.KeyManagerFile, trust: Trust) -> KeyManagerSettings:
    """Settings of the key-manager role.

    Raises:
        ConfigError: something is missing, or a file cannot be used.
        ChainError: TON cannot be reached, or there is no root contract.
    """
    root = root_config(file)
    trust.notes += seal_notes(file.seal, "the master secret")
    rotation = file.rotation
    return KeyManagerSettings(
        directory=file.directory,
        unseal=unsealer(file.seal, file.identity, SEAL_NAME),
        root=root,
        root_source=lambda: _root_source(file, root),
        identity=trust.identity,
        peers=PeerPort(
            host=file.peers.host,
            port=tables.KEY_MANAGER_PORT if file.peers.port is None else file.peers.port,
            policy=trust.policy(file.peers.policy, "peers"),
            pow_difficulty=file.peers.pow_difficulty,
        ),
        handovers=_handovers(file, trust),
        rules=approval_rules(file),
        predecessor=_predecessor(file.predecessor, trust),
        create=file.create,
        rotation=Rotation(
            tuple(KeyKind(kind) for kind in rotation.kinds), rotation.lifetime, rotation.overlap
        ),
        is_test=file.is_test,
        image_hash=trust.image_hash,
        attestation=page_of("key-manager", trust),
        http_host=file.http.host,
        http_port=http_port(file.http, tables.KEY_MANAGER_HTTP_PORT),
    )


def approval_rules(file: tables.KeyManagerFile) -> ApprovalRules:
    """Whose word lets an image take over.

    Raises:
        ConfigError: owners and threshold do not go together.
    """
    table = file.handover
    return ApprovalRules(
        owners=frozenset(table.owners),
        threshold=table.threshold,
        time_lock=table.time_lock,
        root_list=table.root_list,
    )


def _handovers(file: tables.KeyManagerFile, trust: Trust) -> PeerPort | None:
    table = file.handover
    if not table.enabled:
        return None
    return PeerPort(
        host=table.host,
        port=tables.HANDOVER_PORT if table.port is None else table.port,
        policy=trust.policy(table.policy, "next key managers"),
        pow_difficulty=file.peers.pow_difficulty,
    )


def _predecessor(table: tables.PredecessorTable, trust: Trust) -> Predecessor | None:
    if table.at is None:
        return None
    host, port = table.at
    policy = trust.policy(table.policy, "the predecessor")
    return Predecessor(host=host, port=port, policy=policy, manager_id=table.manager_id)


def _root_source(file: tables.KeyManagerFile, root: RootConfig) -> RootSource:
    if file.chain.kind == "simulated":
        return FixedRoot(root)
    backend = backend_maker(file.chain, testnet=file.is_testnet)()
    seconds = file.chain.root_seconds
    return OwnedChainRoot(backend, root_address(file), (seconds, 2 * seconds), initial=root)
