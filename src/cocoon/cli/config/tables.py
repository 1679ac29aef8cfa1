# ruff: noqa: RUF009 - key() and table() declare fields, as dataclasses.field() does
"""What a configuration file says, as checked values; the doc page is made from these classes.

The three files are :class:`ClientFile`, :class:`ProxyFile` and :class:`WorkerFile`. Official runner
files (:mod:`.official`) are read into the same classes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cocoon.cli.config.api_keys_table import ApiKeysTable
from cocoon.cli.config.collateral_table import CollateralTable
from cocoon.cli.config.policy_table import SIMULATED_KINDS, PolicyTable
from cocoon.cli.config.reader import key, table
from cocoon.cli.config.seal_table import KeysTable
from cocoon.cli.config.values import (
    address,
    any_text,
    endpoint,
    engine_url,
    flag,
    hex_bytes,
    http_url,
    list_of,
    one_of,
    path,
    port,
    seconds,
    text,
    ton,
    whole,
)
from cocoon.cli.logging import LEVELS
from cocoon.errors import ConfigError

CLIENT_HTTP_PORT: Final = 10000
PROXY_HTTP_PORT: Final = 11000
PROXY_WORKER_PORT: Final = 11001
PROXY_CLIENT_PORT: Final = 11002
PROXY_ROUTED_WORKER_PORT: Final = 11101
PROXY_ROUTED_CLIENT_PORT: Final = 11102
WORKER_HTTP_PORT: Final = 12000
DEFAULT_ENGINE_URL: Final = "http://127.0.0.1:8000"
DEFAULT_ROUTER: Final = ("127.0.0.1", 8116)
"""The official default ports, ``wire-protocol.md`` §2.1."""

EVERY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - of ports that anybody may reach

NANO: Final = 10**9
MAX_COEFFICIENT: Final = 10**9 - 1
MAX_DIFFICULTY: Final = 64
KEY_BYTES: Final = 32

CHAIN_KINDS: Final = ("simulated", "embedded", "toncenter", "liteserver")
WALLET_KINDS: Final = ("cocoon", "v4r2", "v5r1")
IDENTITY_KINDS: Final = (
    "none",
    "certificate",
    "tdx",
    "snp",
    "tdx-simulated",
    "snp-simulated",
    "fake-tdx",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTable:
    """Logging to stderr."""

    level: str = key(one_of(*LEVELS), "least important level that is logged", default="info")


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityTable:
    """Who we are to our peers."""

    kind: str = key(
        one_of(*IDENTITY_KINDS),
        "`none`: a certificate without evidence; `tdx`, `snp`: evidence of this machine's CPU; "
        "`certificate`: the files that the official `gen-cert` writes; `tdx-simulated`, "
        "`snp-simulated`: a simulated machine of a devnet; `fake-tdx`: the official test "
        "evidence, proves nothing",
        default="none",
    )
    certificate: Path | None = key(
        path, "`<base>` of the files `<base>_cert.pem` and `<base>_key.pem`", default=None
    )
    directory: Path | None = key(
        path, "directory of the simulated machine (`…-simulated`)", default=None
    )
    image: str = key(text, "name of our simulated image (`…-simulated`)", default="cocoon")
    vcek: Path | None = key(
        path,
        "file with the DER of this chip's VCEK or VLEK certificate, if the host supplies none "
        "(`snp`)",
        default=None,
    )
    gpus: str = key(
        one_of("none", "nvidia", "simulated"),
        "GPUs whose evidence we show: `nvidia`: those of this machine, all in confidential mode; "
        "`simulated`: of a devnet's simulated machine",
        default="none",
    )
    gpu_count: int = key(whole(1, 16), "how many GPUs are simulated", default=1)
    endorsement: Path | None = key(
        path, "file that an operator made with `cocoon attest endorse`", default=None
    )

    def __post_init__(self) -> None:
        if self.kind == "certificate" and self.certificate is None:
            raise ConfigError("kind `certificate` needs the key `certificate`")
        if self.kind in SIMULATED_KINDS and self.directory is None:
            raise ConfigError(f"kind `{self.kind}` needs the key `directory`")
        if self.vcek is not None and self.kind != "snp":
            raise ConfigError(f"kind `{self.kind}` does not look at `vcek`")
        dated = self.kind in (*SIMULATED_KINDS, "tdx", "snp")
        if not dated and (self.gpus != "none" or self.endorsement is not None):
            raise ConfigError(f"kind `{self.kind}` shows neither GPUs nor an endorsement")
        if self.gpus == "simulated" and self.kind not in SIMULATED_KINDS:
            raise ConfigError("simulated GPUs stand beside a simulated CPU only")


def _refuse_policy(policy: PolicyTable) -> None:
    if policy != PolicyTable():
        raise ConfigError("`policy` has no effect here: the router's policy decides")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTable:
    """The local HTTP interface: health, metrics, control. It is not protected: keep it local."""

    host: str = key(text, "address to listen on", default="127.0.0.1")
    port: int | None = key(port, "port; 0 lets the system choose", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTable:
    """Where strangers find our attestation page; the local HTTP interface has it too."""

    host: str = key(text, "address to listen on", default=EVERY_ADDRESS)
    port: int | None = key(
        port, "port that serves `/attestation` and nothing else; without it none", default=None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DialTable:
    """How proxies are reached."""

    transport: str = key(
        one_of("ratls", "socks"),
        "`ratls`: this process does proof of work, TLS and attestation; `socks`: a router on this "
        "machine does",
        default="ratls",
    )
    router: tuple[str, int] = key(
        endpoint, "SOCKS5 port of the router (`socks`)", default=DEFAULT_ROUTER
    )
    max_pow_difficulty: int = key(
        whole(0, MAX_DIFFICULTY), "harder proofs of work are refused", default=28
    )
    policy: PolicyTable = table(PolicyTable, "what a proxy must prove (`ratls`)")

    def __post_init__(self) -> None:
        if self.transport == "socks":
            _refuse_policy(self.policy)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenTable:
    """One of a proxy's two listening ports."""

    host: str | None = key(
        text,
        "address to listen on; without it every address (`ratls`) or 127.0.0.1 (`router`)",
        default=None,
    )
    port: int | None = key(
        port,
        "port; without it the official one: 11001 for workers and 11002 for clients, behind a "
        "router 11101 and 11102; 0 lets the system choose",
        default=None,
    )
    transport: str = key(
        one_of("ratls", "router"),
        "`ratls`: this process does proof of work, TLS and attestation; `router`: a router on this "
        "machine does and sends the attested-peer record",
        default="ratls",
    )
    pow_difficulty: int = key(
        whole(0, MAX_DIFFICULTY), "leading zero bits that a caller must find (`ratls`)", default=20
    )
    policy: PolicyTable = table(PolicyTable, "what the peer must prove (`ratls`)")

    def __post_init__(self) -> None:
        if self.transport == "router":
            _refuse_policy(self.policy)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineTable:
    """The inference engine of a worker."""

    kind: str = key(
        one_of("openai", "llama"),
        "`openai`: any server that speaks the OpenAI API; `llama`: embedded llama.cpp",
        default="openai",
    )
    url: str = key(engine_url, "base URL of the server (`openai`)", default=DEFAULT_ENGINE_URL)
    api_key_file: Path | None = key(
        path, "file with the bearer key that the server asks for (`openai`)", default=None
    )
    dialect: str = key(
        one_of("auto", "vllm", "sglang", "llama.cpp", "ollama", "openai"),
        "which server it is (`openai`); `auto` asks it",
        default="auto",
    )
    features: tuple[str, ...] = key(
        list_of(text),
        "words to add to what the server is found to do (`openai`)",
        default=(),
    )
    without: tuple[str, ...] = key(
        list_of(text), "words to take away from it (`openai`)", default=()
    )
    context_length: int = key(
        whole(0, 1 << 30),
        "tokens of prompt and answer (`openai`); 0 takes what the server says",
        default=0,
    )
    allow_shared_cache: bool = key(
        flag,
        "serve although clients share the server's prompt cache, so that one can find out by "
        "timing what another has asked (`openai`)",
        default=False,
    )
    model_file: Path | None = key(
        path,
        "GGUF file (`llama`); without it the small demonstration model SmolLM2-135M-Instruct",
        default=None,
    )
    threads: int = key(
        whole(0, 1024), "CPU threads (`llama`); 0 takes the cores, at most 4", default=0
    )
    slots: int = key(whole(1, 256), "requests generated at a time (`llama`)", default=4)
    context: int = key(
        whole(128), "tokens of context that each request gets (`llama`)", default=2048
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelProofTable:
    """What proves, when a worker starts, that its engine's files are `model`.

    The embedded engine needs nothing of this: it proves the file that it loads.
    """

    archive: Path | None = key(
        path,
        "archive made by `cocoon model build`, or the block device that holds it (`openai`)",
        default=None,
    )
    verity: Path | None = key(
        path, "hash file of the archive; with it a refusal names what differs", default=None
    )
    directory: Path | None = key(
        path, "directory that the engine loads (`openai`); read completely at start", default=None
    )
    allow_unproven: bool = key(
        flag,
        "run although nothing proves the model, where `is_test` is false and TON is real",
        default=False,
    )

    @property
    def has_files(self) -> bool:
        """Whether there is anything to read."""
        return self.archive is not None or self.directory is not None

    def __post_init__(self) -> None:
        if self.verity is not None and not self.has_files:
            raise ConfigError("`verity` belongs to an `archive` or `directory`")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayTable:
    """Limits and access of the gateway."""

    api_keys_file: Path | None = key(
        path,
        "file with one accepted bearer key a line; without it no key is asked for",
        default=None,
    )
    allowed_origins: tuple[str, ...] = key(
        list_of(text),
        'web origins whose pages may call; `"loopback"` is pages of this machine, `"*"` everyone',
        default=("loopback",),
    )
    max_running: int = key(whole(1), "inference requests at a time", default=512)
    max_body: int = key(whole(1024, 15 * 2**20), "largest request body in bytes", default=8 * 2**20)
    default_timeout: float = key(
        seconds, "time limit of a request that names none, in seconds", default=120.0
    )
    max_timeout: float = key(seconds, "larger time limits are lowered to this", default=3600.0)
    default_max_tokens: int = key(
        whole(1, 2**31 - 1), "completion tokens of a request that names no limit", default=1000
    )
    default_max_coefficient: int = key(
        whole(0, 2**31 - 1),
        "highest price multiplier, times 1000, that is accepted unasked",
        default=4000,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainTable:
    """How TON is reached."""

    kind: str = key(
        one_of(*CHAIN_KINDS),
        "`simulated`: `root_config` is the network and no TON moves; `embedded`: `cocoon chain "
        "up`; `toncenter`: a public HTTP API of that form; `liteserver`: liteservers",
        default="simulated",
    )
    url: str | None = key(
        http_url,
        "where the HTTP API is, without `/api/v2`: `https://HOST` (`toncenter`, `embedded`)",
        default=None,
    )
    api: str = key(
        one_of("v2", "v3"), "which of its forms the HTTP API has (`toncenter`)", default="v2"
    )
    api_key_file: Path | None = key(
        path, "file with the key that the HTTP API asks for (`toncenter`)", default=None
    )
    requests_per_second: int | None = key(
        whole(1, 10_000),
        "requests to the HTTP API a second at most; without the key what the public service allows",
        default=None,
    )
    network_config: Path | None = key(
        path,
        "the network's global configuration in JSON, which names liteservers (`liteserver`)",
        default=None,
    )
    agreement: int = key(
        whole(1, 64),
        "liteservers that must name the same newest block before it is believed (`liteserver`)",
        default=2,
    )

    poll_seconds: float = key(
        seconds, "time between two looks at our contracts; up to twice that", default=5.0
    )
    root_seconds: float = key(
        seconds, "time between two looks at the root contract; up to twice that", default=30.0
    )

    def __post_init__(self) -> None:
        if self.kind in ("toncenter", "embedded") and self.url is None:
            raise ConfigError(f"kind `{self.kind}` needs the key `url`")
        if self.kind == "liteserver" and self.network_config is None:
            raise ConfigError("kind `liteserver` needs the key `network_config`")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeWalletTable:
    """The wallet that pays for this node's messages, and that a client's deposits come from."""

    kind: str = key(
        one_of(*WALLET_KINDS),
        "contract of the wallet; `cocoon` is owned by `owner`",
        default="cocoon",
    )
    key_file: Path | None = key(
        path,
        "its key: made by `cocoon wallet create`, or a plain one of `cocoon keys`",
        default=None,
    )
    password_file: Path | None = key(
        path, "file with the password of an encrypted `key_file`", default=None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositsTable:
    """What a client deposits by itself. Amounts are in TON, such as `"0.5"`."""

    deposit: int | None = key(
        ton, "one deposit; without the key the network's stake of clients", default=None
    )
    threshold: int | None = key(
        ton, "deposit when less is left unspent; without the key half the stake", default=None
    )
    max_per_day: int = key(ton, "most in 24 hours, over all proxies", default=100 * NANO)
    max_total: int | None = key(ton, "most ever, over all proxies", default=None)
    require_proxy_stake: bool = key(
        flag, "deposit only where the proxy has put up its stake", default=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutsTable:
    """When a worker has its earnings paid out. Amounts are in TON, such as `"0.5"`."""

    threshold: int = key(ton, "earnings at one proxy that are paid out at once", default=10 * NANO)
    max_age: int | None = key(
        whole(60), "seconds after which smaller earnings are paid out too", default=7 * 86_400
    )
    smallest: int = key(
        ton, "earnings up to this stay, because fees would eat them", default=NANO // 10
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementTable:
    """When a proxy commits, charges and pays. Amounts are in TON, such as `"0.5"`."""

    commit_value: int = key(
        ton, "usage that waits for a signature and is worth a commit", default=NANO // 2
    )
    commit_age: float = key(
        seconds, "seconds after which usage is committed whatever it is worth", default=3600.0
    )
    charge_value: int = key(ton, "usage of one client that is worth a charge", default=NANO)
    payout_value: int = key(
        ton, "earnings of one worker that are worth a payout", default=10 * NANO
    )
    commission_value: int = key(ton, "commission that is worth a withdrawal", default=10 * NANO)
    message_value: int = key(
        ton, "attached to a message, from 0.2; most of it comes back", default=3 * NANO // 10
    )
    retry_delay: float = key(seconds, "pause after a message that failed", default=30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _NetworkFile:
    """Keys of every role."""

    is_test: bool = key(
        flag, "test network: must equal the root configuration's `is_test`", default=True
    )
    is_testnet: bool = key(flag, "which flag our TON addresses carry", default=True)
    root_config: Path | None = key(
        path, "root configuration in the official simulated-TON JSON form", default=None
    )
    root_contract: str | None = key(
        address, "address of the root contract; part of every proxy's address", default=None
    )
    chain: ChainTable = table(ChainTable, "how TON is reached")
    node_wallet: NodeWalletTable = table(NodeWalletTable, "wallet that pays for our messages")
    identity: IdentityTable = table(IdentityTable, "who we are to our peers")
    collateral: CollateralTable = table(
        CollateralTable, "where the vendors' signed data comes from, which evidence is judged with"
    )
    log: LogTable = table(LogTable, "logging")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFile(_NetworkFile):
    """Configuration of ``cocoon client``: the client role with its gateway."""

    wallet: str | None = key(
        address, "address of our Cocoon wallet; or give `owner` and `wallet_key_file`", default=None
    )
    owner: str | None = key(address, "owner of our Cocoon wallet", default=None)
    wallet_key_file: Path | None = key(
        path,
        "key of our Cocoon wallet, made by `cocoon keys`, where TON is simulated; elsewhere see "
        "`node_wallet`",
        default=None,
    )
    secret: str = key(
        any_text,
        "proves to a proxy that we are this client; empty without TON",
        default="",
        secret=True,
    )
    proxy_connections: int = key(whole(1, 1000), "proxies to be connected to", default=1)
    check_proxy_hashes: bool = key(
        flag, "refuse proxies whose image hash is not in the root configuration", default=True
    )
    state: Path | None = key(
        path, "file that verified payments are kept in; without it in memory only", default=None
    )
    http: HttpTable = table(HttpTable, "the gateway's address; default port 10000")
    dial: DialTable = table(DialTable, "how proxies are reached")
    deposits: DepositsTable = table(DepositsTable, "what is deposited by itself")
    gateway: GatewayTable = table(GatewayTable, "limits and access of the gateway")
    api_keys: ApiKeysTable = table(ApiKeysTable, "keys, budgets and limits of its callers")

    def __post_init__(self) -> None:
        if self.api_keys.store is not None and self.gateway.api_keys_file is not None:
            raise ConfigError("give `gateway.api_keys_file` or `api_keys.store`, not both")
        key_file = self.wallet_key_file or self.node_wallet.key_file
        if self.wallet is None and (self.owner is None or key_file is None):
            raise ConfigError("give `wallet`, or `owner` and `wallet_key_file`")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyFile(_NetworkFile):
    """Configuration of ``cocoon proxy``."""

    owner: str = key(address, "who owns the proxy contract and earns the fees")
    machine_key_file: Path | None = key(
        path,
        "key that signs payments, made by `cocoon keys`; part of the proxy's address",
        default=None,
    )
    machine_key: bytes | None = key(
        hex_bytes(KEY_BYTES), "the same key in hex; a file is safer", default=None, secret=True
    )
    database: Path = key(path, "SQLite file with every account")
    check_worker_hashes: bool = key(
        flag,
        "refuse workers whose image or model hash is not in the root configuration",
        default=True,
    )
    scheduler: str = key(text, "rule that chooses among workers", default="least-loaded")
    http: HttpTable = table(HttpTable, "local HTTP interface; default port 11000")
    attestation: PageTable = table(PageTable, "public attestation page")
    workers: ListenTable = table(ListenTable, "where workers connect")
    clients: ListenTable = table(ListenTable, "where clients connect")
    settlement: SettlementTable = table(SettlementTable, "when money moves on chain")

    keys: KeysTable = table(KeysTable, "where the machine key comes from, if not from a file")

    def __post_init__(self) -> None:
        elsewhere = self.keys.source != "file"
        given = (self.machine_key is not None, self.machine_key_file is not None, elsewhere)
        if sum(given) != 1:
            raise ConfigError("give one of `machine_key_file` and `machine_key`, or `keys.source`")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFile(_NetworkFile):
    """Configuration of ``cocoon worker``."""

    owner: str = key(address, "who is paid, a TON wallet")
    model: str = key(text, "full model name `base@commit:hash`, or only the base name")
    coefficient: int = key(
        whole(0, MAX_COEFFICIENT), "our price multiplier, times 1000", default=1000
    )
    max_active_requests: int = key(
        whole(1, 2**31 - 1), "requests at a time, over all proxies together", default=200
    )
    proxy_connections: int = key(whole(1, 1000), "proxies to be connected to", default=1)
    check_proxy_hashes: bool = key(
        flag, "refuse proxies whose image hash is not in the root configuration", default=True
    )
    state: Path | None = key(
        path, "file that earnings are kept in; without it in memory only", default=None
    )
    http: HttpTable = table(HttpTable, "local HTTP interface; default port 12000")
    attestation: PageTable = table(PageTable, "public attestation page")
    dial: DialTable = table(DialTable, "how proxies are reached")
    engine: EngineTable = table(EngineTable, "the inference engine")
    model_proof: ModelProofTable = table(
        ModelProofTable, "what proves that the engine's files are `model`"
    )
    payouts: PayoutsTable = table(PayoutsTable, "when earnings are paid out")


NetworkFile = _NetworkFile
"""What the files of all roles share, the key manager's included."""
RoleFile = ClientFile | ProxyFile | WorkerFile
