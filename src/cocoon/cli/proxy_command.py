# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon proxy``."""

from cocoon.cli import options


def proxy(
    config: options.Config,
    root_config: options.RootConfigFile = None,
    check_hashes: options.CheckHashes = False,
    http_host: options.HttpHost = None,
    http_port: options.HttpPort = None,
    verbosity: options.Verbosity = None,
) -> None:
    """Run a proxy from a configuration file, ours or an official one."""
    from cocoon.cli import logging, process
    from cocoon.cli.config.attestation_page import public_pages
    from cocoon.cli.config.load import Overrides, load_proxy
    from cocoon.cli.config.proxy_settings import proxy_settings
    from cocoon.cli.config.trust import Trust
    from cocoon.proxy import Proxy

    overrides = Overrides(root_config, check_hashes, http_host, http_port)
    file = load_proxy(config, overrides)
    logging.configure(logging.level_of(file.log.level, verbosity))
    trust = Trust(file.identity, file.collateral)
    settings = proxy_settings(file, trust)
    role = Proxy(settings)
    trust.log_notes()
    pages = public_pages(settings.attestation, file.attestation)
    process.run(role, "proxy", maintain=[trust.maintain_collateral(), *pages])
