"""Generated from schema.tl by tools/generate_tl.py; do not edit."""

import struct
from typing import ClassVar, Self

from cocoon.tl.codec import (
    BOOL_IDS,
    BOOLS,
    READERS,
    Put,
    Reader,
    TLObject,
    bad_flags,
    flags_word,
    int256,
    presence_error,
    put_bytes,
    put_count,
    put_str,
    read_bytes,
    read_count,
    read_str,
    unknown_boxed,
)

_ID = struct.Struct("<I")
_S0 = struct.Struct("<Iq")
_S1 = struct.Struct("<q")
_S2 = struct.Struct("<I")
_S3 = struct.Struct("<Iqi")
_S4 = struct.Struct("<qi")
_S5 = struct.Struct("<Iiqi")
_S6 = struct.Struct("<iqi")
_S7 = struct.Struct("<3I3i")
_S8 = struct.Struct("<32s32s")
_S9 = struct.Struct("<I32s")
_S10 = struct.Struct("<2I3i")
_S11 = struct.Struct("<3Ii")
_S12 = struct.Struct("<i")
_S13 = struct.Struct("<32s")
_S14 = struct.Struct("<Ii32s")
_S15 = struct.Struct("<2Ii")
_S16 = struct.Struct("<32sI")
_S17 = struct.Struct("<3I2i")
_S18 = struct.Struct("<2I2i")
_S19 = struct.Struct("<Ii")
_S20 = struct.Struct("<5i")
_S21 = struct.Struct("<5i2q6i2q")
_S22 = struct.Struct("<i3q32si")
_S23 = struct.Struct("<i4q32si")
_S24 = struct.Struct("<2qi")
_S25 = struct.Struct("<i32s")
_S26 = struct.Struct("<iq")
_S27 = struct.Struct("<2i")
_S28 = struct.Struct("<I32s2I3i")
_S29 = struct.Struct("<32s2I3i")
_S30 = struct.Struct("<I5q")
_S31 = struct.Struct("<5q")
_S32 = struct.Struct("<I2i")
_S33 = struct.Struct("<I32sq")
_S34 = struct.Struct("<32sq")
_S35 = struct.Struct("<2q")
_S36 = struct.Struct("<I32s5q")
_S37 = struct.Struct("<32s5q")
_S38 = struct.Struct("<Ii5q")
_S39 = struct.Struct("<4d")
_S40 = struct.Struct("<i5q")
_S41 = struct.Struct("<I32si")
_S42 = struct.Struct("<32si")
_S43 = struct.Struct("<4i")
_S44 = struct.Struct("<I4i")
_S45 = struct.Struct("<3q")
_S46 = struct.Struct("<2d")
_S47 = struct.Struct("<I3i")
_S48 = struct.Struct("<3i")
_S49 = struct.Struct("<2id32si")
_S50 = struct.Struct("<2id32s2i")
_S51 = struct.Struct("<qd32s")
_S52 = struct.Struct("<qd32si")
_S53 = struct.Struct("<I3q")
_S54 = struct.Struct("<2I")
_S55 = struct.Struct("<2id32si32s")
_S56 = struct.Struct("<qd32si32si")


class TcpPing(TLObject, frozen=True, gc=False):
    """``tcp.ping`` of type ``tcp.Packet``."""

    ID: ClassVar[int] = 0xBBE9627C
    NAME: ClassVar[str] = "tcp.ping"
    RESULT: ClassVar[str] = "tcp.Packet"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("id", "long"),
    )

    id: int

    def _write(self, put: Put) -> None:
        put(_S0.pack(0xBBE9627C, self.id))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        id, = _S1.unpack_from(data, pos)
        pos += 8
        return cls(id), pos


class TcpPong(TLObject, frozen=True, gc=False):
    """``tcp.pong`` of type ``tcp.Packet``."""

    ID: ClassVar[int] = 0x0BD4302C
    NAME: ClassVar[str] = "tcp.pong"
    RESULT: ClassVar[str] = "tcp.Packet"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("id", "long"),
    )

    id: int

    def _write(self, put: Put) -> None:
        put(_S0.pack(0x0BD4302C, self.id))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        id, = _S1.unpack_from(data, pos)
        pos += 8
        return cls(id), pos


class TcpPacket(TLObject, frozen=True, gc=False):
    """``tcp.packet`` of type ``tcp.Packet``."""

    ID: ClassVar[int] = 0x9C17BAF8
    NAME: ClassVar[str] = "tcp.packet"
    RESULT: ClassVar[str] = "tcp.Packet"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("data", "bytes"),
    )

    data: bytes

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x9C17BAF8))
        put_bytes(put, self.data)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        data, pos = read_bytes(data, pos, size)
        return cls(data), pos


class TcpQueryAnswer(TLObject, frozen=True, gc=False):
    """``tcp.queryAnswer`` of type ``tcp.Packet``."""

    ID: ClassVar[int] = 0xC048C311
    NAME: ClassVar[str] = "tcp.queryAnswer"
    RESULT: ClassVar[str] = "tcp.Packet"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("id", "long"),
        ("data", "bytes"),
    )

    id: int
    data: bytes

    def _write(self, put: Put) -> None:
        put(_S0.pack(0xC048C311, self.id))
        put_bytes(put, self.data)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        id, = _S1.unpack_from(data, pos)
        pos += 8
        data, pos = read_bytes(data, pos, size)
        return cls(id, data), pos


class TcpQueryError(TLObject, frozen=True, gc=False):
    """``tcp.queryError`` of type ``tcp.Packet``."""

    ID: ClassVar[int] = 0x4CD2F602
    NAME: ClassVar[str] = "tcp.queryError"
    RESULT: ClassVar[str] = "tcp.Packet"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("id", "long"),
        ("code", "int"),
        ("message", "string"),
    )

    id: int
    code: int
    message: str

    def _write(self, put: Put) -> None:
        put(_S3.pack(0x4CD2F602, self.id, self.code))
        put_str(put, self.message)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        id, code = _S4.unpack_from(data, pos)
        pos += 12
        message, pos = read_str(data, pos, size)
        return cls(id, code, message), pos


class TcpQuery(TLObject, frozen=True, gc=False):
    """``tcp.query`` of type ``tcp.Packet``."""

    ID: ClassVar[int] = 0x3AF51908
    NAME: ClassVar[str] = "tcp.query"
    RESULT: ClassVar[str] = "tcp.Packet"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("id", "long"),
        ("data", "bytes"),
    )

    id: int
    data: bytes

    def _write(self, put: Put) -> None:
        put(_S0.pack(0x3AF51908, self.id))
        put_bytes(put, self.data)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        id, = _S1.unpack_from(data, pos)
        pos += 8
        data, pos = read_bytes(data, pos, size)
        return cls(id, data), pos


class TcpConnected(TLObject, frozen=True, gc=False):
    """``tcp.connected`` of type ``tcp.Packet``."""

    ID: ClassVar[int] = 0x636D41D6
    NAME: ClassVar[str] = "tcp.connected"
    RESULT: ClassVar[str] = "tcp.Packet"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("id", "long"),
    )

    id: int

    def _write(self, put: Put) -> None:
        put(_S0.pack(0x636D41D6, self.id))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        id, = _S1.unpack_from(data, pos)
        pos += 8
        return cls(id), pos


class TcpConnect(TLObject, frozen=True, gc=False):
    """``tcp.connect`` of type ``tcp.Packet``."""

    ID: ClassVar[int] = 0xA57C4261
    NAME: ClassVar[str] = "tcp.connect"
    RESULT: ClassVar[str] = "tcp.Packet"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("id", "long"),
    )

    id: int

    def _write(self, put: Put) -> None:
        put(_S0.pack(0xA57C4261, self.id))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        id, = _S1.unpack_from(data, pos)
        pos += 8
        return cls(id), pos


class TonBlockIdExt(TLObject, frozen=True, gc=False):
    """``ton.blockIdExt`` of type ``ton.BlockIdExt``."""

    ID: ClassVar[int] = 0xBC3F6DA5
    NAME: ClassVar[str] = "ton.blockIdExt"
    RESULT: ClassVar[str] = "ton.BlockIdExt"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("workchain", "int"),
        ("shard", "long"),
        ("seqno", "int"),
        ("root_hash", "bytes"),
        ("file_hash", "bytes"),
    )

    workchain: int
    shard: int
    seqno: int
    root_hash: bytes
    file_hash: bytes

    def _write(self, put: Put) -> None:
        put(_S5.pack(0xBC3F6DA5, self.workchain, self.shard, self.seqno))
        put_bytes(put, self.root_hash)
        put_bytes(put, self.file_hash)

    def _write_bare(self, put: Put) -> None:
        put(_S6.pack(self.workchain, self.shard, self.seqno))
        put_bytes(put, self.root_hash)
        put_bytes(put, self.file_hash)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        workchain, shard, seqno = _S6.unpack_from(data, pos)
        pos += 16
        root_hash, pos = read_bytes(data, pos, size)
        file_hash, pos = read_bytes(data, pos, size)
        return cls(workchain, shard, seqno, root_hash, file_hash), pos


class TestAnswer(TLObject, frozen=True, gc=False):
    """``test.answer`` of type ``test.Answer``."""

    ID: ClassVar[int] = 0x0D4FCDB6
    NAME: ClassVar[str] = "test.answer"
    RESULT: ClassVar[str] = "test.Answer"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("id", "long"),
    )

    id: int

    def _write(self, put: Put) -> None:
        put(_S0.pack(0x0D4FCDB6, self.id))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        id, = _S1.unpack_from(data, pos)
        pos += 8
        return cls(id), pos


class ProxyRunnerConfig(TLObject, frozen=True, gc=False):
    """``proxyRunner.config`` of type ``proxyRunner.Config``."""

    ID: ClassVar[int] = 0x5BF5E272
    NAME: ClassVar[str] = "proxyRunner.config"
    RESULT: ClassVar[str] = "proxyRunner.Config"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("is_test", "Bool"),
        ("is_testnet", "Bool"),
        ("workers_rpc_port", "int"),
        ("client_rpc_port", "int"),
        ("http_port", "int"),
        ("owner_address", "string"),
        ("root_contract_address", "string"),
        ("machine_specific_private_key", "int256"),
        ("node_wallet_key", "int256"),
        ("ton_config_filename", "string"),
        ("db_path", "string"),
        ("check_worker_hashes", "Bool"),
        ("image_hash", "int256"),
        ("http_access_hash", "string"),
    )

    is_test: bool
    is_testnet: bool
    workers_rpc_port: int
    client_rpc_port: int
    http_port: int
    owner_address: str
    root_contract_address: str
    machine_specific_private_key: bytes
    node_wallet_key: bytes
    ton_config_filename: str
    db_path: str
    check_worker_hashes: bool
    image_hash: bytes
    http_access_hash: str

    def _write(self, put: Put) -> None:
        put(_S7.pack(0x5BF5E272, BOOL_IDS[self.is_test], BOOL_IDS[self.is_testnet], self.workers_rpc_port, self.client_rpc_port, self.http_port))
        put_str(put, self.owner_address)
        put_str(put, self.root_contract_address)
        put(_S8.pack(int256(self.machine_specific_private_key), int256(self.node_wallet_key)))
        put_str(put, self.ton_config_filename)
        put_str(put, self.db_path)
        put(_S9.pack(BOOL_IDS[self.check_worker_hashes], int256(self.image_hash)))
        put_str(put, self.http_access_hash)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        t1, t2, workers_rpc_port, client_rpc_port, http_port = _S10.unpack_from(data, pos)
        pos += 20
        is_test = BOOLS[t1]
        is_testnet = BOOLS[t2]
        owner_address, pos = read_str(data, pos, size)
        root_contract_address, pos = read_str(data, pos, size)
        machine_specific_private_key, node_wallet_key = _S8.unpack_from(data, pos)
        pos += 64
        ton_config_filename, pos = read_str(data, pos, size)
        db_path, pos = read_str(data, pos, size)
        t3, image_hash = _S9.unpack_from(data, pos)
        pos += 36
        check_worker_hashes = BOOLS[t3]
        http_access_hash, pos = read_str(data, pos, size)
        return cls(is_test, is_testnet, workers_rpc_port, client_rpc_port, http_port, owner_address, root_contract_address, machine_specific_private_key, node_wallet_key, ton_config_filename, db_path, check_worker_hashes, image_hash, http_access_hash), pos


class WorkerRunnerConfig(TLObject, frozen=True, gc=False):
    """``workerRunner.config`` of type ``workerRunner.Config``."""

    ID: ClassVar[int] = 0x870DB56D
    NAME: ClassVar[str] = "workerRunner.config"
    RESULT: ClassVar[str] = "workerRunner.Config"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("is_test", "Bool"),
        ("is_testnet", "Bool"),
        ("http_port", "int"),
        ("owner_address", "string"),
        ("proxy_connections", "int"),
        ("connect_to_proxy_via", "string"),
        ("model_name", "string"),
        ("coefficient", "int"),
        ("root_contract_address", "string"),
        ("node_wallet_key", "int256"),
        ("forward_requests_to", "string"),
        ("ton_config_filename", "string"),
        ("check_proxy_hashes", "Bool"),
        ("max_active_requests", "int"),
        ("image_hash", "int256"),
        ("http_access_hash", "string"),
    )

    is_test: bool
    is_testnet: bool
    http_port: int
    owner_address: str
    proxy_connections: int
    connect_to_proxy_via: str
    model_name: str
    coefficient: int
    root_contract_address: str
    node_wallet_key: bytes
    forward_requests_to: str
    ton_config_filename: str
    check_proxy_hashes: bool
    max_active_requests: int
    image_hash: bytes
    http_access_hash: str

    def _write(self, put: Put) -> None:
        put(_S11.pack(0x870DB56D, BOOL_IDS[self.is_test], BOOL_IDS[self.is_testnet], self.http_port))
        put_str(put, self.owner_address)
        put(_S12.pack(self.proxy_connections))
        put_str(put, self.connect_to_proxy_via)
        put_str(put, self.model_name)
        put(_S12.pack(self.coefficient))
        put_str(put, self.root_contract_address)
        put(_S13.pack(int256(self.node_wallet_key)))
        put_str(put, self.forward_requests_to)
        put_str(put, self.ton_config_filename)
        put(_S14.pack(BOOL_IDS[self.check_proxy_hashes], self.max_active_requests, int256(self.image_hash)))
        put_str(put, self.http_access_hash)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        t1, t2, http_port = _S15.unpack_from(data, pos)
        pos += 12
        is_test = BOOLS[t1]
        is_testnet = BOOLS[t2]
        owner_address, pos = read_str(data, pos, size)
        proxy_connections, = _S12.unpack_from(data, pos)
        pos += 4
        connect_to_proxy_via, pos = read_str(data, pos, size)
        model_name, pos = read_str(data, pos, size)
        coefficient, = _S12.unpack_from(data, pos)
        pos += 4
        root_contract_address, pos = read_str(data, pos, size)
        node_wallet_key, = _S13.unpack_from(data, pos)
        pos += 32
        forward_requests_to, pos = read_str(data, pos, size)
        ton_config_filename, pos = read_str(data, pos, size)
        t3, max_active_requests, image_hash = _S14.unpack_from(data, pos)
        pos += 40
        check_proxy_hashes = BOOLS[t3]
        http_access_hash, pos = read_str(data, pos, size)
        return cls(is_test, is_testnet, http_port, owner_address, proxy_connections, connect_to_proxy_via, model_name, coefficient, root_contract_address, node_wallet_key, forward_requests_to, ton_config_filename, check_proxy_hashes, max_active_requests, image_hash, http_access_hash), pos


class ClientRunnerConfig(TLObject, frozen=True, gc=False):
    """``clientRunner.config`` of type ``clientRunner.Config``."""

    ID: ClassVar[int] = 0xAF0BD51F
    NAME: ClassVar[str] = "clientRunner.config"
    RESULT: ClassVar[str] = "clientRunner.Config"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("is_test", "Bool"),
        ("is_testnet", "Bool"),
        ("http_port", "int"),
        ("owner_address", "string"),
        ("proxy_connections", "int"),
        ("connect_to_proxy_via", "string"),
        ("root_contract_address", "string"),
        ("node_wallet_key", "int256"),
        ("check_proxy_hashes", "Bool"),
        ("secret_string", "string"),
        ("ton_config_filename", "string"),
        ("http_access_hash", "string"),
    )

    is_test: bool
    is_testnet: bool
    http_port: int
    owner_address: str
    proxy_connections: int
    connect_to_proxy_via: str
    root_contract_address: str
    node_wallet_key: bytes
    check_proxy_hashes: bool
    secret_string: str
    ton_config_filename: str
    http_access_hash: str

    def _write(self, put: Put) -> None:
        put(_S11.pack(0xAF0BD51F, BOOL_IDS[self.is_test], BOOL_IDS[self.is_testnet], self.http_port))
        put_str(put, self.owner_address)
        put(_S12.pack(self.proxy_connections))
        put_str(put, self.connect_to_proxy_via)
        put_str(put, self.root_contract_address)
        put(_S16.pack(int256(self.node_wallet_key), BOOL_IDS[self.check_proxy_hashes]))
        put_str(put, self.secret_string)
        put_str(put, self.ton_config_filename)
        put_str(put, self.http_access_hash)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        t1, t2, http_port = _S15.unpack_from(data, pos)
        pos += 12
        is_test = BOOLS[t1]
        is_testnet = BOOLS[t2]
        owner_address, pos = read_str(data, pos, size)
        proxy_connections, = _S12.unpack_from(data, pos)
        pos += 4
        connect_to_proxy_via, pos = read_str(data, pos, size)
        root_contract_address, pos = read_str(data, pos, size)
        node_wallet_key, t3 = _S16.unpack_from(data, pos)
        pos += 36
        check_proxy_hashes = BOOLS[t3]
        secret_string, pos = read_str(data, pos, size)
        ton_config_filename, pos = read_str(data, pos, size)
        http_access_hash, pos = read_str(data, pos, size)
        return cls(is_test, is_testnet, http_port, owner_address, proxy_connections, connect_to_proxy_via, root_contract_address, node_wallet_key, check_proxy_hashes, secret_string, ton_config_filename, http_access_hash), pos


class KeyStorageRunnerConfig(TLObject, frozen=True, gc=False):
    """``keyStorageRunner.config`` of type ``keyStorageRunner.Config``."""

    ID: ClassVar[int] = 0xD7874E40
    NAME: ClassVar[str] = "keyStorageRunner.config"
    RESULT: ClassVar[str] = "keyStorageRunner.Config"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("is_test", "Bool"),
        ("is_testnet", "Bool"),
        ("rpc_port", "int"),
        ("http_port", "int"),
        ("root_contract_address", "string"),
        ("machine_specific_private_key", "int256"),
        ("ton_config_filename", "string"),
        ("db_path", "string"),
        ("check_hashes", "Bool"),
        ("image_hash", "int256"),
        ("http_access_hash", "string"),
    )

    is_test: bool
    is_testnet: bool
    rpc_port: int
    http_port: int
    root_contract_address: str
    machine_specific_private_key: bytes
    ton_config_filename: str
    db_path: str
    check_hashes: bool
    image_hash: bytes
    http_access_hash: str

    def _write(self, put: Put) -> None:
        put(_S17.pack(0xD7874E40, BOOL_IDS[self.is_test], BOOL_IDS[self.is_testnet], self.rpc_port, self.http_port))
        put_str(put, self.root_contract_address)
        put(_S13.pack(int256(self.machine_specific_private_key)))
        put_str(put, self.ton_config_filename)
        put_str(put, self.db_path)
        put(_S9.pack(BOOL_IDS[self.check_hashes], int256(self.image_hash)))
        put_str(put, self.http_access_hash)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        t1, t2, rpc_port, http_port = _S18.unpack_from(data, pos)
        pos += 16
        is_test = BOOLS[t1]
        is_testnet = BOOLS[t2]
        root_contract_address, pos = read_str(data, pos, size)
        machine_specific_private_key, = _S13.unpack_from(data, pos)
        pos += 32
        ton_config_filename, pos = read_str(data, pos, size)
        db_path, pos = read_str(data, pos, size)
        t3, image_hash = _S9.unpack_from(data, pos)
        pos += 36
        check_hashes = BOOLS[t3]
        http_access_hash, pos = read_str(data, pos, size)
        return cls(is_test, is_testnet, rpc_port, http_port, root_contract_address, machine_specific_private_key, ton_config_filename, db_path, check_hashes, image_hash, http_access_hash), pos


class RootConfigRegisteredProxy(TLObject, frozen=True, gc=False):
    """``rootConfig.registeredProxy`` of type ``rootConfig.RegisteredProxy``."""

    ID: ClassVar[int] = 0x9F4E446A
    NAME: ClassVar[str] = "rootConfig.registeredProxy"
    RESULT: ClassVar[str] = "rootConfig.RegisteredProxy"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("seqno", "int"),
        ("address", "string"),
    )

    seqno: int
    address: str

    def _write(self, put: Put) -> None:
        put(_S19.pack(0x9F4E446A, self.seqno))
        put_str(put, self.address)

    def _write_bare(self, put: Put) -> None:
        put(_S12.pack(self.seqno))
        put_str(put, self.address)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        seqno, = _S12.unpack_from(data, pos)
        pos += 4
        address, pos = read_str(data, pos, size)
        return cls(seqno, address), pos


class RootConfigPseudo(TLObject, frozen=True, gc=False):
    """``rootConfig.pseudo`` of type ``rootConfig.Config``."""

    ID: ClassVar[int] = 0x87A976CC
    NAME: ClassVar[str] = "rootConfig.pseudo"
    RESULT: ClassVar[str] = "rootConfig.Config"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("proxy_hashes", "vector int256"),
        ("worker_hashes", "vector int256"),
        ("model_hashes", "vector int256"),
        ("model_types", "vector string"),
        ("registered_proxies", "vector rootConfig.registeredProxy"),
        ("price_per_token", "int"),
        ("worker_fee_per_token", "int"),
        ("last_proxy_seqno", "int"),
        ("version", "int"),
        ("params_version", "int"),
        ("proxy_sc_code", "string"),
        ("worker_sc_code", "string"),
        ("client_sc_code", "string"),
        ("root_owner_address", "string"),
    )

    proxy_hashes: tuple[bytes, ...]
    worker_hashes: tuple[bytes, ...]
    model_hashes: tuple[bytes, ...]
    model_types: tuple[str, ...]
    registered_proxies: tuple[RootConfigRegisteredProxy, ...]
    price_per_token: int
    worker_fee_per_token: int
    last_proxy_seqno: int
    version: int
    params_version: int
    proxy_sc_code: str
    worker_sc_code: str
    client_sc_code: str
    root_owner_address: str

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x87A976CC))
        put_count(put, len(self.proxy_hashes))
        for t1 in self.proxy_hashes:
            put(_S13.pack(int256(t1)))
        put_count(put, len(self.worker_hashes))
        for t2 in self.worker_hashes:
            put(_S13.pack(int256(t2)))
        put_count(put, len(self.model_hashes))
        for t3 in self.model_hashes:
            put(_S13.pack(int256(t3)))
        put_count(put, len(self.model_types))
        for t4 in self.model_types:
            put_str(put, t4)
        put_count(put, len(self.registered_proxies))
        for t5 in self.registered_proxies:
            t5._write_bare(put)
        put(_S20.pack(self.price_per_token, self.worker_fee_per_token, self.last_proxy_seqno, self.version, self.params_version))
        put_str(put, self.proxy_sc_code)
        put_str(put, self.worker_sc_code)
        put_str(put, self.client_sc_code)
        put_str(put, self.root_owner_address)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        t6, pos = read_count(data, pos, size, 32)
        t7: list[bytes] = []
        for _ in range(t6):
            t8, = _S13.unpack_from(data, pos)
            pos += 32
            t7.append(t8)
        proxy_hashes = tuple(t7)
        t9, pos = read_count(data, pos, size, 32)
        t10: list[bytes] = []
        for _ in range(t9):
            t11, = _S13.unpack_from(data, pos)
            pos += 32
            t10.append(t11)
        worker_hashes = tuple(t10)
        t12, pos = read_count(data, pos, size, 32)
        t13: list[bytes] = []
        for _ in range(t12):
            t14, = _S13.unpack_from(data, pos)
            pos += 32
            t13.append(t14)
        model_hashes = tuple(t13)
        t15, pos = read_count(data, pos, size, 4)
        t16: list[str] = []
        for _ in range(t15):
            t17, pos = read_str(data, pos, size)
            t16.append(t17)
        model_types = tuple(t16)
        t18, pos = read_count(data, pos, size, 8)
        t19: list[RootConfigRegisteredProxy] = []
        for _ in range(t18):
            t20, pos = RootConfigRegisteredProxy._read(data, pos, size)
            t19.append(t20)
        registered_proxies = tuple(t19)
        price_per_token, worker_fee_per_token, last_proxy_seqno, version, params_version = _S20.unpack_from(data, pos)
        pos += 20
        proxy_sc_code, pos = read_str(data, pos, size)
        worker_sc_code, pos = read_str(data, pos, size)
        client_sc_code, pos = read_str(data, pos, size)
        root_owner_address, pos = read_str(data, pos, size)
        return cls(proxy_hashes, worker_hashes, model_hashes, model_types, registered_proxies, price_per_token, worker_fee_per_token, last_proxy_seqno, version, params_version, proxy_sc_code, worker_sc_code, client_sc_code, root_owner_address), pos


class RootConfigConfigV5(TLObject, frozen=True, gc=False):
    """``rootConfig.configV5`` of type ``rootConfig.Config``."""

    ID: ClassVar[int] = 0x5E84869B
    NAME: ClassVar[str] = "rootConfig.configV5"
    RESULT: ClassVar[str] = "rootConfig.Config"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("root_owner_address", "string"),
        ("proxy_hashes", "vector int256"),
        ("registered_proxies", "vector rootConfig.registeredProxy"),
        ("last_proxy_seqno", "int"),
        ("worker_hashes", "vector int256"),
        ("model_hashes", "vector int256"),
        ("version", "int"),
        ("struct_version", "int"),
        ("params_version", "int"),
        ("unique_id", "int"),
        ("is_test", "int"),
        ("price_per_token", "long"),
        ("worker_fee_per_token", "long"),
        ("prompt_tokens_price_multiplier", "int"),
        ("cached_tokens_price_multiplier", "int"),
        ("completion_tokens_price_multiplier", "int"),
        ("reasoning_tokens_price_multiplier", "int"),
        ("proxy_delay_before_close", "int"),
        ("client_delay_before_close", "int"),
        ("min_proxy_stake", "long"),
        ("min_client_stake", "long"),
        ("proxy_sc_code", "string"),
        ("worker_sc_code", "string"),
        ("client_sc_code", "string"),
    )

    root_owner_address: str
    proxy_hashes: tuple[bytes, ...]
    registered_proxies: tuple[RootConfigRegisteredProxy, ...]
    last_proxy_seqno: int
    worker_hashes: tuple[bytes, ...]
    model_hashes: tuple[bytes, ...]
    version: int
    struct_version: int
    params_version: int
    unique_id: int
    is_test: int
    price_per_token: int
    worker_fee_per_token: int
    prompt_tokens_price_multiplier: int
    cached_tokens_price_multiplier: int
    completion_tokens_price_multiplier: int
    reasoning_tokens_price_multiplier: int
    proxy_delay_before_close: int
    client_delay_before_close: int
    min_proxy_stake: int
    min_client_stake: int
    proxy_sc_code: str
    worker_sc_code: str
    client_sc_code: str

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x5E84869B))
        put_str(put, self.root_owner_address)
        put_count(put, len(self.proxy_hashes))
        for t1 in self.proxy_hashes:
            put(_S13.pack(int256(t1)))
        put_count(put, len(self.registered_proxies))
        for t2 in self.registered_proxies:
            t2._write_bare(put)
        put(_S12.pack(self.last_proxy_seqno))
        put_count(put, len(self.worker_hashes))
        for t3 in self.worker_hashes:
            put(_S13.pack(int256(t3)))
        put_count(put, len(self.model_hashes))
        for t4 in self.model_hashes:
            put(_S13.pack(int256(t4)))
        put(_S21.pack(self.version, self.struct_version, self.params_version, self.unique_id, self.is_test, self.price_per_token, self.worker_fee_per_token, self.prompt_tokens_price_multiplier, self.cached_tokens_price_multiplier, self.completion_tokens_price_multiplier, self.reasoning_tokens_price_multiplier, self.proxy_delay_before_close, self.client_delay_before_close, self.min_proxy_stake, self.min_client_stake))
        put_str(put, self.proxy_sc_code)
        put_str(put, self.worker_sc_code)
        put_str(put, self.client_sc_code)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        root_owner_address, pos = read_str(data, pos, size)
        t5, pos = read_count(data, pos, size, 32)
        t6: list[bytes] = []
        for _ in range(t5):
            t7, = _S13.unpack_from(data, pos)
            pos += 32
            t6.append(t7)
        proxy_hashes = tuple(t6)
        t8, pos = read_count(data, pos, size, 8)
        t9: list[RootConfigRegisteredProxy] = []
        for _ in range(t8):
            t10, pos = RootConfigRegisteredProxy._read(data, pos, size)
            t9.append(t10)
        registered_proxies = tuple(t9)
        last_proxy_seqno, = _S12.unpack_from(data, pos)
        pos += 4
        t11, pos = read_count(data, pos, size, 32)
        t12: list[bytes] = []
        for _ in range(t11):
            t13, = _S13.unpack_from(data, pos)
            pos += 32
            t12.append(t13)
        worker_hashes = tuple(t12)
        t14, pos = read_count(data, pos, size, 32)
        t15: list[bytes] = []
        for _ in range(t14):
            t16, = _S13.unpack_from(data, pos)
            pos += 32
            t15.append(t16)
        model_hashes = tuple(t15)
        version, struct_version, params_version, unique_id, is_test, price_per_token, worker_fee_per_token, prompt_tokens_price_multiplier, cached_tokens_price_multiplier, completion_tokens_price_multiplier, reasoning_tokens_price_multiplier, proxy_delay_before_close, client_delay_before_close, min_proxy_stake, min_client_stake = _S21.unpack_from(data, pos)
        pos += 76
        proxy_sc_code, pos = read_str(data, pos, size)
        worker_sc_code, pos = read_str(data, pos, size)
        client_sc_code, pos = read_str(data, pos, size)
        return cls(root_owner_address, proxy_hashes, registered_proxies, last_proxy_seqno, worker_hashes, model_hashes, version, struct_version, params_version, unique_id, is_test, price_per_token, worker_fee_per_token, prompt_tokens_price_multiplier, cached_tokens_price_multiplier, completion_tokens_price_multiplier, reasoning_tokens_price_multiplier, proxy_delay_before_close, client_delay_before_close, min_proxy_stake, min_client_stake, proxy_sc_code, worker_sc_code, client_sc_code), pos


class ProxyDbClientInfo(TLObject, frozen=True, gc=False):
    """``proxyDb.clientInfo`` of type ``proxyDb.ClientInfo``."""

    ID: ClassVar[int] = 0x6CFEAA21
    NAME: ClassVar[str] = "proxyDb.clientInfo"
    RESULT: ClassVar[str] = "proxyDb.ClientInfo"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("owner_address", "string"),
        ("sc_address", "string"),
        ("status", "int"),
        ("balance", "long"),
        ("sc_tokens_used", "long"),
        ("tokens_used", "long"),
        ("secret_hash", "int256"),
        ("last_request_at", "int"),
    )

    owner_address: str
    sc_address: str
    status: int
    balance: int
    sc_tokens_used: int
    tokens_used: int
    secret_hash: bytes
    last_request_at: int

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x6CFEAA21))
        put_str(put, self.owner_address)
        put_str(put, self.sc_address)
        put(_S22.pack(self.status, self.balance, self.sc_tokens_used, self.tokens_used, int256(self.secret_hash), self.last_request_at))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        owner_address, pos = read_str(data, pos, size)
        sc_address, pos = read_str(data, pos, size)
        status, balance, sc_tokens_used, tokens_used, secret_hash, last_request_at = _S22.unpack_from(data, pos)
        pos += 64
        return cls(owner_address, sc_address, status, balance, sc_tokens_used, tokens_used, secret_hash, last_request_at), pos


class ProxyDbClientInfoV2(TLObject, frozen=True, gc=False):
    """``proxyDb.clientInfoV2`` of type ``proxyDb.ClientInfo``."""

    ID: ClassVar[int] = 0x3078C9BF
    NAME: ClassVar[str] = "proxyDb.clientInfoV2"
    RESULT: ClassVar[str] = "proxyDb.ClientInfo"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("owner_address", "string"),
        ("sc_address", "string"),
        ("status", "int"),
        ("balance", "long"),
        ("stake", "long"),
        ("sc_tokens_used", "long"),
        ("tokens_used", "long"),
        ("secret_hash", "int256"),
        ("last_request_at", "int"),
    )

    owner_address: str
    sc_address: str
    status: int
    balance: int
    stake: int
    sc_tokens_used: int
    tokens_used: int
    secret_hash: bytes
    last_request_at: int

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x3078C9BF))
        put_str(put, self.owner_address)
        put_str(put, self.sc_address)
        put(_S23.pack(self.status, self.balance, self.stake, self.sc_tokens_used, self.tokens_used, int256(self.secret_hash), self.last_request_at))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        owner_address, pos = read_str(data, pos, size)
        sc_address, pos = read_str(data, pos, size)
        status, balance, stake, sc_tokens_used, tokens_used, secret_hash, last_request_at = _S23.unpack_from(data, pos)
        pos += 72
        return cls(owner_address, sc_address, status, balance, stake, sc_tokens_used, tokens_used, secret_hash, last_request_at), pos


class ProxyDbWorkerInfo(TLObject, frozen=True, gc=False):
    """``proxyDb.workerInfo`` of type ``proxyDb.WorkerInfo``."""

    ID: ClassVar[int] = 0x2517B38F
    NAME: ClassVar[str] = "proxyDb.workerInfo"
    RESULT: ClassVar[str] = "proxyDb.WorkerInfo"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("owner_address", "string"),
        ("sc_address", "string"),
        ("sc_tokens", "long"),
        ("tokens", "long"),
        ("last_request_at", "int"),
    )

    owner_address: str
    sc_address: str
    sc_tokens: int
    tokens: int
    last_request_at: int

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x2517B38F))
        put_str(put, self.owner_address)
        put_str(put, self.sc_address)
        put(_S24.pack(self.sc_tokens, self.tokens, self.last_request_at))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        owner_address, pos = read_str(data, pos, size)
        sc_address, pos = read_str(data, pos, size)
        sc_tokens, tokens, last_request_at = _S24.unpack_from(data, pos)
        pos += 20
        return cls(owner_address, sc_address, sc_tokens, tokens, last_request_at), pos


class ProxyDbPendingBlockchainSeqnoCommit(TLObject, frozen=True, gc=False):
    """``proxyDb.pendingBlockchainSeqnoCommit`` of type ``proxyDb.PendingBlockchainSeqnoCommit``."""

    ID: ClassVar[int] = 0x525B14A9
    NAME: ClassVar[str] = "proxyDb.pendingBlockchainSeqnoCommit"
    RESULT: ClassVar[str] = "proxyDb.PendingBlockchainSeqnoCommit"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("seqno", "int"),
        ("session_hash", "int256"),
    )

    seqno: int
    session_hash: bytes

    def _write(self, put: Put) -> None:
        put(_S14.pack(0x525B14A9, self.seqno, int256(self.session_hash)))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        seqno, session_hash = _S25.unpack_from(data, pos)
        pos += 36
        return cls(seqno, session_hash), pos


class ProxyDbConfigEmpty(TLObject, frozen=True, gc=False):
    """``proxyDb.configEmpty`` of type ``proxyDb.Config``."""

    ID: ClassVar[int] = 0x43DC40B4
    NAME: ClassVar[str] = "proxyDb.configEmpty"
    RESULT: ClassVar[str] = "proxyDb.Config"

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x43DC40B4))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        return cls(), pos


class ProxyDbConfigV4(TLObject, frozen=True, gc=False):
    """``proxyDb.configV4`` of type ``proxyDb.Config``."""

    ID: ClassVar[int] = 0xBDE43703
    NAME: ClassVar[str] = "proxyDb.configV4"
    RESULT: ClassVar[str] = "proxyDb.Config"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("root_contract_address", "string"),
        ("is_testnet", "int"),
        ("root_contract_state", "rootConfig.Config"),
        ("root_contract_state_block_ts", "int"),
        ("sc_block_id", "ton.blockIdExt"),
        ("last_seqno_committed_to_blockchain", "int"),
        ("pending_blockchain_seqno_commits", "vector proxyDb.pendingBlockchainSeqnoCommit"),
    )

    root_contract_address: str
    is_testnet: int
    root_contract_state: RootConfigPseudo | RootConfigConfigV5
    root_contract_state_block_ts: int
    sc_block_id: TonBlockIdExt
    last_seqno_committed_to_blockchain: int
    pending_blockchain_seqno_commits: tuple[ProxyDbPendingBlockchainSeqnoCommit, ...]

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xBDE43703))
        put_str(put, self.root_contract_address)
        put(_S12.pack(self.is_testnet))
        _BOXED_ROOT_CONFIG_CONFIG[self.root_contract_state.ID]
        self.root_contract_state._write(put)
        put(_S12.pack(self.root_contract_state_block_ts))
        self.sc_block_id._write_bare(put)
        put(_S12.pack(self.last_seqno_committed_to_blockchain))
        put_count(put, len(self.pending_blockchain_seqno_commits))
        for t1 in self.pending_blockchain_seqno_commits:
            t2 = t1
            put(_S25.pack(t2.seqno, int256(t2.session_hash)))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        root_contract_address, pos = read_str(data, pos, size)
        is_testnet, = _S12.unpack_from(data, pos)
        pos += 4
        t3, = _ID.unpack_from(data, pos)
        t4 = _BOXED_ROOT_CONFIG_CONFIG.get(t3)
        if t4 is None:
            raise unknown_boxed("rootConfig.Config")
        root_contract_state, pos = t4(data, pos + 4, size)
        root_contract_state_block_ts, = _S12.unpack_from(data, pos)
        pos += 4
        sc_block_id, pos = TonBlockIdExt._read(data, pos, size)
        last_seqno_committed_to_blockchain, = _S12.unpack_from(data, pos)
        pos += 4
        t5, pos = read_count(data, pos, size, 36)
        t6: list[ProxyDbPendingBlockchainSeqnoCommit] = []
        for _ in range(t5):
            t8, t9 = _S25.unpack_from(data, pos)
            pos += 36
            t7 = ProxyDbPendingBlockchainSeqnoCommit(t8, t9)
            t6.append(t7)
        pending_blockchain_seqno_commits = tuple(t6)
        return cls(root_contract_address, is_testnet, root_contract_state, root_contract_state_block_ts, sc_block_id, last_seqno_committed_to_blockchain, pending_blockchain_seqno_commits), pos


class ProxyDbConfigV4Disabled(TLObject, frozen=True, gc=False):
    """``proxyDb.configV4Disabled`` of type ``proxyDb.Config``."""

    ID: ClassVar[int] = 0xAD2CFB4A
    NAME: ClassVar[str] = "proxyDb.configV4Disabled"
    RESULT: ClassVar[str] = "proxyDb.Config"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("root_contract_address", "string"),
        ("is_testnet", "int"),
        ("root_contract_state", "rootConfig.Config"),
        ("root_contract_state_block_ts", "int"),
        ("disabled_until_version", "long"),
    )

    root_contract_address: str
    is_testnet: int
    root_contract_state: RootConfigPseudo | RootConfigConfigV5
    root_contract_state_block_ts: int
    disabled_until_version: int

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xAD2CFB4A))
        put_str(put, self.root_contract_address)
        put(_S12.pack(self.is_testnet))
        _BOXED_ROOT_CONFIG_CONFIG[self.root_contract_state.ID]
        self.root_contract_state._write(put)
        put(_S26.pack(self.root_contract_state_block_ts, self.disabled_until_version))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        root_contract_address, pos = read_str(data, pos, size)
        is_testnet, = _S12.unpack_from(data, pos)
        pos += 4
        t1, = _ID.unpack_from(data, pos)
        t2 = _BOXED_ROOT_CONFIG_CONFIG.get(t1)
        if t2 is None:
            raise unknown_boxed("rootConfig.Config")
        root_contract_state, pos = t2(data, pos + 4, size)
        root_contract_state_block_ts, disabled_until_version = _S26.unpack_from(data, pos)
        pos += 12
        return cls(root_contract_address, is_testnet, root_contract_state, root_contract_state_block_ts, disabled_until_version), pos


class ProxyDbOldClient(TLObject, frozen=True, gc=False):
    """``proxyDb.oldClient`` of type ``proxyDb.OldClient``."""

    ID: ClassVar[int] = 0x2FAE7B42
    NAME: ClassVar[str] = "proxyDb.oldClient"
    RESULT: ClassVar[str] = "proxyDb.OldClient"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("owner_address", "string"),
        ("tokens", "long"),
        ("next_client", "string"),
    )

    owner_address: str
    tokens: int
    next_client: str

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x2FAE7B42))
        put_str(put, self.owner_address)
        put(_S1.pack(self.tokens))
        put_str(put, self.next_client)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        owner_address, pos = read_str(data, pos, size)
        tokens, = _S1.unpack_from(data, pos)
        pos += 8
        next_client, pos = read_str(data, pos, size)
        return cls(owner_address, tokens, next_client), pos


class ProxyDbOldWorker(TLObject, frozen=True, gc=False):
    """``proxyDb.oldWorker`` of type ``proxyDb.OldWorker``."""

    ID: ClassVar[int] = 0xF04156A0
    NAME: ClassVar[str] = "proxyDb.oldWorker"
    RESULT: ClassVar[str] = "proxyDb.OldWorker"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("owner_address", "string"),
        ("tokens", "long"),
        ("next_worker", "string"),
    )

    owner_address: str
    tokens: int
    next_worker: str

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xF04156A0))
        put_str(put, self.owner_address)
        put(_S1.pack(self.tokens))
        put_str(put, self.next_worker)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        owner_address, pos = read_str(data, pos, size)
        tokens, = _S1.unpack_from(data, pos)
        pos += 8
        next_worker, pos = read_str(data, pos, size)
        return cls(owner_address, tokens, next_worker), pos


class ProxyDbOldInstance(TLObject, frozen=True, gc=False):
    """``proxyDb.oldInstance`` of type ``proxyDb.OldInstance``."""

    ID: ClassVar[int] = 0xA8C9E178
    NAME: ClassVar[str] = "proxyDb.oldInstance"
    RESULT: ClassVar[str] = "proxyDb.OldInstance"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("contract_address", "string"),
        ("closing_state", "int"),
        ("close_at", "int"),
        ("next_client", "string"),
        ("next_worker", "string"),
        ("root_contract_state", "rootConfig.Config"),
    )

    contract_address: str
    closing_state: int
    close_at: int
    next_client: str
    next_worker: str
    root_contract_state: RootConfigPseudo | RootConfigConfigV5

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xA8C9E178))
        put_str(put, self.contract_address)
        put(_S27.pack(self.closing_state, self.close_at))
        put_str(put, self.next_client)
        put_str(put, self.next_worker)
        _BOXED_ROOT_CONFIG_CONFIG[self.root_contract_state.ID]
        self.root_contract_state._write(put)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        contract_address, pos = read_str(data, pos, size)
        closing_state, close_at = _S27.unpack_from(data, pos)
        pos += 8
        next_client, pos = read_str(data, pos, size)
        next_worker, pos = read_str(data, pos, size)
        t1, = _ID.unpack_from(data, pos)
        t2 = _BOXED_ROOT_CONFIG_CONFIG.get(t1)
        if t2 is None:
            raise unknown_boxed("rootConfig.Config")
        root_contract_state, pos = t2(data, pos + 4, size)
        return cls(contract_address, closing_state, close_at, next_client, next_worker, root_contract_state), pos


class KeyManagerDbConfigEmpty(TLObject, frozen=True, gc=False):
    """``keyManagerDb.configEmpty`` of type ``keyManagerDb.Config``."""

    ID: ClassVar[int] = 0xD3FC2385
    NAME: ClassVar[str] = "keyManagerDb.configEmpty"
    RESULT: ClassVar[str] = "keyManagerDb.Config"

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xD3FC2385))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        return cls(), pos


class KeyManagerDbConfigV1(TLObject, frozen=True, gc=False):
    """``keyManagerDb.configV1`` of type ``keyManagerDb.Config``."""

    ID: ClassVar[int] = 0x6D2817AC
    NAME: ClassVar[str] = "keyManagerDb.configV1"
    RESULT: ClassVar[str] = "keyManagerDb.Config"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("root_contract_version", "int"),
    )

    root_contract_version: int

    def _write(self, put: Put) -> None:
        put(_S19.pack(0x6D2817AC, self.root_contract_version))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        root_contract_version, = _S12.unpack_from(data, pos)
        pos += 4
        return cls(root_contract_version), pos


class KeyManagerDbKey(TLObject, frozen=True, gc=False):
    """``keyManagerDb.key`` of type ``keyManagerDb.Key``."""

    ID: ClassVar[int] = 0x4D0A1E17
    NAME: ClassVar[str] = "keyManagerDb.key"
    RESULT: ClassVar[str] = "keyManagerDb.Key"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("private_key", "int256"),
        ("for_proxies", "Bool"),
        ("for_workers", "Bool"),
        ("valid_since_config_version", "int"),
        ("valid_since_utime", "int"),
        ("valid_until_utime", "int"),
    )

    private_key: bytes
    for_proxies: bool
    for_workers: bool
    valid_since_config_version: int
    valid_since_utime: int
    valid_until_utime: int

    def _write(self, put: Put) -> None:
        put(_S28.pack(0x4D0A1E17, int256(self.private_key), BOOL_IDS[self.for_proxies], BOOL_IDS[self.for_workers], self.valid_since_config_version, self.valid_since_utime, self.valid_until_utime))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        private_key, t1, t2, valid_since_config_version, valid_since_utime, valid_until_utime = _S29.unpack_from(data, pos)
        pos += 52
        for_proxies = BOOLS[t1]
        for_workers = BOOLS[t2]
        return cls(private_key, for_proxies, for_workers, valid_since_config_version, valid_since_utime, valid_until_utime), pos


class TokensUsed(TLObject, frozen=True, gc=False):
    """``tokensUsed`` of type ``TokensUsed``."""

    ID: ClassVar[int] = 0x70C5B15C
    NAME: ClassVar[str] = "tokensUsed"
    RESULT: ClassVar[str] = "TokensUsed"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("prompt_tokens_used", "long"),
        ("cached_tokens_used", "long"),
        ("completion_tokens_used", "long"),
        ("reasoning_tokens_used", "long"),
        ("total_tokens_used", "long"),
    )

    prompt_tokens_used: int
    cached_tokens_used: int
    completion_tokens_used: int
    reasoning_tokens_used: int
    total_tokens_used: int

    def _write(self, put: Put) -> None:
        put(_S30.pack(0x70C5B15C, self.prompt_tokens_used, self.cached_tokens_used, self.completion_tokens_used, self.reasoning_tokens_used, self.total_tokens_used))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        prompt_tokens_used, cached_tokens_used, completion_tokens_used, reasoning_tokens_used, total_tokens_used = _S31.unpack_from(data, pos)
        pos += 40
        return cls(prompt_tokens_used, cached_tokens_used, completion_tokens_used, reasoning_tokens_used, total_tokens_used), pos


class WorkerParams(TLObject, frozen=True, gc=False):
    """``worker.params`` of type ``worker.Params``."""

    ID: ClassVar[int] = 0x869C73ED
    NAME: ClassVar[str] = "worker.params"
    RESULT: ClassVar[str] = "worker.Params"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("flags", "#"),
        ("worker_owner_address", "string"),
        ("model", "string"),
        ("coefficient", "int"),
        ("is_test", "flags.0?Bool"),
        ("proxy_cnt", "flags.0?int"),
        ("max_active_requests", "flags.0?int"),
        ("min_proto_version", "flags.1?int"),
        ("max_proto_version", "flags.1?int"),
    )

    flags: int
    worker_owner_address: str
    model: str
    coefficient: int
    is_test: bool | None = None
    proxy_cnt: int | None = None
    max_active_requests: int | None = None
    min_proto_version: int | None = None
    max_proto_version: int | None = None

    def _write(self, put: Put) -> None:
        put(_S19.pack(0x869C73ED, flags_word(self.flags)))
        put_str(put, self.worker_owner_address)
        put_str(put, self.model)
        put(_S12.pack(self.coefficient))
        if self.flags & 1:
            if self.is_test is None or self.proxy_cnt is None or self.max_active_requests is None:
                raise presence_error("worker.params", 0)
            put(_S32.pack(BOOL_IDS[self.is_test], self.proxy_cnt, self.max_active_requests))
        elif self.is_test is not None or self.proxy_cnt is not None or self.max_active_requests is not None:
            raise presence_error("worker.params", 0)
        if self.flags & 2:
            if self.min_proto_version is None or self.max_proto_version is None:
                raise presence_error("worker.params", 1)
            put(_S27.pack(self.min_proto_version, self.max_proto_version))
        elif self.min_proto_version is not None or self.max_proto_version is not None:
            raise presence_error("worker.params", 1)

    def _write_bare(self, put: Put) -> None:
        put(_S12.pack(flags_word(self.flags)))
        put_str(put, self.worker_owner_address)
        put_str(put, self.model)
        put(_S12.pack(self.coefficient))
        if self.flags & 1:
            if self.is_test is None or self.proxy_cnt is None or self.max_active_requests is None:
                raise presence_error("worker.params", 0)
            put(_S32.pack(BOOL_IDS[self.is_test], self.proxy_cnt, self.max_active_requests))
        elif self.is_test is not None or self.proxy_cnt is not None or self.max_active_requests is not None:
            raise presence_error("worker.params", 0)
        if self.flags & 2:
            if self.min_proto_version is None or self.max_proto_version is None:
                raise presence_error("worker.params", 1)
            put(_S27.pack(self.min_proto_version, self.max_proto_version))
        elif self.min_proto_version is not None or self.max_proto_version is not None:
            raise presence_error("worker.params", 1)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        flags, = _S12.unpack_from(data, pos)
        pos += 4
        if flags < 0:
            raise bad_flags(flags)
        worker_owner_address, pos = read_str(data, pos, size)
        model, pos = read_str(data, pos, size)
        coefficient, = _S12.unpack_from(data, pos)
        pos += 4
        is_test: bool | None = None
        proxy_cnt: int | None = None
        max_active_requests: int | None = None
        if flags & 1:
            t1, proxy_cnt, max_active_requests = _S32.unpack_from(data, pos)
            pos += 12
            is_test = BOOLS[t1]
        min_proto_version: int | None = None
        max_proto_version: int | None = None
        if flags & 2:
            min_proto_version, max_proto_version = _S27.unpack_from(data, pos)
            pos += 8
        return cls(flags, worker_owner_address, model, coefficient, is_test, proxy_cnt, max_active_requests, min_proto_version, max_proto_version), pos


class ProxyParams(TLObject, frozen=True, gc=False):
    """``proxy.params`` of type ``proxy.Params``."""

    ID: ClassVar[int] = 0xD5C5609F
    NAME: ClassVar[str] = "proxy.params"
    RESULT: ClassVar[str] = "proxy.Params"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("flags", "#"),
        ("proxy_public_key", "int256"),
        ("proxy_owner_address", "string"),
        ("proxy_sc_address", "string"),
        ("is_test", "flags.0?Bool"),
        ("proto_version", "flags.1?int"),
    )

    flags: int
    proxy_public_key: bytes
    proxy_owner_address: str
    proxy_sc_address: str
    is_test: bool | None = None
    proto_version: int | None = None

    def _write(self, put: Put) -> None:
        put(_S14.pack(0xD5C5609F, flags_word(self.flags), int256(self.proxy_public_key)))
        put_str(put, self.proxy_owner_address)
        put_str(put, self.proxy_sc_address)
        if self.flags & 1:
            if self.is_test is None:
                raise presence_error("proxy.params", 0)
            put(_S2.pack(BOOL_IDS[self.is_test]))
        elif self.is_test is not None:
            raise presence_error("proxy.params", 0)
        if self.flags & 2:
            if self.proto_version is None:
                raise presence_error("proxy.params", 1)
            put(_S12.pack(self.proto_version))
        elif self.proto_version is not None:
            raise presence_error("proxy.params", 1)

    def _write_bare(self, put: Put) -> None:
        put(_S25.pack(flags_word(self.flags), int256(self.proxy_public_key)))
        put_str(put, self.proxy_owner_address)
        put_str(put, self.proxy_sc_address)
        if self.flags & 1:
            if self.is_test is None:
                raise presence_error("proxy.params", 0)
            put(_S2.pack(BOOL_IDS[self.is_test]))
        elif self.is_test is not None:
            raise presence_error("proxy.params", 0)
        if self.flags & 2:
            if self.proto_version is None:
                raise presence_error("proxy.params", 1)
            put(_S12.pack(self.proto_version))
        elif self.proto_version is not None:
            raise presence_error("proxy.params", 1)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        flags, proxy_public_key = _S25.unpack_from(data, pos)
        pos += 36
        if flags < 0:
            raise bad_flags(flags)
        proxy_owner_address, pos = read_str(data, pos, size)
        proxy_sc_address, pos = read_str(data, pos, size)
        is_test: bool | None = None
        if flags & 1:
            t1, = _S2.unpack_from(data, pos)
            pos += 4
            is_test = BOOLS[t1]
        proto_version: int | None = None
        if flags & 2:
            proto_version, = _S12.unpack_from(data, pos)
            pos += 4
        return cls(flags, proxy_public_key, proxy_owner_address, proxy_sc_address, is_test, proto_version), pos


class ClientParams(TLObject, frozen=True, gc=False):
    """``client.params`` of type ``client.Params``."""

    ID: ClassVar[int] = 0x40FDCA64
    NAME: ClassVar[str] = "client.params"
    RESULT: ClassVar[str] = "client.Params"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("flags", "#"),
        ("client_owner_address", "string"),
        ("is_test", "flags.0?Bool"),
        ("min_proto_version", "flags.1?int"),
        ("max_proto_version", "flags.1?int"),
    )

    flags: int
    client_owner_address: str
    is_test: bool | None = None
    min_proto_version: int | None = None
    max_proto_version: int | None = None

    def _write(self, put: Put) -> None:
        put(_S19.pack(0x40FDCA64, flags_word(self.flags)))
        put_str(put, self.client_owner_address)
        if self.flags & 1:
            if self.is_test is None:
                raise presence_error("client.params", 0)
            put(_S2.pack(BOOL_IDS[self.is_test]))
        elif self.is_test is not None:
            raise presence_error("client.params", 0)
        if self.flags & 2:
            if self.min_proto_version is None or self.max_proto_version is None:
                raise presence_error("client.params", 1)
            put(_S27.pack(self.min_proto_version, self.max_proto_version))
        elif self.min_proto_version is not None or self.max_proto_version is not None:
            raise presence_error("client.params", 1)

    def _write_bare(self, put: Put) -> None:
        put(_S12.pack(flags_word(self.flags)))
        put_str(put, self.client_owner_address)
        if self.flags & 1:
            if self.is_test is None:
                raise presence_error("client.params", 0)
            put(_S2.pack(BOOL_IDS[self.is_test]))
        elif self.is_test is not None:
            raise presence_error("client.params", 0)
        if self.flags & 2:
            if self.min_proto_version is None or self.max_proto_version is None:
                raise presence_error("client.params", 1)
            put(_S27.pack(self.min_proto_version, self.max_proto_version))
        elif self.min_proto_version is not None or self.max_proto_version is not None:
            raise presence_error("client.params", 1)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        flags, = _S12.unpack_from(data, pos)
        pos += 4
        if flags < 0:
            raise bad_flags(flags)
        client_owner_address, pos = read_str(data, pos, size)
        is_test: bool | None = None
        if flags & 1:
            t1, = _S2.unpack_from(data, pos)
            pos += 4
            is_test = BOOLS[t1]
        min_proto_version: int | None = None
        max_proto_version: int | None = None
        if flags & 2:
            min_proto_version, max_proto_version = _S27.unpack_from(data, pos)
            pos += 8
        return cls(flags, client_owner_address, is_test, min_proto_version, max_proto_version), pos


class ClientProxyConnectionAuthShort(TLObject, frozen=True, gc=False):
    """``client.proxyConnectionAuthShort`` of type ``client.ProxyConnectionAuth``."""

    ID: ClassVar[int] = 0xD6FFC5AF
    NAME: ClassVar[str] = "client.proxyConnectionAuthShort"
    RESULT: ClassVar[str] = "client.ProxyConnectionAuth"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("secret_hash", "int256"),
        ("nonce", "long"),
    )

    secret_hash: bytes
    nonce: int

    def _write(self, put: Put) -> None:
        put(_S33.pack(0xD6FFC5AF, int256(self.secret_hash), self.nonce))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        secret_hash, nonce = _S34.unpack_from(data, pos)
        pos += 40
        return cls(secret_hash, nonce), pos


class ClientProxyConnectionAuthLong(TLObject, frozen=True, gc=False):
    """``client.proxyConnectionAuthLong`` of type ``client.ProxyConnectionAuth``."""

    ID: ClassVar[int] = 0x417BF016
    NAME: ClassVar[str] = "client.proxyConnectionAuthLong"
    RESULT: ClassVar[str] = "client.ProxyConnectionAuth"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("nonce", "long"),
    )

    nonce: int

    def _write(self, put: Put) -> None:
        put(_S0.pack(0x417BF016, self.nonce))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        nonce, = _S1.unpack_from(data, pos)
        pos += 8
        return cls(nonce), pos


class ProxySignedPayment(TLObject, frozen=True, gc=False):
    """``proxy.signedPayment`` of type ``proxy.SignedPayment``."""

    ID: ClassVar[int] = 0x02998182
    NAME: ClassVar[str] = "proxy.signedPayment"
    RESULT: ClassVar[str] = "proxy.SignedPayment"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("data", "bytes"),
    )

    data: bytes

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x02998182))
        put_bytes(put, self.data)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        data, pos = read_bytes(data, pos, size)
        return cls(data), pos


class ProxySignedPaymentEmpty(TLObject, frozen=True, gc=False):
    """``proxy.signedPaymentEmpty`` of type ``proxy.SignedPayment``."""

    ID: ClassVar[int] = 0xB347CE64
    NAME: ClassVar[str] = "proxy.signedPaymentEmpty"
    RESULT: ClassVar[str] = "proxy.SignedPayment"

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xB347CE64))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        return cls(), pos


class ClientAuthorizationWithProxySuccess(TLObject, frozen=True, gc=False):
    """``client.authorizationWithProxySuccess`` of type ``client.AuthorizationWithProxy``."""

    ID: ClassVar[int] = 0x75D5AC34
    NAME: ClassVar[str] = "client.authorizationWithProxySuccess"
    RESULT: ClassVar[str] = "client.AuthorizationWithProxy"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("signed_payment", "proxy.SignedPayment"),
        ("tokens_committed_to_db", "long"),
        ("max_tokens", "long"),
    )

    signed_payment: ProxySignedPayment | ProxySignedPaymentEmpty
    tokens_committed_to_db: int
    max_tokens: int

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x75D5AC34))
        _BOXED_PROXY_SIGNED_PAYMENT[self.signed_payment.ID]
        self.signed_payment._write(put)
        put(_S35.pack(self.tokens_committed_to_db, self.max_tokens))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        t1, = _ID.unpack_from(data, pos)
        t2 = _BOXED_PROXY_SIGNED_PAYMENT.get(t1)
        if t2 is None:
            raise unknown_boxed("proxy.SignedPayment")
        signed_payment, pos = t2(data, pos + 4, size)
        tokens_committed_to_db, max_tokens = _S35.unpack_from(data, pos)
        pos += 16
        return cls(signed_payment, tokens_committed_to_db, max_tokens), pos


class ClientAuthorizationWithProxyFailed(TLObject, frozen=True, gc=False):
    """``client.authorizationWithProxyFailed`` of type ``client.AuthorizationWithProxy``."""

    ID: ClassVar[int] = 0x60551C96
    NAME: ClassVar[str] = "client.authorizationWithProxyFailed"
    RESULT: ClassVar[str] = "client.AuthorizationWithProxy"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("error_code", "int"),
        ("error", "string"),
    )

    error_code: int
    error: str

    def _write(self, put: Put) -> None:
        put(_S19.pack(0x60551C96, self.error_code))
        put_str(put, self.error)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        error_code, = _S12.unpack_from(data, pos)
        pos += 4
        error, pos = read_str(data, pos, size)
        return cls(error_code, error), pos


class ClientConnectedToProxy(TLObject, frozen=True, gc=False):
    """``client.connectedToProxy`` of type ``client.ConnectedToProxy``."""

    ID: ClassVar[int] = 0x95317AD1
    NAME: ClassVar[str] = "client.connectedToProxy"
    RESULT: ClassVar[str] = "client.ConnectedToProxy"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("params", "proxy.params"),
        ("client_sc_address", "string"),
        ("auth", "client.ProxyConnectionAuth"),
        ("signed_payment", "proxy.SignedPayment"),
    )

    params: ProxyParams
    client_sc_address: str
    auth: ClientProxyConnectionAuthShort | ClientProxyConnectionAuthLong
    signed_payment: ProxySignedPayment | ProxySignedPaymentEmpty

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x95317AD1))
        self.params._write_bare(put)
        put_str(put, self.client_sc_address)
        _BOXED_CLIENT_PROXY_CONNECTION_AUTH[self.auth.ID]
        self.auth._write(put)
        _BOXED_PROXY_SIGNED_PAYMENT[self.signed_payment.ID]
        self.signed_payment._write(put)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        params, pos = ProxyParams._read(data, pos, size)
        client_sc_address, pos = read_str(data, pos, size)
        t1, = _ID.unpack_from(data, pos)
        t2 = _BOXED_CLIENT_PROXY_CONNECTION_AUTH.get(t1)
        if t2 is None:
            raise unknown_boxed("client.ProxyConnectionAuth")
        auth, pos = t2(data, pos + 4, size)
        t3, = _ID.unpack_from(data, pos)
        t4 = _BOXED_PROXY_SIGNED_PAYMENT.get(t3)
        if t4 is None:
            raise unknown_boxed("proxy.SignedPayment")
        signed_payment, pos = t4(data, pos + 4, size)
        return cls(params, client_sc_address, auth, signed_payment), pos


class ClientQueryAnswer(TLObject, frozen=True, gc=False):
    """``client.queryAnswer`` of type ``client.QueryAnswer``."""

    ID: ClassVar[int] = 0x9B943922
    NAME: ClassVar[str] = "client.queryAnswer"
    RESULT: ClassVar[str] = "client.QueryAnswer"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("answer", "bytes"),
        ("is_completed", "Bool"),
        ("request_id", "int256"),
        ("request_tokens_used", "tokensUsed"),
    )

    answer: bytes
    is_completed: bool
    request_id: bytes
    request_tokens_used: TokensUsed

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x9B943922))
        put_bytes(put, self.answer)
        t1 = self.request_tokens_used
        put(_S36.pack(BOOL_IDS[self.is_completed], int256(self.request_id), t1.prompt_tokens_used, t1.cached_tokens_used, t1.completion_tokens_used, t1.reasoning_tokens_used, t1.total_tokens_used))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        answer, pos = read_bytes(data, pos, size)
        t2, request_id, t3, t4, t5, t6, t7 = _S36.unpack_from(data, pos)
        pos += 76
        is_completed = BOOLS[t2]
        request_tokens_used = TokensUsed(t3, t4, t5, t6, t7)
        return cls(answer, is_completed, request_id, request_tokens_used), pos


class ClientQueryAnswerError(TLObject, frozen=True, gc=False):
    """``client.queryAnswerError`` of type ``client.QueryAnswer``."""

    ID: ClassVar[int] = 0x6D60569A
    NAME: ClassVar[str] = "client.queryAnswerError"
    RESULT: ClassVar[str] = "client.QueryAnswer"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("error_code", "int"),
        ("error", "string"),
        ("request_id", "int256"),
        ("request_tokens_used", "tokensUsed"),
    )

    error_code: int
    error: str
    request_id: bytes
    request_tokens_used: TokensUsed

    def _write(self, put: Put) -> None:
        put(_S19.pack(0x6D60569A, self.error_code))
        put_str(put, self.error)
        t1 = self.request_tokens_used
        put(_S37.pack(int256(self.request_id), t1.prompt_tokens_used, t1.cached_tokens_used, t1.completion_tokens_used, t1.reasoning_tokens_used, t1.total_tokens_used))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        error_code, = _S12.unpack_from(data, pos)
        pos += 4
        error, pos = read_str(data, pos, size)
        request_id, t2, t3, t4, t5, t6 = _S37.unpack_from(data, pos)
        pos += 72
        request_tokens_used = TokensUsed(t2, t3, t4, t5, t6)
        return cls(error_code, error, request_id, request_tokens_used), pos


class ClientQueryAnswerPart(TLObject, frozen=True, gc=False):
    """``client.queryAnswerPart`` of type ``client.QueryAnswerPart``."""

    ID: ClassVar[int] = 0xB765DE4C
    NAME: ClassVar[str] = "client.queryAnswerPart"
    RESULT: ClassVar[str] = "client.QueryAnswerPart"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("answer", "bytes"),
        ("is_completed", "Bool"),
        ("request_id", "int256"),
        ("request_tokens_used", "tokensUsed"),
    )

    answer: bytes
    is_completed: bool
    request_id: bytes
    request_tokens_used: TokensUsed

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xB765DE4C))
        put_bytes(put, self.answer)
        t1 = self.request_tokens_used
        put(_S36.pack(BOOL_IDS[self.is_completed], int256(self.request_id), t1.prompt_tokens_used, t1.cached_tokens_used, t1.completion_tokens_used, t1.reasoning_tokens_used, t1.total_tokens_used))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        answer, pos = read_bytes(data, pos, size)
        t2, request_id, t3, t4, t5, t6, t7 = _S36.unpack_from(data, pos)
        pos += 76
        is_completed = BOOLS[t2]
        request_tokens_used = TokensUsed(t3, t4, t5, t6, t7)
        return cls(answer, is_completed, request_id, request_tokens_used), pos


class ClientQueryAnswerPartError(TLObject, frozen=True, gc=False):
    """``client.queryAnswerPartError`` of type ``client.QueryAnswerPart``."""

    ID: ClassVar[int] = 0xD790A022
    NAME: ClassVar[str] = "client.queryAnswerPartError"
    RESULT: ClassVar[str] = "client.QueryAnswerPart"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("error_code", "int"),
        ("error", "string"),
        ("request_id", "int256"),
        ("request_tokens_used", "tokensUsed"),
    )

    error_code: int
    error: str
    request_id: bytes
    request_tokens_used: TokensUsed

    def _write(self, put: Put) -> None:
        put(_S19.pack(0xD790A022, self.error_code))
        put_str(put, self.error)
        t1 = self.request_tokens_used
        put(_S37.pack(int256(self.request_id), t1.prompt_tokens_used, t1.cached_tokens_used, t1.completion_tokens_used, t1.reasoning_tokens_used, t1.total_tokens_used))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        error_code, = _S12.unpack_from(data, pos)
        pos += 4
        error, pos = read_str(data, pos, size)
        request_id, t2, t3, t4, t5, t6 = _S37.unpack_from(data, pos)
        pos += 72
        request_tokens_used = TokensUsed(t2, t3, t4, t5, t6)
        return cls(error_code, error, request_id, request_tokens_used), pos


class ClientQueryFinalInfo(TLObject, frozen=True, gc=False):
    """``client.queryFinalInfo`` of type ``client.QueryFinalInfo``."""

    ID: ClassVar[int] = 0x69A452F0
    NAME: ClassVar[str] = "client.queryFinalInfo"
    RESULT: ClassVar[str] = "client.QueryFinalInfo"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("flags", "#"),
        ("tokens_used", "tokensUsed"),
        ("worker_debug", "flags.0?string"),
        ("proxy_debug", "flags.0?string"),
        ("proxy_start_time", "flags.1?double"),
        ("proxy_end_time", "flags.1?double"),
        ("worker_start_time", "flags.1?double"),
        ("worker_end_time", "flags.1?double"),
    )

    flags: int
    tokens_used: TokensUsed
    worker_debug: str | None = None
    proxy_debug: str | None = None
    proxy_start_time: float | None = None
    proxy_end_time: float | None = None
    worker_start_time: float | None = None
    worker_end_time: float | None = None

    def _write(self, put: Put) -> None:
        t1 = self.tokens_used
        put(_S38.pack(0x69A452F0, flags_word(self.flags), t1.prompt_tokens_used, t1.cached_tokens_used, t1.completion_tokens_used, t1.reasoning_tokens_used, t1.total_tokens_used))
        if self.flags & 1:
            if self.worker_debug is None or self.proxy_debug is None:
                raise presence_error("client.queryFinalInfo", 0)
            put_str(put, self.worker_debug)
            put_str(put, self.proxy_debug)
        elif self.worker_debug is not None or self.proxy_debug is not None:
            raise presence_error("client.queryFinalInfo", 0)
        if self.flags & 2:
            if self.proxy_start_time is None or self.proxy_end_time is None or self.worker_start_time is None or self.worker_end_time is None:
                raise presence_error("client.queryFinalInfo", 1)
            put(_S39.pack(self.proxy_start_time, self.proxy_end_time, self.worker_start_time, self.worker_end_time))
        elif self.proxy_start_time is not None or self.proxy_end_time is not None or self.worker_start_time is not None or self.worker_end_time is not None:
            raise presence_error("client.queryFinalInfo", 1)

    def _write_bare(self, put: Put) -> None:
        t2 = self.tokens_used
        put(_S40.pack(flags_word(self.flags), t2.prompt_tokens_used, t2.cached_tokens_used, t2.completion_tokens_used, t2.reasoning_tokens_used, t2.total_tokens_used))
        if self.flags & 1:
            if self.worker_debug is None or self.proxy_debug is None:
                raise presence_error("client.queryFinalInfo", 0)
            put_str(put, self.worker_debug)
            put_str(put, self.proxy_debug)
        elif self.worker_debug is not None or self.proxy_debug is not None:
            raise presence_error("client.queryFinalInfo", 0)
        if self.flags & 2:
            if self.proxy_start_time is None or self.proxy_end_time is None or self.worker_start_time is None or self.worker_end_time is None:
                raise presence_error("client.queryFinalInfo", 1)
            put(_S39.pack(self.proxy_start_time, self.proxy_end_time, self.worker_start_time, self.worker_end_time))
        elif self.proxy_start_time is not None or self.proxy_end_time is not None or self.worker_start_time is not None or self.worker_end_time is not None:
            raise presence_error("client.queryFinalInfo", 1)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        flags, t3, t4, t5, t6, t7 = _S40.unpack_from(data, pos)
        pos += 44
        if flags < 0:
            raise bad_flags(flags)
        tokens_used = TokensUsed(t3, t4, t5, t6, t7)
        worker_debug: str | None = None
        proxy_debug: str | None = None
        if flags & 1:
            worker_debug, pos = read_str(data, pos, size)
            proxy_debug, pos = read_str(data, pos, size)
        proxy_start_time: float | None = None
        proxy_end_time: float | None = None
        worker_start_time: float | None = None
        worker_end_time: float | None = None
        if flags & 2:
            proxy_start_time, proxy_end_time, worker_start_time, worker_end_time = _S39.unpack_from(data, pos)
            pos += 32
        return cls(flags, tokens_used, worker_debug, proxy_debug, proxy_start_time, proxy_end_time, worker_start_time, worker_end_time), pos


class ClientQueryAnswerEx(TLObject, frozen=True, gc=False):
    """``client.queryAnswerEx`` of type ``client.QueryAnswerEx``."""

    ID: ClassVar[int] = 0xCD524720
    NAME: ClassVar[str] = "client.queryAnswerEx"
    RESULT: ClassVar[str] = "client.QueryAnswerEx"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("request_id", "int256"),
        ("answer", "bytes"),
        ("flags", "#"),
        ("final_info", "flags.0?client.queryFinalInfo"),
    )

    request_id: bytes
    answer: bytes
    flags: int
    final_info: ClientQueryFinalInfo | None = None

    def _write(self, put: Put) -> None:
        put(_S9.pack(0xCD524720, int256(self.request_id)))
        put_bytes(put, self.answer)
        put(_S12.pack(flags_word(self.flags)))
        if self.flags & 1:
            if self.final_info is None:
                raise presence_error("client.queryAnswerEx", 0)
            self.final_info._write_bare(put)
        elif self.final_info is not None:
            raise presence_error("client.queryAnswerEx", 0)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        request_id, = _S13.unpack_from(data, pos)
        pos += 32
        answer, pos = read_bytes(data, pos, size)
        flags, = _S12.unpack_from(data, pos)
        pos += 4
        if flags < 0:
            raise bad_flags(flags)
        final_info: ClientQueryFinalInfo | None = None
        if flags & 1:
            final_info, pos = ClientQueryFinalInfo._read(data, pos, size)
        return cls(request_id, answer, flags, final_info), pos


class ClientQueryAnswerErrorEx(TLObject, frozen=True, gc=False):
    """``client.queryAnswerErrorEx`` of type ``client.QueryAnswerEx``."""

    ID: ClassVar[int] = 0x072562A8
    NAME: ClassVar[str] = "client.queryAnswerErrorEx"
    RESULT: ClassVar[str] = "client.QueryAnswerEx"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("request_id", "int256"),
        ("error_code", "int"),
        ("error", "string"),
        ("flags", "#"),
        ("final_info", "flags.0?client.queryFinalInfo"),
    )

    request_id: bytes
    error_code: int
    error: str
    flags: int
    final_info: ClientQueryFinalInfo | None = None

    def _write(self, put: Put) -> None:
        put(_S41.pack(0x072562A8, int256(self.request_id), self.error_code))
        put_str(put, self.error)
        put(_S12.pack(flags_word(self.flags)))
        if self.flags & 1:
            if self.final_info is None:
                raise presence_error("client.queryAnswerErrorEx", 0)
            self.final_info._write_bare(put)
        elif self.final_info is not None:
            raise presence_error("client.queryAnswerErrorEx", 0)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        request_id, error_code = _S42.unpack_from(data, pos)
        pos += 36
        error, pos = read_str(data, pos, size)
        flags, = _S12.unpack_from(data, pos)
        pos += 4
        if flags < 0:
            raise bad_flags(flags)
        final_info: ClientQueryFinalInfo | None = None
        if flags & 1:
            final_info, pos = ClientQueryFinalInfo._read(data, pos, size)
        return cls(request_id, error_code, error, flags, final_info), pos


class ClientQueryAnswerPartEx(TLObject, frozen=True, gc=False):
    """``client.queryAnswerPartEx`` of type ``client.QueryAnswerEx``."""

    ID: ClassVar[int] = 0xC07BFAEC
    NAME: ClassVar[str] = "client.queryAnswerPartEx"
    RESULT: ClassVar[str] = "client.QueryAnswerEx"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("request_id", "int256"),
        ("answer", "bytes"),
        ("flags", "#"),
        ("final_info", "flags.0?client.queryFinalInfo"),
    )

    request_id: bytes
    answer: bytes
    flags: int
    final_info: ClientQueryFinalInfo | None = None

    def _write(self, put: Put) -> None:
        put(_S9.pack(0xC07BFAEC, int256(self.request_id)))
        put_bytes(put, self.answer)
        put(_S12.pack(flags_word(self.flags)))
        if self.flags & 1:
            if self.final_info is None:
                raise presence_error("client.queryAnswerPartEx", 0)
            self.final_info._write_bare(put)
        elif self.final_info is not None:
            raise presence_error("client.queryAnswerPartEx", 0)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        request_id, = _S13.unpack_from(data, pos)
        pos += 32
        answer, pos = read_bytes(data, pos, size)
        flags, = _S12.unpack_from(data, pos)
        pos += 4
        if flags < 0:
            raise bad_flags(flags)
        final_info: ClientQueryFinalInfo | None = None
        if flags & 1:
            final_info, pos = ClientQueryFinalInfo._read(data, pos, size)
        return cls(request_id, answer, flags, final_info), pos


class ClientRefund(TLObject, frozen=True, gc=False):
    """``client.refund`` of type ``client.Refund``."""

    ID: ClassVar[int] = 0x83AABEAD
    NAME: ClassVar[str] = "client.refund"
    RESULT: ClassVar[str] = "client.Refund"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("data", "bytes"),
    )

    data: bytes

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x83AABEAD))
        put_bytes(put, self.data)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        data, pos = read_bytes(data, pos, size)
        return cls(data), pos


class ClientRefundRejected(TLObject, frozen=True, gc=False):
    """``client.refundRejected`` of type ``client.Refund``."""

    ID: ClassVar[int] = 0xCF9D9957
    NAME: ClassVar[str] = "client.refundRejected"
    RESULT: ClassVar[str] = "client.Refund"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("active_queries", "long"),
    )

    active_queries: int

    def _write(self, put: Put) -> None:
        put(_S0.pack(0xCF9D9957, self.active_queries))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        active_queries, = _S1.unpack_from(data, pos)
        pos += 8
        return cls(active_queries), pos


class ClientWorkerType(TLObject, frozen=True, gc=False):
    """``client.workerType`` of type ``client.WorkerType``."""

    ID: ClassVar[int] = 0x8210E21C
    NAME: ClassVar[str] = "client.workerType"
    RESULT: ClassVar[str] = "client.WorkerType"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("name", "string"),
        ("active_workers", "int"),
        ("coefficient_min", "int"),
        ("coefficient_bucket50", "int"),
        ("coefficient_max", "int"),
    )

    name: str
    active_workers: int
    coefficient_min: int
    coefficient_bucket50: int
    coefficient_max: int

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x8210E21C))
        put_str(put, self.name)
        put(_S43.pack(self.active_workers, self.coefficient_min, self.coefficient_bucket50, self.coefficient_max))

    def _write_bare(self, put: Put) -> None:
        put_str(put, self.name)
        put(_S43.pack(self.active_workers, self.coefficient_min, self.coefficient_bucket50, self.coefficient_max))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        name, pos = read_str(data, pos, size)
        active_workers, coefficient_min, coefficient_bucket50, coefficient_max = _S43.unpack_from(data, pos)
        pos += 16
        return cls(name, active_workers, coefficient_min, coefficient_bucket50, coefficient_max), pos


class ClientWorkerTypes(TLObject, frozen=True, gc=False):
    """``client.workerTypes`` of type ``client.WorkerTypes``."""

    ID: ClassVar[int] = 0xF64E0E01
    NAME: ClassVar[str] = "client.workerTypes"
    RESULT: ClassVar[str] = "client.WorkerTypes"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("types", "vector client.workerType"),
    )

    types: tuple[ClientWorkerType, ...]

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xF64E0E01))
        put_count(put, len(self.types))
        for t1 in self.types:
            t1._write_bare(put)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        t2, pos = read_count(data, pos, size, 20)
        t3: list[ClientWorkerType] = []
        for _ in range(t2):
            t4, pos = ClientWorkerType._read(data, pos, size)
            t3.append(t4)
        types = tuple(t3)
        return cls(types), pos


class ClientWorkerInstanceV2(TLObject, frozen=True, gc=False):
    """``client.workerInstanceV2`` of type ``client.WorkerInstanceV2``."""

    ID: ClassVar[int] = 0x3EA93D00
    NAME: ClassVar[str] = "client.workerInstanceV2"
    RESULT: ClassVar[str] = "client.WorkerInstanceV2"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("flags", "#"),
        ("coefficient", "int"),
        ("active_requests", "int"),
        ("max_active_requests", "int"),
    )

    flags: int
    coefficient: int
    active_requests: int
    max_active_requests: int

    def _write(self, put: Put) -> None:
        put(_S44.pack(0x3EA93D00, flags_word(self.flags), self.coefficient, self.active_requests, self.max_active_requests))

    def _write_bare(self, put: Put) -> None:
        put(_S43.pack(flags_word(self.flags), self.coefficient, self.active_requests, self.max_active_requests))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        flags, coefficient, active_requests, max_active_requests = _S43.unpack_from(data, pos)
        pos += 16
        if flags < 0:
            raise bad_flags(flags)
        return cls(flags, coefficient, active_requests, max_active_requests), pos


class ClientWorkerTypeV2(TLObject, frozen=True, gc=False):
    """``client.workerTypeV2`` of type ``client.WorkerTypeV2``."""

    ID: ClassVar[int] = 0xB27D8197
    NAME: ClassVar[str] = "client.workerTypeV2"
    RESULT: ClassVar[str] = "client.WorkerTypeV2"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("name", "string"),
        ("workers", "vector client.workerInstanceV2"),
    )

    name: str
    workers: tuple[ClientWorkerInstanceV2, ...]

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xB27D8197))
        put_str(put, self.name)
        put_count(put, len(self.workers))
        for t1 in self.workers:
            t1._write_bare(put)

    def _write_bare(self, put: Put) -> None:
        put_str(put, self.name)
        put_count(put, len(self.workers))
        for t2 in self.workers:
            t2._write_bare(put)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        name, pos = read_str(data, pos, size)
        t3, pos = read_count(data, pos, size, 16)
        t4: list[ClientWorkerInstanceV2] = []
        for _ in range(t3):
            t5, pos = ClientWorkerInstanceV2._read(data, pos, size)
            t4.append(t5)
        workers = tuple(t4)
        return cls(name, workers), pos


class ClientWorkerTypesV2(TLObject, frozen=True, gc=False):
    """``client.workerTypesV2`` of type ``client.WorkerTypesV2``."""

    ID: ClassVar[int] = 0x0CF0DC67
    NAME: ClassVar[str] = "client.workerTypesV2"
    RESULT: ClassVar[str] = "client.WorkerTypesV2"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("types", "vector client.workerTypeV2"),
    )

    types: tuple[ClientWorkerTypeV2, ...]

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x0CF0DC67))
        put_count(put, len(self.types))
        for t1 in self.types:
            t1._write_bare(put)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        t2, pos = read_count(data, pos, size, 8)
        t3: list[ClientWorkerTypeV2] = []
        for _ in range(t2):
            t4, pos = ClientWorkerTypeV2._read(data, pos, size)
            t3.append(t4)
        types = tuple(t3)
        return cls(types), pos


class ClientPaymentStatus(TLObject, frozen=True, gc=False):
    """``client.paymentStatus`` of type ``client.PaymentStatus``."""

    ID: ClassVar[int] = 0xAA8A0ECC
    NAME: ClassVar[str] = "client.paymentStatus"
    RESULT: ClassVar[str] = "client.PaymentStatus"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("signed_payment", "proxy.SignedPayment"),
        ("db_tokens", "long"),
        ("max_tokens", "long"),
    )

    signed_payment: ProxySignedPayment | ProxySignedPaymentEmpty
    db_tokens: int
    max_tokens: int

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xAA8A0ECC))
        _BOXED_PROXY_SIGNED_PAYMENT[self.signed_payment.ID]
        self.signed_payment._write(put)
        put(_S35.pack(self.db_tokens, self.max_tokens))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        t1, = _ID.unpack_from(data, pos)
        t2 = _BOXED_PROXY_SIGNED_PAYMENT.get(t1)
        if t2 is None:
            raise unknown_boxed("proxy.SignedPayment")
        signed_payment, pos = t2(data, pos + 4, size)
        db_tokens, max_tokens = _S35.unpack_from(data, pos)
        pos += 16
        return cls(signed_payment, db_tokens, max_tokens), pos


class ProxyClientRequestPayment(TLObject, frozen=True, gc=False):
    """``proxy.clientRequestPayment`` of type ``proxy.WorkerRequestPayment``."""

    ID: ClassVar[int] = 0xC6BCF127
    NAME: ClassVar[str] = "proxy.clientRequestPayment"
    RESULT: ClassVar[str] = "proxy.WorkerRequestPayment"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("request_id", "int256"),
        ("signed_payment", "proxy.SignedPayment"),
        ("db_tokens", "long"),
        ("max_tokens", "long"),
        ("request_tokens", "long"),
    )

    request_id: bytes
    signed_payment: ProxySignedPayment | ProxySignedPaymentEmpty
    db_tokens: int
    max_tokens: int
    request_tokens: int

    def _write(self, put: Put) -> None:
        put(_S9.pack(0xC6BCF127, int256(self.request_id)))
        _BOXED_PROXY_SIGNED_PAYMENT[self.signed_payment.ID]
        self.signed_payment._write(put)
        put(_S45.pack(self.db_tokens, self.max_tokens, self.request_tokens))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        request_id, = _S13.unpack_from(data, pos)
        pos += 32
        t1, = _ID.unpack_from(data, pos)
        t2 = _BOXED_PROXY_SIGNED_PAYMENT.get(t1)
        if t2 is None:
            raise unknown_boxed("proxy.SignedPayment")
        signed_payment, pos = t2(data, pos + 4, size)
        db_tokens, max_tokens, request_tokens = _S45.unpack_from(data, pos)
        pos += 24
        return cls(request_id, signed_payment, db_tokens, max_tokens, request_tokens), pos


class ProxyQueryAnswer(TLObject, frozen=True, gc=False):
    """``proxy.queryAnswer`` of type ``proxy.QueryAnswer``."""

    ID: ClassVar[int] = 0x37E5F725
    NAME: ClassVar[str] = "proxy.queryAnswer"
    RESULT: ClassVar[str] = "proxy.QueryAnswer"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("answer", "bytes"),
        ("is_completed", "Bool"),
        ("request_id", "int256"),
        ("tokens_used", "tokensUsed"),
    )

    answer: bytes
    is_completed: bool
    request_id: bytes
    tokens_used: TokensUsed

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x37E5F725))
        put_bytes(put, self.answer)
        t1 = self.tokens_used
        put(_S36.pack(BOOL_IDS[self.is_completed], int256(self.request_id), t1.prompt_tokens_used, t1.cached_tokens_used, t1.completion_tokens_used, t1.reasoning_tokens_used, t1.total_tokens_used))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        answer, pos = read_bytes(data, pos, size)
        t2, request_id, t3, t4, t5, t6, t7 = _S36.unpack_from(data, pos)
        pos += 76
        is_completed = BOOLS[t2]
        tokens_used = TokensUsed(t3, t4, t5, t6, t7)
        return cls(answer, is_completed, request_id, tokens_used), pos


class ProxyQueryAnswerError(TLObject, frozen=True, gc=False):
    """``proxy.queryAnswerError`` of type ``proxy.QueryAnswer``."""

    ID: ClassVar[int] = 0x669D014E
    NAME: ClassVar[str] = "proxy.queryAnswerError"
    RESULT: ClassVar[str] = "proxy.QueryAnswer"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("error_code", "int"),
        ("error", "string"),
        ("request_id", "int256"),
        ("tokens_used", "tokensUsed"),
    )

    error_code: int
    error: str
    request_id: bytes
    tokens_used: TokensUsed

    def _write(self, put: Put) -> None:
        put(_S19.pack(0x669D014E, self.error_code))
        put_str(put, self.error)
        t1 = self.tokens_used
        put(_S37.pack(int256(self.request_id), t1.prompt_tokens_used, t1.cached_tokens_used, t1.completion_tokens_used, t1.reasoning_tokens_used, t1.total_tokens_used))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        error_code, = _S12.unpack_from(data, pos)
        pos += 4
        error, pos = read_str(data, pos, size)
        request_id, t2, t3, t4, t5, t6 = _S37.unpack_from(data, pos)
        pos += 72
        tokens_used = TokensUsed(t2, t3, t4, t5, t6)
        return cls(error_code, error, request_id, tokens_used), pos


class ProxyQueryAnswerPart(TLObject, frozen=True, gc=False):
    """``proxy.queryAnswerPart`` of type ``proxy.QueryAnswerPart``."""

    ID: ClassVar[int] = 0x72EB00EE
    NAME: ClassVar[str] = "proxy.queryAnswerPart"
    RESULT: ClassVar[str] = "proxy.QueryAnswerPart"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("answer", "bytes"),
        ("is_completed", "Bool"),
        ("request_id", "int256"),
        ("tokens_used", "tokensUsed"),
    )

    answer: bytes
    is_completed: bool
    request_id: bytes
    tokens_used: TokensUsed

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x72EB00EE))
        put_bytes(put, self.answer)
        t1 = self.tokens_used
        put(_S36.pack(BOOL_IDS[self.is_completed], int256(self.request_id), t1.prompt_tokens_used, t1.cached_tokens_used, t1.completion_tokens_used, t1.reasoning_tokens_used, t1.total_tokens_used))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        answer, pos = read_bytes(data, pos, size)
        t2, request_id, t3, t4, t5, t6, t7 = _S36.unpack_from(data, pos)
        pos += 76
        is_completed = BOOLS[t2]
        tokens_used = TokensUsed(t3, t4, t5, t6, t7)
        return cls(answer, is_completed, request_id, tokens_used), pos


class ProxyQueryAnswerPartError(TLObject, frozen=True, gc=False):
    """``proxy.queryAnswerPartError`` of type ``proxy.QueryAnswerPart``."""

    ID: ClassVar[int] = 0x940E1168
    NAME: ClassVar[str] = "proxy.queryAnswerPartError"
    RESULT: ClassVar[str] = "proxy.QueryAnswerPart"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("error_code", "int"),
        ("error", "string"),
        ("request_id", "int256"),
        ("tokens_used", "tokensUsed"),
    )

    error_code: int
    error: str
    request_id: bytes
    tokens_used: TokensUsed

    def _write(self, put: Put) -> None:
        put(_S19.pack(0x940E1168, self.error_code))
        put_str(put, self.error)
        t1 = self.tokens_used
        put(_S37.pack(int256(self.request_id), t1.prompt_tokens_used, t1.cached_tokens_used, t1.completion_tokens_used, t1.reasoning_tokens_used, t1.total_tokens_used))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        error_code, = _S12.unpack_from(data, pos)
        pos += 4
        error, pos = read_str(data, pos, size)
        request_id, t2, t3, t4, t5, t6 = _S37.unpack_from(data, pos)
        pos += 72
        tokens_used = TokensUsed(t2, t3, t4, t5, t6)
        return cls(error_code, error, request_id, tokens_used), pos


class ProxyQueryFinalInfo(TLObject, frozen=True, gc=False):
    """``proxy.queryFinalInfo`` of type ``proxy.QueryFinalInfo``."""

    ID: ClassVar[int] = 0xE794E6FC
    NAME: ClassVar[str] = "proxy.queryFinalInfo"
    RESULT: ClassVar[str] = "proxy.QueryFinalInfo"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("flags", "#"),
        ("tokens_used", "tokensUsed"),
        ("worker_debug", "flags.0?string"),
        ("worker_start_time", "flags.1?double"),
        ("worker_end_time", "flags.1?double"),
    )

    flags: int
    tokens_used: TokensUsed
    worker_debug: str | None = None
    worker_start_time: float | None = None
    worker_end_time: float | None = None

    def _write(self, put: Put) -> None:
        t1 = self.tokens_used
        put(_S38.pack(0xE794E6FC, flags_word(self.flags), t1.prompt_tokens_used, t1.cached_tokens_used, t1.completion_tokens_used, t1.reasoning_tokens_used, t1.total_tokens_used))
        if self.flags & 1:
            if self.worker_debug is None:
                raise presence_error("proxy.queryFinalInfo", 0)
            put_str(put, self.worker_debug)
        elif self.worker_debug is not None:
            raise presence_error("proxy.queryFinalInfo", 0)
        if self.flags & 2:
            if self.worker_start_time is None or self.worker_end_time is None:
                raise presence_error("proxy.queryFinalInfo", 1)
            put(_S46.pack(self.worker_start_time, self.worker_end_time))
        elif self.worker_start_time is not None or self.worker_end_time is not None:
            raise presence_error("proxy.queryFinalInfo", 1)

    def _write_bare(self, put: Put) -> None:
        t2 = self.tokens_used
        put(_S40.pack(flags_word(self.flags), t2.prompt_tokens_used, t2.cached_tokens_used, t2.completion_tokens_used, t2.reasoning_tokens_used, t2.total_tokens_used))
        if self.flags & 1:
            if self.worker_debug is None:
                raise presence_error("proxy.queryFinalInfo", 0)
            put_str(put, self.worker_debug)
        elif self.worker_debug is not None:
            raise presence_error("proxy.queryFinalInfo", 0)
        if self.flags & 2:
            if self.worker_start_time is None or self.worker_end_time is None:
                raise presence_error("proxy.queryFinalInfo", 1)
            put(_S46.pack(self.worker_start_time, self.worker_end_time))
        elif self.worker_start_time is not None or self.worker_end_time is not None:
            raise presence_error("proxy.queryFinalInfo", 1)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        flags, t3, t4, t5, t6, t7 = _S40.unpack_from(data, pos)
        pos += 44
        if flags < 0:
            raise bad_flags(flags)
        tokens_used = TokensUsed(t3, t4, t5, t6, t7)
        worker_debug: str | None = None
        if flags & 1:
            worker_debug, pos = read_str(data, pos, size)
        worker_start_time: float | None = None
        worker_end_time: float | None = None
        if flags & 2:
            worker_start_time, worker_end_time = _S46.unpack_from(data, pos)
            pos += 16
        return cls(flags, tokens_used, worker_debug, worker_start_time, worker_end_time), pos


class ProxyQueryAnswerEx(TLObject, frozen=True, gc=False):
    """``proxy.queryAnswerEx`` of type ``proxy.QueryAnswerEx``."""

    ID: ClassVar[int] = 0x1CE574E8
    NAME: ClassVar[str] = "proxy.queryAnswerEx"
    RESULT: ClassVar[str] = "proxy.QueryAnswerEx"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("request_id", "int256"),
        ("answer", "bytes"),
        ("flags", "#"),
        ("final_info", "flags.0?proxy.queryFinalInfo"),
    )

    request_id: bytes
    answer: bytes
    flags: int
    final_info: ProxyQueryFinalInfo | None = None

    def _write(self, put: Put) -> None:
        put(_S9.pack(0x1CE574E8, int256(self.request_id)))
        put_bytes(put, self.answer)
        put(_S12.pack(flags_word(self.flags)))
        if self.flags & 1:
            if self.final_info is None:
                raise presence_error("proxy.queryAnswerEx", 0)
            self.final_info._write_bare(put)
        elif self.final_info is not None:
            raise presence_error("proxy.queryAnswerEx", 0)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        request_id, = _S13.unpack_from(data, pos)
        pos += 32
        answer, pos = read_bytes(data, pos, size)
        flags, = _S12.unpack_from(data, pos)
        pos += 4
        if flags < 0:
            raise bad_flags(flags)
        final_info: ProxyQueryFinalInfo | None = None
        if flags & 1:
            final_info, pos = ProxyQueryFinalInfo._read(data, pos, size)
        return cls(request_id, answer, flags, final_info), pos


class ProxyQueryAnswerErrorEx(TLObject, frozen=True, gc=False):
    """``proxy.queryAnswerErrorEx`` of type ``proxy.QueryAnswerEx``."""

    ID: ClassVar[int] = 0x8F7FB0A7
    NAME: ClassVar[str] = "proxy.queryAnswerErrorEx"
    RESULT: ClassVar[str] = "proxy.QueryAnswerEx"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("request_id", "int256"),
        ("error_code", "int"),
        ("error", "string"),
        ("flags", "#"),
        ("final_info", "flags.0?proxy.queryFinalInfo"),
    )

    request_id: bytes
    error_code: int
    error: str
    flags: int
    final_info: ProxyQueryFinalInfo | None = None

    def _write(self, put: Put) -> None:
        put(_S41.pack(0x8F7FB0A7, int256(self.request_id), self.error_code))
        put_str(put, self.error)
        put(_S12.pack(flags_word(self.flags)))
        if self.flags & 1:
            if self.final_info is None:
                raise presence_error("proxy.queryAnswerErrorEx", 0)
            self.final_info._write_bare(put)
        elif self.final_info is not None:
            raise presence_error("proxy.queryAnswerErrorEx", 0)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        request_id, error_code = _S42.unpack_from(data, pos)
        pos += 36
        error, pos = read_str(data, pos, size)
        flags, = _S12.unpack_from(data, pos)
        pos += 4
        if flags < 0:
            raise bad_flags(flags)
        final_info: ProxyQueryFinalInfo | None = None
        if flags & 1:
            final_info, pos = ProxyQueryFinalInfo._read(data, pos, size)
        return cls(request_id, error_code, error, flags, final_info), pos


class ProxyQueryAnswerPartEx(TLObject, frozen=True, gc=False):
    """``proxy.queryAnswerPartEx`` of type ``proxy.QueryAnswerEx``."""

    ID: ClassVar[int] = 0x6D85B50F
    NAME: ClassVar[str] = "proxy.queryAnswerPartEx"
    RESULT: ClassVar[str] = "proxy.QueryAnswerEx"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("request_id", "int256"),
        ("answer", "bytes"),
        ("flags", "#"),
        ("final_info", "flags.0?proxy.queryFinalInfo"),
    )

    request_id: bytes
    answer: bytes
    flags: int
    final_info: ProxyQueryFinalInfo | None = None

    def _write(self, put: Put) -> None:
        put(_S9.pack(0x6D85B50F, int256(self.request_id)))
        put_bytes(put, self.answer)
        put(_S12.pack(flags_word(self.flags)))
        if self.flags & 1:
            if self.final_info is None:
                raise presence_error("proxy.queryAnswerPartEx", 0)
            self.final_info._write_bare(put)
        elif self.final_info is not None:
            raise presence_error("proxy.queryAnswerPartEx", 0)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        request_id, = _S13.unpack_from(data, pos)
        pos += 32
        answer, pos = read_bytes(data, pos, size)
        flags, = _S12.unpack_from(data, pos)
        pos += 4
        if flags < 0:
            raise bad_flags(flags)
        final_info: ProxyQueryFinalInfo | None = None
        if flags & 1:
            final_info, pos = ProxyQueryFinalInfo._read(data, pos, size)
        return cls(request_id, answer, flags, final_info), pos


class ProxyWorkerRequestPayment(TLObject, frozen=True, gc=False):
    """``proxy.workerRequestPayment`` of type ``proxy.WorkerRequestPayment``."""

    ID: ClassVar[int] = 0x1436C0D5
    NAME: ClassVar[str] = "proxy.workerRequestPayment"
    RESULT: ClassVar[str] = "proxy.WorkerRequestPayment"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("request_id", "int256"),
        ("signed_payment", "proxy.SignedPayment"),
        ("db_tokens", "long"),
        ("max_tokens", "long"),
        ("request_tokens", "long"),
        ("request_client_owner", "string"),
    )

    request_id: bytes
    signed_payment: ProxySignedPayment | ProxySignedPaymentEmpty
    db_tokens: int
    max_tokens: int
    request_tokens: int
    request_client_owner: str

    def _write(self, put: Put) -> None:
        put(_S9.pack(0x1436C0D5, int256(self.request_id)))
        _BOXED_PROXY_SIGNED_PAYMENT[self.signed_payment.ID]
        self.signed_payment._write(put)
        put(_S45.pack(self.db_tokens, self.max_tokens, self.request_tokens))
        put_str(put, self.request_client_owner)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        request_id, = _S13.unpack_from(data, pos)
        pos += 32
        t1, = _ID.unpack_from(data, pos)
        t2 = _BOXED_PROXY_SIGNED_PAYMENT.get(t1)
        if t2 is None:
            raise unknown_boxed("proxy.SignedPayment")
        signed_payment, pos = t2(data, pos + 4, size)
        db_tokens, max_tokens, request_tokens = _S45.unpack_from(data, pos)
        pos += 24
        request_client_owner, pos = read_str(data, pos, size)
        return cls(request_id, signed_payment, db_tokens, max_tokens, request_tokens, request_client_owner), pos


class WorkerEnabledDisabled(TLObject, frozen=True, gc=False):
    """``worker.enabledDisabled`` of type ``worker.EnabledDisabled``."""

    ID: ClassVar[int] = 0xB3B71039
    NAME: ClassVar[str] = "worker.enabledDisabled"
    RESULT: ClassVar[str] = "worker.EnabledDisabled"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("disabled", "int"),
    )

    disabled: int

    def _write(self, put: Put) -> None:
        put(_S19.pack(0xB3B71039, self.disabled))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        disabled, = _S12.unpack_from(data, pos)
        pos += 4
        return cls(disabled), pos


class WorkerNewCoefficient(TLObject, frozen=True, gc=False):
    """``worker.newCoefficient`` of type ``worker.NewCoefficient``."""

    ID: ClassVar[int] = 0x6AF092B0
    NAME: ClassVar[str] = "worker.newCoefficient"
    RESULT: ClassVar[str] = "worker.NewCoefficient"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("new_coefficient", "int"),
    )

    new_coefficient: int

    def _write(self, put: Put) -> None:
        put(_S19.pack(0x6AF092B0, self.new_coefficient))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        new_coefficient, = _S12.unpack_from(data, pos)
        pos += 4
        return cls(new_coefficient), pos


class WorkerConnectedToProxy(TLObject, frozen=True, gc=False):
    """``worker.connectedToProxy`` of type ``worker.ConnectedToProxy``."""

    ID: ClassVar[int] = 0x66BC82EE
    NAME: ClassVar[str] = "worker.connectedToProxy"
    RESULT: ClassVar[str] = "worker.ConnectedToProxy"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("params", "proxy.params"),
        ("worker_sc_address", "string"),
    )

    params: ProxyParams
    worker_sc_address: str

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x66BC82EE))
        self.params._write_bare(put)
        put_str(put, self.worker_sc_address)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        params, pos = ProxyParams._read(data, pos, size)
        worker_sc_address, pos = read_str(data, pos, size)
        return cls(params, worker_sc_address), pos


class WorkerCompareBalanceWithProxyResult(TLObject, frozen=True, gc=False):
    """``worker.compareBalanceWithProxyResult`` of type ``worker.CompareBalanceWithProxyResult``."""

    ID: ClassVar[int] = 0x9054C411
    NAME: ClassVar[str] = "worker.compareBalanceWithProxyResult"
    RESULT: ClassVar[str] = "worker.CompareBalanceWithProxyResult"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("signed_payment", "proxy.SignedPayment"),
        ("tokens_committed_to_db", "long"),
        ("max_tokens", "long"),
        ("error_code", "int"),
    )

    signed_payment: ProxySignedPayment | ProxySignedPaymentEmpty
    tokens_committed_to_db: int
    max_tokens: int
    error_code: int

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x9054C411))
        _BOXED_PROXY_SIGNED_PAYMENT[self.signed_payment.ID]
        self.signed_payment._write(put)
        put(_S24.pack(self.tokens_committed_to_db, self.max_tokens, self.error_code))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        t1, = _ID.unpack_from(data, pos)
        t2 = _BOXED_PROXY_SIGNED_PAYMENT.get(t1)
        if t2 is None:
            raise unknown_boxed("proxy.SignedPayment")
        signed_payment, pos = t2(data, pos + 4, size)
        tokens_committed_to_db, max_tokens, error_code = _S24.unpack_from(data, pos)
        pos += 20
        return cls(signed_payment, tokens_committed_to_db, max_tokens, error_code), pos


class WorkerExtendedCompareBalanceWithProxyResult(TLObject, frozen=True, gc=False):
    """``worker.extendedCompareBalanceWithProxyResult`` of type ``worker.ExtendedCompareBalanceWithProxyResult``."""

    ID: ClassVar[int] = 0x0C10973E
    NAME: ClassVar[str] = "worker.extendedCompareBalanceWithProxyResult"
    RESULT: ClassVar[str] = "worker.ExtendedCompareBalanceWithProxyResult"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("error_code", "int"),
    )

    error_code: int

    def _write(self, put: Put) -> None:
        put(_S19.pack(0x0C10973E, self.error_code))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        error_code, = _S12.unpack_from(data, pos)
        pos += 4
        return cls(error_code), pos


class WorkerProxyHandshakeCompleted(TLObject, frozen=True, gc=False):
    """``worker.proxyHandshakeCompleted`` of type ``worker.HandshakeCompleted``."""

    ID: ClassVar[int] = 0x3AD9B886
    NAME: ClassVar[str] = "worker.proxyHandshakeCompleted"
    RESULT: ClassVar[str] = "worker.HandshakeCompleted"

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x3AD9B886))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        return cls(), pos


class WorkerPaymentStatus(TLObject, frozen=True, gc=False):
    """``worker.paymentStatus`` of type ``worker.PaymentStatus``."""

    ID: ClassVar[int] = 0xA88BD701
    NAME: ClassVar[str] = "worker.paymentStatus"
    RESULT: ClassVar[str] = "worker.PaymentStatus"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("signed_payment", "proxy.SignedPayment"),
        ("db_tokens", "long"),
        ("max_tokens", "long"),
    )

    signed_payment: ProxySignedPayment | ProxySignedPaymentEmpty
    db_tokens: int
    max_tokens: int

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xA88BD701))
        _BOXED_PROXY_SIGNED_PAYMENT[self.signed_payment.ID]
        self.signed_payment._write(put)
        put(_S35.pack(self.db_tokens, self.max_tokens))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        t1, = _ID.unpack_from(data, pos)
        t2 = _BOXED_PROXY_SIGNED_PAYMENT.get(t1)
        if t2 is None:
            raise unknown_boxed("proxy.SignedPayment")
        signed_payment, pos = t2(data, pos + 4, size)
        db_tokens, max_tokens = _S35.unpack_from(data, pos)
        pos += 16
        return cls(signed_payment, db_tokens, max_tokens), pos


class WorkerCapabilities(TLObject, frozen=True, gc=False):
    """``worker.capabilities`` of type ``worker.Capabilities``."""

    ID: ClassVar[int] = 0x7298DB35
    NAME: ClassVar[str] = "worker.capabilities"
    RESULT: ClassVar[str] = "worker.Capabilities"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("engine", "string"),
        ("context_length", "int"),
        ("features", "vector string"),
    )

    engine: str
    context_length: int
    features: tuple[str, ...]

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x7298DB35))
        put_str(put, self.engine)
        put(_S12.pack(self.context_length))
        put_count(put, len(self.features))
        for t1 in self.features:
            put_str(put, t1)

    def _write_bare(self, put: Put) -> None:
        put_str(put, self.engine)
        put(_S12.pack(self.context_length))
        put_count(put, len(self.features))
        for t2 in self.features:
            put_str(put, t2)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        engine, pos = read_str(data, pos, size)
        context_length, = _S12.unpack_from(data, pos)
        pos += 4
        t3, pos = read_count(data, pos, size, 4)
        t4: list[str] = []
        for _ in range(t3):
            t5, pos = read_str(data, pos, size)
            t4.append(t5)
        features = tuple(t4)
        return cls(engine, context_length, features), pos


class ClientWorkerInstanceV3(TLObject, frozen=True, gc=False):
    """``client.workerInstanceV3`` of type ``client.WorkerInstanceV3``."""

    ID: ClassVar[int] = 0x56368561
    NAME: ClassVar[str] = "client.workerInstanceV3"
    RESULT: ClassVar[str] = "client.WorkerInstanceV3"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("coefficient", "int"),
        ("active_requests", "int"),
        ("max_active_requests", "int"),
        ("model", "string"),
        ("image_hash", "int256"),
        ("evidence", "string"),
        ("capabilities", "worker.capabilities"),
    )

    coefficient: int
    active_requests: int
    max_active_requests: int
    model: str
    image_hash: bytes
    evidence: str
    capabilities: WorkerCapabilities

    def _write(self, put: Put) -> None:
        put(_S47.pack(0x56368561, self.coefficient, self.active_requests, self.max_active_requests))
        put_str(put, self.model)
        put(_S13.pack(int256(self.image_hash)))
        put_str(put, self.evidence)
        self.capabilities._write_bare(put)

    def _write_bare(self, put: Put) -> None:
        put(_S48.pack(self.coefficient, self.active_requests, self.max_active_requests))
        put_str(put, self.model)
        put(_S13.pack(int256(self.image_hash)))
        put_str(put, self.evidence)
        self.capabilities._write_bare(put)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        coefficient, active_requests, max_active_requests = _S48.unpack_from(data, pos)
        pos += 12
        model, pos = read_str(data, pos, size)
        image_hash, = _S13.unpack_from(data, pos)
        pos += 32
        evidence, pos = read_str(data, pos, size)
        capabilities, pos = WorkerCapabilities._read(data, pos, size)
        return cls(coefficient, active_requests, max_active_requests, model, image_hash, evidence, capabilities), pos


class ClientWorkerTypeV3(TLObject, frozen=True, gc=False):
    """``client.workerTypeV3`` of type ``client.WorkerTypeV3``."""

    ID: ClassVar[int] = 0xB946BA8E
    NAME: ClassVar[str] = "client.workerTypeV3"
    RESULT: ClassVar[str] = "client.WorkerTypeV3"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("name", "string"),
        ("workers", "vector client.workerInstanceV3"),
    )

    name: str
    workers: tuple[ClientWorkerInstanceV3, ...]

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xB946BA8E))
        put_str(put, self.name)
        put_count(put, len(self.workers))
        for t1 in self.workers:
            t1._write_bare(put)

    def _write_bare(self, put: Put) -> None:
        put_str(put, self.name)
        put_count(put, len(self.workers))
        for t2 in self.workers:
            t2._write_bare(put)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        name, pos = read_str(data, pos, size)
        t3, pos = read_count(data, pos, size, 64)
        t4: list[ClientWorkerInstanceV3] = []
        for _ in range(t3):
            t5, pos = ClientWorkerInstanceV3._read(data, pos, size)
            t4.append(t5)
        workers = tuple(t4)
        return cls(name, workers), pos


class ClientWorkerTypesV3(TLObject, frozen=True, gc=False):
    """``client.workerTypesV3`` of type ``client.WorkerTypesV3``."""

    ID: ClassVar[int] = 0xE2785BB2
    NAME: ClassVar[str] = "client.workerTypesV3"
    RESULT: ClassVar[str] = "client.WorkerTypesV3"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("types", "vector client.workerTypeV3"),
    )

    types: tuple[ClientWorkerTypeV3, ...]

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xE2785BB2))
        put_count(put, len(self.types))
        for t1 in self.types:
            t1._write_bare(put)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        t2, pos = read_count(data, pos, size, 8)
        t3: list[ClientWorkerTypeV3] = []
        for _ in range(t2):
            t4, pos = ClientWorkerTypeV3._read(data, pos, size)
            t3.append(t4)
        types = tuple(t3)
        return cls(types), pos


class ClientCancelQuery(TLObject, frozen=True, gc=False):
    """``client.cancelQuery`` of type ``client.CancelQuery``."""

    ID: ClassVar[int] = 0x3265A5F8
    NAME: ClassVar[str] = "client.cancelQuery"
    RESULT: ClassVar[str] = "client.CancelQuery"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("request_id", "int256"),
    )

    request_id: bytes

    def _write(self, put: Put) -> None:
        put(_S9.pack(0x3265A5F8, int256(self.request_id)))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        request_id, = _S13.unpack_from(data, pos)
        pos += 32
        return cls(request_id), pos


class ProxyCancelQuery(TLObject, frozen=True, gc=False):
    """``proxy.cancelQuery`` of type ``proxy.CancelQuery``."""

    ID: ClassVar[int] = 0x8CD7E668
    NAME: ClassVar[str] = "proxy.cancelQuery"
    RESULT: ClassVar[str] = "proxy.CancelQuery"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("request_id", "int256"),
    )

    request_id: bytes

    def _write(self, put: Put) -> None:
        put(_S9.pack(0x8CD7E668, int256(self.request_id)))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        request_id, = _S13.unpack_from(data, pos)
        pos += 32
        return cls(request_id), pos


class KeyManagerPrivateKey(TLObject, frozen=True, gc=False):
    """``keyManager.privateKey`` of type ``keyManager.PrivateKey``."""

    ID: ClassVar[int] = 0x60F4F8E7
    NAME: ClassVar[str] = "keyManager.privateKey"
    RESULT: ClassVar[str] = "keyManager.PrivateKey"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("valid_until_utime", "int"),
        ("private_key", "int256"),
    )

    valid_until_utime: int
    private_key: bytes

    def _write(self, put: Put) -> None:
        put(_S14.pack(0x60F4F8E7, self.valid_until_utime, int256(self.private_key)))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        valid_until_utime, private_key = _S25.unpack_from(data, pos)
        pos += 36
        return cls(valid_until_utime, private_key), pos


class KeyManagerPrivateKeys(TLObject, frozen=True, gc=False):
    """``keyManager.privateKeys`` of type ``keyManager.PrivateKeys``."""

    ID: ClassVar[int] = 0x0ED66CE5
    NAME: ClassVar[str] = "keyManager.privateKeys"
    RESULT: ClassVar[str] = "keyManager.PrivateKeys"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("keys", "vector keyManager.privateKey"),
    )

    keys: tuple[KeyManagerPrivateKey, ...]

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x0ED66CE5))
        put_count(put, len(self.keys))
        for t1 in self.keys:
            t2 = t1
            put(_S25.pack(t2.valid_until_utime, int256(t2.private_key)))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        t3, pos = read_count(data, pos, size, 36)
        t4: list[KeyManagerPrivateKey] = []
        for _ in range(t3):
            t6, t7 = _S25.unpack_from(data, pos)
            pos += 36
            t5 = KeyManagerPrivateKey(t6, t7)
            t4.append(t5)
        keys = tuple(t4)
        return cls(keys), pos


class HttpHeader(TLObject, frozen=True, gc=False):
    """``http.header`` of type ``http.Header``."""

    ID: ClassVar[int] = 0x8E9BE511
    NAME: ClassVar[str] = "http.header"
    RESULT: ClassVar[str] = "http.Header"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("name", "string"),
        ("value", "string"),
    )

    name: str
    value: str

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x8E9BE511))
        put_str(put, self.name)
        put_str(put, self.value)

    def _write_bare(self, put: Put) -> None:
        put_str(put, self.name)
        put_str(put, self.value)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        name, pos = read_str(data, pos, size)
        value, pos = read_str(data, pos, size)
        return cls(name, value), pos


class HttpResponse(TLObject, frozen=True, gc=False):
    """``http.response`` of type ``http.Response``."""

    ID: ClassVar[int] = 0x1CD0C42B
    NAME: ClassVar[str] = "http.response"
    RESULT: ClassVar[str] = "http.Response"
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("http_version", "string"),
        ("status_code", "int"),
        ("reason", "string"),
        ("headers", "vector http.header"),
        ("payload", "bytes"),
    )

    http_version: str
    status_code: int
    reason: str
    headers: tuple[HttpHeader, ...]
    payload: bytes

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x1CD0C42B))
        put_str(put, self.http_version)
        put(_S12.pack(self.status_code))
        put_str(put, self.reason)
        put_count(put, len(self.headers))
        for t1 in self.headers:
            t1._write_bare(put)
        put_bytes(put, self.payload)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        http_version, pos = read_str(data, pos, size)
        status_code, = _S12.unpack_from(data, pos)
        pos += 4
        reason, pos = read_str(data, pos, size)
        t2, pos = read_count(data, pos, size, 8)
        t3: list[HttpHeader] = []
        for _ in range(t2):
            t4, pos = HttpHeader._read(data, pos, size)
            t3.append(t4)
        headers = tuple(t3)
        payload, pos = read_bytes(data, pos, size)
        return cls(http_version, status_code, reason, headers, payload), pos


class TestQuery(TLObject, frozen=True, gc=False):
    """``test.query`` of type ``test.Answer``."""

    ID: ClassVar[int] = 0x394E9143
    NAME: ClassVar[str] = "test.query"
    RESULT: ClassVar[str] = "test.Answer"
    IS_FUNCTION: ClassVar[bool] = True
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("id", "long"),
    )

    id: int

    def _write(self, put: Put) -> None:
        put(_S0.pack(0x394E9143, self.id))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        id, = _S1.unpack_from(data, pos)
        pos += 8
        return cls(id), pos


class ClientConnectToProxy(TLObject, frozen=True, gc=False):
    """``client.connectToProxy`` of type ``client.ConnectedToProxy``."""

    ID: ClassVar[int] = 0xFF5FA0F4
    NAME: ClassVar[str] = "client.connectToProxy"
    RESULT: ClassVar[str] = "client.ConnectedToProxy"
    IS_FUNCTION: ClassVar[bool] = True
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("params", "client.params"),
        ("min_config_version", "int"),
    )

    params: ClientParams
    min_config_version: int

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xFF5FA0F4))
        self.params._write_bare(put)
        put(_S12.pack(self.min_config_version))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        params, pos = ClientParams._read(data, pos, size)
        min_config_version, = _S12.unpack_from(data, pos)
        pos += 4
        return cls(params, min_config_version), pos


class ClientAuthorizeWithProxyShort(TLObject, frozen=True, gc=False):
    """``client.authorizeWithProxyShort`` of type ``client.AuthorizationWithProxy``."""

    ID: ClassVar[int] = 0x6C276723
    NAME: ClassVar[str] = "client.authorizeWithProxyShort"
    RESULT: ClassVar[str] = "client.AuthorizationWithProxy"
    IS_FUNCTION: ClassVar[bool] = True
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("data", "bytes"),
    )

    data: bytes

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x6C276723))
        put_bytes(put, self.data)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        data, pos = read_bytes(data, pos, size)
        return cls(data), pos


class ClientAuthorizeWithProxyLong(TLObject, frozen=True, gc=False):
    """``client.authorizeWithProxyLong`` of type ``client.AuthorizationWithProxy``."""

    ID: ClassVar[int] = 0xD3474303
    NAME: ClassVar[str] = "client.authorizeWithProxyLong"
    RESULT: ClassVar[str] = "client.AuthorizationWithProxy"
    IS_FUNCTION: ClassVar[bool] = True

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xD3474303))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        return cls(), pos


class ClientRunQuery(TLObject, frozen=True, gc=False):
    """``client.runQuery`` of type ``client.QueryAnswer``."""

    ID: ClassVar[int] = 0xBC748F32
    NAME: ClassVar[str] = "client.runQuery"
    RESULT: ClassVar[str] = "client.QueryAnswer"
    IS_FUNCTION: ClassVar[bool] = True
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("model_name", "string"),
        ("query", "bytes"),
        ("max_coefficient", "int"),
        ("max_tokens", "int"),
        ("timeout", "double"),
        ("request_id", "int256"),
        ("min_config_version", "int"),
    )

    model_name: str
    query: bytes
    max_coefficient: int
    max_tokens: int
    timeout: float
    request_id: bytes
    min_config_version: int

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xBC748F32))
        put_str(put, self.model_name)
        put_bytes(put, self.query)
        put(_S49.pack(self.max_coefficient, self.max_tokens, self.timeout, int256(self.request_id), self.min_config_version))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        model_name, pos = read_str(data, pos, size)
        query, pos = read_bytes(data, pos, size)
        max_coefficient, max_tokens, timeout, request_id, min_config_version = _S49.unpack_from(data, pos)
        pos += 52
        return cls(model_name, query, max_coefficient, max_tokens, timeout, request_id, min_config_version), pos


class ClientRunQueryEx(TLObject, frozen=True, gc=False):
    """``client.runQueryEx`` of type ``client.QueryAnswerEx``."""

    ID: ClassVar[int] = 0xF54CB74B
    NAME: ClassVar[str] = "client.runQueryEx"
    RESULT: ClassVar[str] = "client.QueryAnswerEx"
    IS_FUNCTION: ClassVar[bool] = True
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("model_name", "string"),
        ("query", "bytes"),
        ("max_coefficient", "int"),
        ("max_tokens", "int"),
        ("timeout", "double"),
        ("request_id", "int256"),
        ("min_config_version", "int"),
        ("flags", "#"),
        ("enable_debug", "flags.0?Bool"),
    )

    model_name: str
    query: bytes
    max_coefficient: int
    max_tokens: int
    timeout: float
    request_id: bytes
    min_config_version: int
    flags: int
    enable_debug: bool | None = None

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xF54CB74B))
        put_str(put, self.model_name)
        put_bytes(put, self.query)
        put(_S50.pack(self.max_coefficient, self.max_tokens, self.timeout, int256(self.request_id), self.min_config_version, flags_word(self.flags)))
        if self.flags & 1:
            if self.enable_debug is None:
                raise presence_error("client.runQueryEx", 0)
            put(_S2.pack(BOOL_IDS[self.enable_debug]))
        elif self.enable_debug is not None:
            raise presence_error("client.runQueryEx", 0)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        model_name, pos = read_str(data, pos, size)
        query, pos = read_bytes(data, pos, size)
        max_coefficient, max_tokens, timeout, request_id, min_config_version, flags = _S50.unpack_from(data, pos)
        pos += 56
        if flags < 0:
            raise bad_flags(flags)
        enable_debug: bool | None = None
        if flags & 1:
            t1, = _S2.unpack_from(data, pos)
            pos += 4
            enable_debug = BOOLS[t1]
        return cls(model_name, query, max_coefficient, max_tokens, timeout, request_id, min_config_version, flags, enable_debug), pos


class ClientRequestRefund(TLObject, frozen=True, gc=False):
    """``client.requestRefund`` of type ``client.Refund``."""

    ID: ClassVar[int] = 0x238D863D
    NAME: ClassVar[str] = "client.requestRefund"
    RESULT: ClassVar[str] = "client.Refund"
    IS_FUNCTION: ClassVar[bool] = True

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x238D863D))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        return cls(), pos


class ClientUpdatePaymentStatus(TLObject, frozen=True, gc=False):
    """``client.updatePaymentStatus`` of type ``client.PaymentStatus``."""

    ID: ClassVar[int] = 0x9ED1C697
    NAME: ClassVar[str] = "client.updatePaymentStatus"
    RESULT: ClassVar[str] = "client.PaymentStatus"
    IS_FUNCTION: ClassVar[bool] = True

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x9ED1C697))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        return cls(), pos


class ClientGetWorkerTypes(TLObject, frozen=True, gc=False):
    """``client.getWorkerTypes`` of type ``client.WorkerTypes``."""

    ID: ClassVar[int] = 0x7F062BDB
    NAME: ClassVar[str] = "client.getWorkerTypes"
    RESULT: ClassVar[str] = "client.WorkerTypes"
    IS_FUNCTION: ClassVar[bool] = True

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x7F062BDB))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        return cls(), pos


class ClientGetWorkerTypesV2(TLObject, frozen=True, gc=False):
    """``client.getWorkerTypesV2`` of type ``client.WorkerTypesV2``."""

    ID: ClassVar[int] = 0xB2133D72
    NAME: ClassVar[str] = "client.getWorkerTypesV2"
    RESULT: ClassVar[str] = "client.WorkerTypesV2"
    IS_FUNCTION: ClassVar[bool] = True

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xB2133D72))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        return cls(), pos


class ProxyRunQuery(TLObject, frozen=True, gc=False):
    """``proxy.runQuery`` of type ``proxy.QueryAnswer``."""

    ID: ClassVar[int] = 0x47182416
    NAME: ClassVar[str] = "proxy.runQuery"
    RESULT: ClassVar[str] = "proxy.QueryAnswer"
    IS_FUNCTION: ClassVar[bool] = True
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("query", "bytes"),
        ("signed_payment", "proxy.SignedPayment"),
        ("coefficient", "long"),
        ("timeout", "double"),
        ("request_id", "int256"),
    )

    query: bytes
    signed_payment: ProxySignedPayment | ProxySignedPaymentEmpty
    coefficient: int
    timeout: float
    request_id: bytes

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x47182416))
        put_bytes(put, self.query)
        _BOXED_PROXY_SIGNED_PAYMENT[self.signed_payment.ID]
        self.signed_payment._write(put)
        put(_S51.pack(self.coefficient, self.timeout, int256(self.request_id)))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        query, pos = read_bytes(data, pos, size)
        t1, = _ID.unpack_from(data, pos)
        t2 = _BOXED_PROXY_SIGNED_PAYMENT.get(t1)
        if t2 is None:
            raise unknown_boxed("proxy.SignedPayment")
        signed_payment, pos = t2(data, pos + 4, size)
        coefficient, timeout, request_id = _S51.unpack_from(data, pos)
        pos += 48
        return cls(query, signed_payment, coefficient, timeout, request_id), pos


class ProxyRunQueryEx(TLObject, frozen=True, gc=False):
    """``proxy.runQueryEx`` of type ``proxy.QueryAnswer``."""

    ID: ClassVar[int] = 0xC805E7E2
    NAME: ClassVar[str] = "proxy.runQueryEx"
    RESULT: ClassVar[str] = "proxy.QueryAnswer"
    IS_FUNCTION: ClassVar[bool] = True
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("query", "bytes"),
        ("signed_payment", "proxy.SignedPayment"),
        ("coefficient", "long"),
        ("timeout", "double"),
        ("request_id", "int256"),
        ("flags", "#"),
        ("enable_debug", "flags.0?Bool"),
    )

    query: bytes
    signed_payment: ProxySignedPayment | ProxySignedPaymentEmpty
    coefficient: int
    timeout: float
    request_id: bytes
    flags: int
    enable_debug: bool | None = None

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xC805E7E2))
        put_bytes(put, self.query)
        _BOXED_PROXY_SIGNED_PAYMENT[self.signed_payment.ID]
        self.signed_payment._write(put)
        put(_S52.pack(self.coefficient, self.timeout, int256(self.request_id), flags_word(self.flags)))
        if self.flags & 1:
            if self.enable_debug is None:
                raise presence_error("proxy.runQueryEx", 0)
            put(_S2.pack(BOOL_IDS[self.enable_debug]))
        elif self.enable_debug is not None:
            raise presence_error("proxy.runQueryEx", 0)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        query, pos = read_bytes(data, pos, size)
        t1, = _ID.unpack_from(data, pos)
        t2 = _BOXED_PROXY_SIGNED_PAYMENT.get(t1)
        if t2 is None:
            raise unknown_boxed("proxy.SignedPayment")
        signed_payment, pos = t2(data, pos + 4, size)
        coefficient, timeout, request_id, flags = _S52.unpack_from(data, pos)
        pos += 52
        if flags < 0:
            raise bad_flags(flags)
        enable_debug: bool | None = None
        if flags & 1:
            t3, = _S2.unpack_from(data, pos)
            pos += 4
            enable_debug = BOOLS[t3]
        return cls(query, signed_payment, coefficient, timeout, request_id, flags, enable_debug), pos


class WorkerConnectToProxy(TLObject, frozen=True, gc=False):
    """``worker.connectToProxy`` of type ``worker.ConnectedToProxy``."""

    ID: ClassVar[int] = 0xCC484C5D
    NAME: ClassVar[str] = "worker.connectToProxy"
    RESULT: ClassVar[str] = "worker.ConnectedToProxy"
    IS_FUNCTION: ClassVar[bool] = True
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("params", "worker.params"),
    )

    params: WorkerParams

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xCC484C5D))
        self.params._write_bare(put)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        params, pos = WorkerParams._read(data, pos, size)
        return cls(params), pos


class WorkerCompareBalanceWithProxy(TLObject, frozen=True, gc=False):
    """``worker.compareBalanceWithProxy`` of type ``worker.CompareBalanceWithProxyResult``."""

    ID: ClassVar[int] = 0xDB386501
    NAME: ClassVar[str] = "worker.compareBalanceWithProxy"
    RESULT: ClassVar[str] = "worker.CompareBalanceWithProxyResult"
    IS_FUNCTION: ClassVar[bool] = True
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("tokens_committed_to_blockchain", "long"),
        ("tokens_committed_to_db", "long"),
        ("max_tokens", "long"),
    )

    tokens_committed_to_blockchain: int
    tokens_committed_to_db: int
    max_tokens: int

    def _write(self, put: Put) -> None:
        put(_S53.pack(0xDB386501, self.tokens_committed_to_blockchain, self.tokens_committed_to_db, self.max_tokens))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        tokens_committed_to_blockchain, tokens_committed_to_db, max_tokens = _S45.unpack_from(data, pos)
        pos += 24
        return cls(tokens_committed_to_blockchain, tokens_committed_to_db, max_tokens), pos


class WorkerExtendedCompareBalanceWithProxy(TLObject, frozen=True, gc=False):
    """``worker.extendedCompareBalanceWithProxy`` of type ``worker.ExtendedCompareBalanceWithProxyResult``."""

    ID: ClassVar[int] = 0xF8DD9914
    NAME: ClassVar[str] = "worker.extendedCompareBalanceWithProxy"
    RESULT: ClassVar[str] = "worker.ExtendedCompareBalanceWithProxyResult"
    IS_FUNCTION: ClassVar[bool] = True
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("tokens_committed_to_db", "long"),
        ("other", "bytes"),
    )

    tokens_committed_to_db: int
    other: bytes

    def _write(self, put: Put) -> None:
        put(_S0.pack(0xF8DD9914, self.tokens_committed_to_db))
        put_bytes(put, self.other)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        tokens_committed_to_db, = _S1.unpack_from(data, pos)
        pos += 8
        other, pos = read_bytes(data, pos, size)
        return cls(tokens_committed_to_db, other), pos


class WorkerProxyHandshakeComplete(TLObject, frozen=True, gc=False):
    """``worker.proxyHandshakeComplete`` of type ``worker.HandshakeCompleted``."""

    ID: ClassVar[int] = 0xF843B066
    NAME: ClassVar[str] = "worker.proxyHandshakeComplete"
    RESULT: ClassVar[str] = "worker.HandshakeCompleted"
    IS_FUNCTION: ClassVar[bool] = True
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("is_disabled", "Bool"),
    )

    is_disabled: bool

    def _write(self, put: Put) -> None:
        put(_S54.pack(0xF843B066, BOOL_IDS[self.is_disabled]))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        t1, = _S2.unpack_from(data, pos)
        pos += 4
        is_disabled = BOOLS[t1]
        return cls(is_disabled), pos


class WorkerUpdatePaymentStatus(TLObject, frozen=True, gc=False):
    """``worker.updatePaymentStatus`` of type ``worker.PaymentStatus``."""

    ID: ClassVar[int] = 0xDC70A524
    NAME: ClassVar[str] = "worker.updatePaymentStatus"
    RESULT: ClassVar[str] = "worker.PaymentStatus"
    IS_FUNCTION: ClassVar[bool] = True

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xDC70A524))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        return cls(), pos


class ClientRunQueryV3(TLObject, frozen=True, gc=False):
    """``client.runQueryV3`` of type ``client.QueryAnswerEx``."""

    ID: ClassVar[int] = 0xC9306029
    NAME: ClassVar[str] = "client.runQueryV3"
    RESULT: ClassVar[str] = "client.QueryAnswerEx"
    IS_FUNCTION: ClassVar[bool] = True
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("model_name", "string"),
        ("query", "bytes"),
        ("max_coefficient", "int"),
        ("max_tokens", "int"),
        ("timeout", "double"),
        ("request_id", "int256"),
        ("min_config_version", "int"),
        ("cache_scope", "int256"),
        ("requires", "vector string"),
        ("flags", "#"),
        ("enable_debug", "flags.0?Bool"),
    )

    model_name: str
    query: bytes
    max_coefficient: int
    max_tokens: int
    timeout: float
    request_id: bytes
    min_config_version: int
    cache_scope: bytes
    requires: tuple[str, ...]
    flags: int
    enable_debug: bool | None = None

    def _write(self, put: Put) -> None:
        put(_S2.pack(0xC9306029))
        put_str(put, self.model_name)
        put_bytes(put, self.query)
        put(_S55.pack(self.max_coefficient, self.max_tokens, self.timeout, int256(self.request_id), self.min_config_version, int256(self.cache_scope)))
        put_count(put, len(self.requires))
        for t1 in self.requires:
            put_str(put, t1)
        put(_S12.pack(flags_word(self.flags)))
        if self.flags & 1:
            if self.enable_debug is None:
                raise presence_error("client.runQueryV3", 0)
            put(_S2.pack(BOOL_IDS[self.enable_debug]))
        elif self.enable_debug is not None:
            raise presence_error("client.runQueryV3", 0)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        model_name, pos = read_str(data, pos, size)
        query, pos = read_bytes(data, pos, size)
        max_coefficient, max_tokens, timeout, request_id, min_config_version, cache_scope = _S55.unpack_from(data, pos)
        pos += 84
        t2, pos = read_count(data, pos, size, 4)
        t3: list[str] = []
        for _ in range(t2):
            t4, pos = read_str(data, pos, size)
            t3.append(t4)
        requires = tuple(t3)
        flags, = _S12.unpack_from(data, pos)
        pos += 4
        if flags < 0:
            raise bad_flags(flags)
        enable_debug: bool | None = None
        if flags & 1:
            t5, = _S2.unpack_from(data, pos)
            pos += 4
            enable_debug = BOOLS[t5]
        return cls(model_name, query, max_coefficient, max_tokens, timeout, request_id, min_config_version, cache_scope, requires, flags, enable_debug), pos


class ClientGetWorkerTypesV3(TLObject, frozen=True, gc=False):
    """``client.getWorkerTypesV3`` of type ``client.WorkerTypesV3``."""

    ID: ClassVar[int] = 0x443168C3
    NAME: ClassVar[str] = "client.getWorkerTypesV3"
    RESULT: ClassVar[str] = "client.WorkerTypesV3"
    IS_FUNCTION: ClassVar[bool] = True

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x443168C3))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        return cls(), pos


class ProxyRunQueryV3(TLObject, frozen=True, gc=False):
    """``proxy.runQueryV3`` of type ``proxy.QueryAnswer``."""

    ID: ClassVar[int] = 0x3F2CBB14
    NAME: ClassVar[str] = "proxy.runQueryV3"
    RESULT: ClassVar[str] = "proxy.QueryAnswer"
    IS_FUNCTION: ClassVar[bool] = True
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("query", "bytes"),
        ("signed_payment", "proxy.SignedPayment"),
        ("coefficient", "long"),
        ("timeout", "double"),
        ("request_id", "int256"),
        ("max_tokens", "int"),
        ("cache_scope", "int256"),
        ("flags", "#"),
        ("enable_debug", "flags.0?Bool"),
    )

    query: bytes
    signed_payment: ProxySignedPayment | ProxySignedPaymentEmpty
    coefficient: int
    timeout: float
    request_id: bytes
    max_tokens: int
    cache_scope: bytes
    flags: int
    enable_debug: bool | None = None

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x3F2CBB14))
        put_bytes(put, self.query)
        _BOXED_PROXY_SIGNED_PAYMENT[self.signed_payment.ID]
        self.signed_payment._write(put)
        put(_S56.pack(self.coefficient, self.timeout, int256(self.request_id), self.max_tokens, int256(self.cache_scope), flags_word(self.flags)))
        if self.flags & 1:
            if self.enable_debug is None:
                raise presence_error("proxy.runQueryV3", 0)
            put(_S2.pack(BOOL_IDS[self.enable_debug]))
        elif self.enable_debug is not None:
            raise presence_error("proxy.runQueryV3", 0)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        query, pos = read_bytes(data, pos, size)
        t1, = _ID.unpack_from(data, pos)
        t2 = _BOXED_PROXY_SIGNED_PAYMENT.get(t1)
        if t2 is None:
            raise unknown_boxed("proxy.SignedPayment")
        signed_payment, pos = t2(data, pos + 4, size)
        coefficient, timeout, request_id, max_tokens, cache_scope, flags = _S56.unpack_from(data, pos)
        pos += 88
        if flags < 0:
            raise bad_flags(flags)
        enable_debug: bool | None = None
        if flags & 1:
            t3, = _S2.unpack_from(data, pos)
            pos += 4
            enable_debug = BOOLS[t3]
        return cls(query, signed_payment, coefficient, timeout, request_id, max_tokens, cache_scope, flags, enable_debug), pos


class KeyManagerGetWorkerPrivateKeys(TLObject, frozen=True, gc=False):
    """``keyManager.getWorkerPrivateKeys`` of type ``keyManager.PrivateKeys``."""

    ID: ClassVar[int] = 0x2A26EFF5
    NAME: ClassVar[str] = "keyManager.getWorkerPrivateKeys"
    RESULT: ClassVar[str] = "keyManager.PrivateKeys"
    IS_FUNCTION: ClassVar[bool] = True
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("min_config_version", "int"),
    )

    min_config_version: int

    def _write(self, put: Put) -> None:
        put(_S19.pack(0x2A26EFF5, self.min_config_version))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        min_config_version, = _S12.unpack_from(data, pos)
        pos += 4
        return cls(min_config_version), pos


class KeyManagerGetProxyPrivateKeys(TLObject, frozen=True, gc=False):
    """``keyManager.getProxyPrivateKeys`` of type ``keyManager.PrivateKeys``."""

    ID: ClassVar[int] = 0x47A9C2DE
    NAME: ClassVar[str] = "keyManager.getProxyPrivateKeys"
    RESULT: ClassVar[str] = "keyManager.PrivateKeys"
    IS_FUNCTION: ClassVar[bool] = True
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("min_config_version", "int"),
    )

    min_config_version: int

    def _write(self, put: Put) -> None:
        put(_S19.pack(0x47A9C2DE, self.min_config_version))

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        min_config_version, = _S12.unpack_from(data, pos)
        pos += 4
        return cls(min_config_version), pos


class HttpRequest(TLObject, frozen=True, gc=False):
    """``http.request`` of type ``http.Response``."""

    ID: ClassVar[int] = 0x47492DE5
    NAME: ClassVar[str] = "http.request"
    RESULT: ClassVar[str] = "http.Response"
    IS_FUNCTION: ClassVar[bool] = True
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("method", "string"),
        ("url", "string"),
        ("http_version", "string"),
        ("headers", "vector http.header"),
        ("payload", "bytes"),
    )

    method: str
    url: str
    http_version: str
    headers: tuple[HttpHeader, ...]
    payload: bytes

    def _write(self, put: Put) -> None:
        put(_S2.pack(0x47492DE5))
        put_str(put, self.method)
        put_str(put, self.url)
        put_str(put, self.http_version)
        put_count(put, len(self.headers))
        for t1 in self.headers:
            t1._write_bare(put)
        put_bytes(put, self.payload)

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        method, pos = read_str(data, pos, size)
        url, pos = read_str(data, pos, size)
        http_version, pos = read_str(data, pos, size)
        t2, pos = read_count(data, pos, size, 8)
        t3: list[HttpHeader] = []
        for _ in range(t2):
            t4, pos = HttpHeader._read(data, pos, size)
            t3.append(t4)
        headers = tuple(t3)
        payload, pos = read_bytes(data, pos, size)
        return cls(method, url, http_version, headers, payload), pos


_BOXED_CLIENT_PROXY_CONNECTION_AUTH: dict[int, Reader[ClientProxyConnectionAuthShort | ClientProxyConnectionAuthLong]] = {
    ClientProxyConnectionAuthShort.ID: ClientProxyConnectionAuthShort._read,
    ClientProxyConnectionAuthLong.ID: ClientProxyConnectionAuthLong._read,
}

_BOXED_PROXY_SIGNED_PAYMENT: dict[int, Reader[ProxySignedPayment | ProxySignedPaymentEmpty]] = {
    ProxySignedPayment.ID: ProxySignedPayment._read,
    ProxySignedPaymentEmpty.ID: ProxySignedPaymentEmpty._read,
}

_BOXED_ROOT_CONFIG_CONFIG: dict[int, Reader[RootConfigPseudo | RootConfigConfigV5]] = {
    RootConfigPseudo.ID: RootConfigPseudo._read,
    RootConfigConfigV5.ID: RootConfigConfigV5._read,
}


READERS[0xBBE9627C] = TcpPing._read
READERS[0x0BD4302C] = TcpPong._read
READERS[0x9C17BAF8] = TcpPacket._read
READERS[0xC048C311] = TcpQueryAnswer._read
READERS[0x4CD2F602] = TcpQueryError._read
READERS[0x3AF51908] = TcpQuery._read
READERS[0x636D41D6] = TcpConnected._read
READERS[0xA57C4261] = TcpConnect._read
READERS[0xBC3F6DA5] = TonBlockIdExt._read
READERS[0x0D4FCDB6] = TestAnswer._read
READERS[0x5BF5E272] = ProxyRunnerConfig._read
READERS[0x870DB56D] = WorkerRunnerConfig._read
READERS[0xAF0BD51F] = ClientRunnerConfig._read
READERS[0xD7874E40] = KeyStorageRunnerConfig._read
READERS[0x9F4E446A] = RootConfigRegisteredProxy._read
READERS[0x87A976CC] = RootConfigPseudo._read
READERS[0x5E84869B] = RootConfigConfigV5._read
READERS[0x6CFEAA21] = ProxyDbClientInfo._read
READERS[0x3078C9BF] = ProxyDbClientInfoV2._read
READERS[0x2517B38F] = ProxyDbWorkerInfo._read
READERS[0x525B14A9] = ProxyDbPendingBlockchainSeqnoCommit._read
READERS[0x43DC40B4] = ProxyDbConfigEmpty._read
READERS[0xBDE43703] = ProxyDbConfigV4._read
READERS[0xAD2CFB4A] = ProxyDbConfigV4Disabled._read
READERS[0x2FAE7B42] = ProxyDbOldClient._read
READERS[0xF04156A0] = ProxyDbOldWorker._read
READERS[0xA8C9E178] = ProxyDbOldInstance._read
READERS[0xD3FC2385] = KeyManagerDbConfigEmpty._read
READERS[0x6D2817AC] = KeyManagerDbConfigV1._read
READERS[0x4D0A1E17] = KeyManagerDbKey._read
READERS[0x70C5B15C] = TokensUsed._read
READERS[0x869C73ED] = WorkerParams._read
READERS[0xD5C5609F] = ProxyParams._read
READERS[0x40FDCA64] = ClientParams._read
READERS[0xD6FFC5AF] = ClientProxyConnectionAuthShort._read
READERS[0x417BF016] = ClientProxyConnectionAuthLong._read
READERS[0x02998182] = ProxySignedPayment._read
READERS[0xB347CE64] = ProxySignedPaymentEmpty._read
READERS[0x75D5AC34] = ClientAuthorizationWithProxySuccess._read
READERS[0x60551C96] = ClientAuthorizationWithProxyFailed._read
READERS[0x95317AD1] = ClientConnectedToProxy._read
READERS[0x9B943922] = ClientQueryAnswer._read
READERS[0x6D60569A] = ClientQueryAnswerError._read
READERS[0xB765DE4C] = ClientQueryAnswerPart._read
READERS[0xD790A022] = ClientQueryAnswerPartError._read
READERS[0x69A452F0] = ClientQueryFinalInfo._read
READERS[0xCD524720] = ClientQueryAnswerEx._read
READERS[0x072562A8] = ClientQueryAnswerErrorEx._read
READERS[0xC07BFAEC] = ClientQueryAnswerPartEx._read
READERS[0x83AABEAD] = ClientRefund._read
READERS[0xCF9D9957] = ClientRefundRejected._read
READERS[0x8210E21C] = ClientWorkerType._read
READERS[0xF64E0E01] = ClientWorkerTypes._read
READERS[0x3EA93D00] = ClientWorkerInstanceV2._read
READERS[0xB27D8197] = ClientWorkerTypeV2._read
READERS[0x0CF0DC67] = ClientWorkerTypesV2._read
READERS[0xAA8A0ECC] = ClientPaymentStatus._read
READERS[0xC6BCF127] = ProxyClientRequestPayment._read
READERS[0x37E5F725] = ProxyQueryAnswer._read
READERS[0x669D014E] = ProxyQueryAnswerError._read
READERS[0x72EB00EE] = ProxyQueryAnswerPart._read
READERS[0x940E1168] = ProxyQueryAnswerPartError._read
READERS[0xE794E6FC] = ProxyQueryFinalInfo._read
READERS[0x1CE574E8] = ProxyQueryAnswerEx._read
READERS[0x8F7FB0A7] = ProxyQueryAnswerErrorEx._read
READERS[0x6D85B50F] = ProxyQueryAnswerPartEx._read
READERS[0x1436C0D5] = ProxyWorkerRequestPayment._read
READERS[0xB3B71039] = WorkerEnabledDisabled._read
READERS[0x6AF092B0] = WorkerNewCoefficient._read
READERS[0x66BC82EE] = WorkerConnectedToProxy._read
READERS[0x9054C411] = WorkerCompareBalanceWithProxyResult._read
READERS[0x0C10973E] = WorkerExtendedCompareBalanceWithProxyResult._read
READERS[0x3AD9B886] = WorkerProxyHandshakeCompleted._read
READERS[0xA88BD701] = WorkerPaymentStatus._read
READERS[0x7298DB35] = WorkerCapabilities._read
READERS[0x56368561] = ClientWorkerInstanceV3._read
READERS[0xB946BA8E] = ClientWorkerTypeV3._read
READERS[0xE2785BB2] = ClientWorkerTypesV3._read
READERS[0x3265A5F8] = ClientCancelQuery._read
READERS[0x8CD7E668] = ProxyCancelQuery._read
READERS[0x60F4F8E7] = KeyManagerPrivateKey._read
READERS[0x0ED66CE5] = KeyManagerPrivateKeys._read
READERS[0x8E9BE511] = HttpHeader._read
READERS[0x1CD0C42B] = HttpResponse._read
READERS[0x394E9143] = TestQuery._read
READERS[0xFF5FA0F4] = ClientConnectToProxy._read
READERS[0x6C276723] = ClientAuthorizeWithProxyShort._read
READERS[0xD3474303] = ClientAuthorizeWithProxyLong._read
READERS[0xBC748F32] = ClientRunQuery._read
READERS[0xF54CB74B] = ClientRunQueryEx._read
READERS[0x238D863D] = ClientRequestRefund._read
READERS[0x9ED1C697] = ClientUpdatePaymentStatus._read
READERS[0x7F062BDB] = ClientGetWorkerTypes._read
READERS[0xB2133D72] = ClientGetWorkerTypesV2._read
READERS[0x47182416] = ProxyRunQuery._read
READERS[0xC805E7E2] = ProxyRunQueryEx._read
READERS[0xCC484C5D] = WorkerConnectToProxy._read
READERS[0xDB386501] = WorkerCompareBalanceWithProxy._read
READERS[0xF8DD9914] = WorkerExtendedCompareBalanceWithProxy._read
READERS[0xF843B066] = WorkerProxyHandshakeComplete._read
READERS[0xDC70A524] = WorkerUpdatePaymentStatus._read
READERS[0xC9306029] = ClientRunQueryV3._read
READERS[0x443168C3] = ClientGetWorkerTypesV3._read
READERS[0x3F2CBB14] = ProxyRunQueryV3._read
READERS[0x2A26EFF5] = KeyManagerGetWorkerPrivateKeys._read
READERS[0x47A9C2DE] = KeyManagerGetProxyPrivateKeys._read
READERS[0x47492DE5] = HttpRequest._read

__all__ = [
    "ClientAuthorizationWithProxyFailed",
    "ClientAuthorizationWithProxySuccess",
    "ClientAuthorizeWithProxyLong",
    "ClientAuthorizeWithProxyShort",
    "ClientCancelQuery",
    "ClientConnectToProxy",
    "ClientConnectedToProxy",
    "ClientGetWorkerTypes",
    "ClientGetWorkerTypesV2",
    "ClientGetWorkerTypesV3",
    "ClientParams",
    "ClientPaymentStatus",
    "ClientProxyConnectionAuthLong",
    "ClientProxyConnectionAuthShort",
    "ClientQueryAnswer",
    "ClientQueryAnswerError",
    "ClientQueryAnswerErrorEx",
    "ClientQueryAnswerEx",
    "ClientQueryAnswerPart",
    "ClientQueryAnswerPartError",
    "ClientQueryAnswerPartEx",
    "ClientQueryFinalInfo",
    "ClientRefund",
    "ClientRefundRejected",
    "ClientRequestRefund",
    "ClientRunQuery",
    "ClientRunQueryEx",
    "ClientRunQueryV3",
    "ClientRunnerConfig",
    "ClientUpdatePaymentStatus",
    "ClientWorkerInstanceV2",
    "ClientWorkerInstanceV3",
    "ClientWorkerType",
    "ClientWorkerTypeV2",
    "ClientWorkerTypeV3",
    "ClientWorkerTypes",
    "ClientWorkerTypesV2",
    "ClientWorkerTypesV3",
    "HttpHeader",
    "HttpRequest",
    "HttpResponse",
    "KeyManagerDbConfigEmpty",
    "KeyManagerDbConfigV1",
    "KeyManagerDbKey",
    "KeyManagerGetProxyPrivateKeys",
    "KeyManagerGetWorkerPrivateKeys",
    "KeyManagerPrivateKey",
    "KeyManagerPrivateKeys",
    "KeyStorageRunnerConfig",
    "ProxyCancelQuery",
    "ProxyClientRequestPayment",
    "ProxyDbClientInfo",
    "ProxyDbClientInfoV2",
    "ProxyDbConfigEmpty",
    "ProxyDbConfigV4",
    "ProxyDbConfigV4Disabled",
    "ProxyDbOldClient",
    "ProxyDbOldInstance",
    "ProxyDbOldWorker",
    "ProxyDbPendingBlockchainSeqnoCommit",
    "ProxyDbWorkerInfo",
    "ProxyParams",
    "ProxyQueryAnswer",
    "ProxyQueryAnswerError",
    "ProxyQueryAnswerErrorEx",
    "ProxyQueryAnswerEx",
    "ProxyQueryAnswerPart",
    "ProxyQueryAnswerPartError",
    "ProxyQueryAnswerPartEx",
    "ProxyQueryFinalInfo",
    "ProxyRunQuery",
    "ProxyRunQueryEx",
    "ProxyRunQueryV3",
    "ProxyRunnerConfig",
    "ProxySignedPayment",
    "ProxySignedPaymentEmpty",
    "ProxyWorkerRequestPayment",
    "RootConfigConfigV5",
    "RootConfigPseudo",
    "RootConfigRegisteredProxy",
    "TcpConnect",
    "TcpConnected",
    "TcpPacket",
    "TcpPing",
    "TcpPong",
    "TcpQuery",
    "TcpQueryAnswer",
    "TcpQueryError",
    "TestAnswer",
    "TestQuery",
    "TokensUsed",
    "TonBlockIdExt",
    "WorkerCapabilities",
    "WorkerCompareBalanceWithProxy",
    "WorkerCompareBalanceWithProxyResult",
    "WorkerConnectToProxy",
    "WorkerConnectedToProxy",
    "WorkerEnabledDisabled",
    "WorkerExtendedCompareBalanceWithProxy",
    "WorkerExtendedCompareBalanceWithProxyResult",
    "WorkerNewCoefficient",
    "WorkerParams",
    "WorkerPaymentStatus",
    "WorkerProxyHandshakeComplete",
    "WorkerProxyHandshakeCompleted",
    "WorkerRunnerConfig",
    "WorkerUpdatePaymentStatus",
]
