"""What vLLM, SGLang, llama.cpp's server and Ollama accept and report, as data.

`DIALECTS` has one `Dialect` for each; `prepare` puts a checked request into an engine's own words
and `cocoon.engine.dialects.discovery` finds out what runs behind a URL.
"""

from cocoon.engine.dialects.dialect import Dialect, FieldRule, prepare
from cocoon.engine.dialects.llamacpp import LLAMACPP
from cocoon.engine.dialects.ollama import OLLAMA
from cocoon.engine.dialects.plain import PLAIN
from cocoon.engine.dialects.sglang import SGLANG
from cocoon.engine.dialects.vllm import VLLM

DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect for dialect in (VLLM, SGLANG, LLAMACPP, OLLAMA, PLAIN)
}
"""All dialects by name; the names are also what a configuration may say."""

__all__ = ["DIALECTS", "LLAMACPP", "OLLAMA", "PLAIN", "SGLANG", "VLLM", "Dialect", "FieldRule"]
__all__ += ["prepare"]
