"""Documentation of a unified model as a page: what stands there, and that no word of it becomes a sign."""

from typing import Any

from portico.unified.page import page_of

SHOWN: dict[str, Any] = {
    "label": "Shoes",
    "description": "All <b>shoes</b>.",
    "resources": {
        "pairs": {
            "description": "Two | of them.",
            "methods": ["list", "get"],
            "schema": {
                "properties": {
                    "id": {"type": "string", "description": "The [id](x)"},
                    "sizes": {"type": "array", "items": {"type": "integer"}},
                    "kind": {"enum": ["boot", "clog"]},
                    "maker": {"type": "object", "properties": {"name": {}, "town": {}}},
                    "sold_at": {"type": "string", "format": "date-time"},
                    "raw": {"type": ["object", "null"]},
                    "any": {},
                }
            },
            "query_schema": {},
            "request_body_schema": {"properties": {"kind": {"type": "string", "description": "Which\nkind"}}},
        }
    },
}


def test_markdown() -> None:
    assert (
        page_of(SHOWN, "Cobbler & Co", "md")
        == r"""# Shoes: Cobbler &amp; Co

All &lt;b&gt;shoes&lt;/b&gt;.

## pairs

Two \| of them.

Methods: list, get.

### Fields

| Name | Type | Meaning |
| --- | --- | --- |
| id | string | The \[id\](x) |
| sizes | list of integer |  |
| kind | boot or clog |  |
| maker | object (name, town) |  |
| sold_at | date-time |  |
| raw | object or null |  |
| any | anything |  |

### What a write takes

| Name | Type | Meaning |
| --- | --- | --- |
| kind | string | Which kind |

"""
    )


def test_html() -> None:
    page = page_of(SHOWN, "Cobbler & Co", "html")
    assert page.startswith("<h1>Shoes: Cobbler &amp; Co</h1>\n<p>All &lt;b&gt;shoes&lt;/b&gt;.</p>\n<h2>pairs</h2>\n")
    assert "<thead><tr><th>Name</th><th>Type</th><th>Meaning</th></tr></thead>" in page
    assert "<tr><td>id</td><td>string</td><td>The [id](x)</td></tr>" in page
    assert page.count("<table>") == 2
