"""Numbers that both sides of the official protocol live by (``wire-protocol.md`` §10).

Seconds unless named otherwise. C, P, W, K: client, proxy, worker, key manager.
"""

# --- time limits of queries ---

CLIENT_CONNECT_TIMEOUT = 30.0
"""C waits so long for ``connectToProxy``."""
CLIENT_AUTHORIZE_TIMEOUT = 300.0
"""C waits so long for ``authorizeWithProxy…``: a transaction on chain may lie between."""
CLIENT_MODELS_TIMEOUT = 10.0
PAYMENT_STATUS_TIMEOUT = 60.0
"""C and W."""
WORKER_HANDSHAKE_TIMEOUT = 30.0
"""W waits so long for each query of its handshake."""

# --- periods; a pair is a range to choose from at random ---

PAYMENT_STATUS_PERIOD = (10.0, 20.0)
"""C and W ask for their payment status."""
RECONNECT_PERIOD = 10.0
PROXY_REPLACED_AFTER = 300.0
"""C and W choose another proxy when one was not ready for so long."""
ROOT_CONFIG_PERIOD = (30.0, 60.0)
ACCOUNTS_PERIOD = (5.0, 10.0)
STORE_FLUSH_PERIOD = (1.0, 2.0)
"""P writes its counters."""
CHAIN_COMMIT_PERIOD = (30.0, 60.0)
"""P commits the counter of its store on chain."""
UPLINK_PERIOD = (1.0, 2.0)
UPLINK_HEADER_TIMEOUT = 10.0
UPLINK_BODY_TIMEOUT = 30.0
"""W watches its engine."""

# --- one request ---

DEFAULT_MAX_TOKENS = 1000
DEFAULT_MAX_COEFFICIENT = 4000
DEFAULT_TIMEOUT = 120.0
"""C fills these in when a caller does not say."""
HTTP_BODY_TIMEOUT = 60.0
"""C waits so long for a caller's body."""
TIMEOUT_FACTOR = 0.95
"""Each hop gives the next one so much of its own time."""
DEFAULT_MAX_ACTIVE_REQUESTS = 200
"""W."""
STATISTICS_WINDOW = 600.0
"""P decays its statistics of a worker over so long."""

# --- ports ---

CLIENT_HTTP_PORT = 10000
PROXY_HTTP_PORT = 11000
PROXY_WORKER_PORT = 11001
PROXY_CLIENT_PORT = 11002
PROXY_WORKER_LOCAL_PORT = 11101
PROXY_CLIENT_LOCAL_PORT = 11102
"""The public ports are a router's, the local ones are P's own, behind it (§2.1)."""
WORKER_HTTP_PORT = 12000
ENGINE_PORT = 8000
SOCKS_PORT = 8116

# --- clocks and keys ---

STALE_CONFIG = 7200.0
"""P stops on a root config older than this."""
MAX_CLOCK_SKEW = 30.0
"""Between the chain and us, at start."""
KEY_LIFETIME = 86400.0
"""K."""

# --- money, nanoTON unless named otherwise ---

PROXY_CHARGE_THRESHOLD = 1_000_000_000
PROXY_PAYOUT_THRESHOLD = 10_000_000_000
PROXY_WITHDRAW_THRESHOLD = 10_000_000_000
WALLET_MINIMUM = 2_100_000_000
WALLET_WARNING = 5_000_000_000

# --- money, adjusted tokens ---

WORKER_PAYOUT_THRESHOLD = 10_000_000_000
WORKER_PAYOUT_THRESHOLD_IDLE = 200_000_000
WORKER_PAYOUT_THRESHOLD_CLOSING = 10_000_000
"""W publishes its payout above these; meant as nanoTON, officially compared with tokens (§7.5)."""
