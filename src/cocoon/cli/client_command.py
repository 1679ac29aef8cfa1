# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon client``: the client role with its OpenAI-compatible gateway, in one process."""

from cocoon.cli import options


def client(
    config: options.Config,
    root_config: options.RootConfigFile = None,
    check_hashes: options.CheckHashes = False,
    http_host: options.HttpHost = None,
    http_port: options.HttpPort = None,
    verbosity: options.Verbosity = None,
) -> None:
    """Run a client and its OpenAI-compatible API from a configuration file."""
    from cocoon.cli import logging, process
    from cocoon.cli.client_role import ClientRole
    from cocoon.cli.config.api_keys_table import keys_settings
    from cocoon.cli.config.client_settings import client_settings, gateway_settings
    from cocoon.cli.config.common import http_address
    from cocoon.cli.config.load import Overrides, load_client
    from cocoon.cli.config.tables import CLIENT_HTTP_PORT
    from cocoon.cli.config.trust import Trust

    file = load_client(config, Overrides(root_config, check_hashes, http_host, http_port))
    logging.configure(logging.level_of(file.log.level, verbosity))
    trust = Trust(file.identity, file.collateral)
    settings = client_settings(file, trust)
    host, port = http_address(file.http, CLIENT_HTTP_PORT)
    keys = keys_settings(file.api_keys)
    role = ClientRole(settings, gateway_settings(file.gateway), host, port, keys)
    trust.log_notes()
    process.run(role, "client", maintain=[trust.maintain()])
