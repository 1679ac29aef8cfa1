# ruff: noqa: PLC0415 - imported when the command runs, for a quick `cocoon --help`
"""``cocoon worker``."""

from cocoon.cli import options


def worker(
    config: options.Config,
    root_config: options.RootConfigFile = None,
    check_hashes: options.CheckHashes = False,
    http_host: options.HttpHost = None,
    http_port: options.HttpPort = None,
    allow_shared_cache: options.AllowSharedCache = False,
    verbosity: options.Verbosity = None,
) -> None:
    """Run a worker from a configuration file, ours or an official one."""
    from dataclasses import replace

    from cocoon.cli import logging, process
    from cocoon.cli.config.attestation_page import public_pages
    from cocoon.cli.config.load import Overrides, load_worker
    from cocoon.cli.config.trust import Trust
    from cocoon.cli.config.worker_settings import worker_settings
    from cocoon.worker import Worker

    overrides = Overrides(root_config, check_hashes, http_host, http_port)
    file = load_worker(config, overrides)
    if allow_shared_cache:
        file = replace(file, engine=replace(file.engine, allow_shared_cache=True))
    logging.configure(logging.level_of(file.log.level, verbosity))
    trust = Trust(file.identity, file.collateral)
    settings = worker_settings(file, trust)
    role = Worker(settings)
    trust.log_notes()
    pages = public_pages(settings.attestation, file.attestation)
    process.run(role, "worker", maintain=[trust.maintain(), *pages])
