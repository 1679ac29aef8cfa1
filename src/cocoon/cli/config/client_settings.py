"""From a client's configuration file to what the client role and the gateway are started with."""

from cocoon.chain.address import Address
from cocoon.chain.contracts.wallet import wallet_address
from cocoon.chain.keys import SecretKey
from cocoon.cli.config import tables
from cocoon.cli.config.chain import chain_settings
from cocoon.cli.config.common import dial_settings, root_config, same_fields
from cocoon.cli.config.load import read_text
from cocoon.cli.config.trust import Trust
from cocoon.client.chain.limits import DepositLimits
from cocoon.client.settings import ClientSettings
from cocoon.errors import ConfigError
from cocoon.gateway import GatewaySettings, hash_api_key
from cocoon.net.chain_settings import ChainSettings


def client_settings(file: tables.ClientFile, trust: Trust) -> ClientSettings:
    """Settings of the client role.

    Raises:
        ConfigError: a file that it names cannot be used, or values contradict one another.
    """
    chain = chain_settings(file, None if file.state is None else file.state.parent)
    return ClientSettings(
        wallet=_wallet(file, chain),
        root=root_config(file),
        dial=dial_settings(file.dial, trust),
        secret=file.secret.encode(),
        proxy_connections=file.proxy_connections,
        is_test=file.is_test,
        is_testnet=file.is_testnet,
        check_proxy_hashes=file.check_proxy_hashes,
        state_path=file.state,
        chain=chain,
        deposits=DepositLimits(**same_fields(file.deposits)),
    )


def gateway_settings(table: tables.GatewayTable) -> GatewaySettings:
    """Settings of the gateway.

    Raises:
        ConfigError: the file of bearer keys cannot be read, or is empty.
    """
    hashes: tuple[bytes, ...] = ()
    if table.api_keys_file is not None:
        lines = read_text(table.api_keys_file, "file of bearer keys").split()
        if not lines:
            raise ConfigError(f"{table.api_keys_file}: holds no key")
        hashes = tuple(hash_api_key(line) for line in lines)
    return GatewaySettings(
        max_body=table.max_body,
        max_running=table.max_running,
        default_timeout=table.default_timeout,
        max_timeout=table.max_timeout,
        default_max_tokens=table.default_max_tokens,
        default_max_coefficient=table.default_max_coefficient,
        api_key_hashes=hashes,
        allowed_origins=table.allowed_origins,
    )


def _wallet(file: tables.ClientFile, chain: ChainSettings | None) -> str:
    if chain is not None:
        return chain.wallet.address.friendly(testnet=file.is_testnet)
    if file.wallet is not None:
        # Peers compare this text: it must be in the network's non-bounceable form.
        return Address.parse(file.wallet).friendly(testnet=file.is_testnet)
    if file.owner is None or file.wallet_key_file is None:
        raise ConfigError("a client needs `wallet`, or `owner` and `wallet_key_file`")
    public_key = SecretKey.load(file.wallet_key_file).public_key
    owned = wallet_address(Address.parse(file.owner), public_key)
    return owned.friendly(testnet=file.is_testnet)
