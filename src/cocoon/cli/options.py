"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path,
    typer.Option("--config", "-c", help="Our TOML, or an official runner's JSON.", metavar="FILE"),
]
RootConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--root-config",
        "-C",
        "--disable-ton",
        help="Root configuration in the official simulated-TON JSON form; TON is not asked.",
        metavar="FILE",
    ),
]
CheckHashes = Annotated[
    bool,
    typer.Option("--check-hashes", "-p", help="Check peers' hashes even if the file does not."),
]
AllowSharedCache = Annotated[
    bool,
    typer.Option(
        "--allow-shared-cache",
        help="Serve although clients meet in the engine's prompt cache, or nobody can tell.",
    ),
]
HttpHost = Annotated[
    str | None,
    typer.Option("--http-host", help="Where the HTTP interface listens.", metavar="HOST"),
]
HttpPort = Annotated[
    int | None,
    typer.Option(
        "--http-port",
        help="Port of the HTTP interface.",
        metavar="PORT",
        min=0,
        max=65535,
    ),
]
Verbosity = Annotated[
    int | None,
    typer.Option(
        "-v",
        help="Official verbosity: 0 errors, 1 warnings, 2 and 3 information.",
        metavar="N",
        min=0,
    ),
]
State = Annotated[
    Path | None,
    typer.Option("--state", help="Directory of the network's state.", metavar="DIR"),
]
Workers = Annotated[
    int, typer.Option("--workers", help="Number of workers.", metavar="N", min=1, max=64)
]
Proxies = Annotated[
    int, typer.Option("--proxies", help="Number of proxies.", metavar="N", min=1, max=64)
]
EngineUrl = Annotated[
    str | None,
    typer.Option(
        "--engine-url",
        help="OpenAI-compatible server to use instead of the embedded demonstration model.",
        metavar="URL",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="Model to serve from --engine-url; by default the first it lists.",
        metavar="NAME",
    ),
]
Port = Annotated[
    int | None,
    typer.Option(
        "--port",
        help="Port of the OpenAI-compatible API; 0 takes free ports.",
        metavar="PORT",
        min=0,
        max=65535,
    ),
]
SimulatedTon = Annotated[
    bool,
    typer.Option(
        "--simulated-ton",
        help="Run no chain: payments are signed, but no coins move.",
    ),
]
NodeConfig = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", help="TOML of the node, instead of one of a devnet.", metavar="FILE"
    ),
]
Number = Annotated[
    int,
    typer.Option(
        "--number", help="Which of a devnet's workers or proxies.", metavar="N", min=1, max=64
    ),
]
ProxyContract = Annotated[
    str | None,
    typer.Option(
        "--proxy", help="Address of the proxy's contract; not needed for one.", metavar="ADDRESS"
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before money moves.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file", help="File with the key's password; else it is asked.", metavar="FILE"
    ),
]
