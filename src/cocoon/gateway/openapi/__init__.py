"""The gateway's own description: an OpenAPI 3.1 document, and a page that shows it.

Everything here is data: tables of fields (:mod:`~cocoon.gateway.openapi.chat` and its siblings) and
of endpoints (:mod:`~cocoon.gateway.openapi.endpoints`), which :func:`document` puts together.
Tests hold the tables against what the readers and workers really take.
"""

from cocoon.gateway.openapi.document import document, document_json
from cocoon.gateway.openapi.page import PAGE_HEADERS, page_html

__all__ = ["PAGE_HEADERS", "document", "document_json", "page_html"]
