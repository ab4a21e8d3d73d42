"""The data about MCP clients: complete, and of a form that each client can read."""

import ast
import json
import tomllib

import pytest

from portico.toolbox.clients import WAYS, Client, clients, identifier, snippets, warnings

URL, NAME = "https://portico.example/mcp/x", 'Quotes " and \\ and ü'


@pytest.mark.parametrize("client", clients(), ids=lambda each: each.name)
def test_every_snippet_can_be_read_as_what_it_is(client: Client) -> None:
    for way in client.by:
        found = next(each for each in snippets(URL, NAME, [way], "secret") if each.client == client.name)
        assert URL in found.text
        assert "{url}" not in found.text
        if found.language == "json":
            assert json.loads(found.text)
        elif found.language == "toml":
            assert tomllib.loads(found.text)
        elif found.language == "python":
            assert ast.parse(f"async def main():\n    {found.text.replace(chr(10), chr(10) + '    ')}")


def test_every_client_says_where_its_snippet_goes_and_takes_an_address() -> None:
    for client in clients():
        assert client.label
        assert client.where
        assert "address" in client.by
        assert set(client.by) <= set(WAYS)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Billing, read only", "billing-read-only"),
        ("", "portico"),
        ("ü", "portico"),
        ("A" * 50, "a" * 30),
        ("--a--", "a"),
    ],
)
def test_servers_name_becomes_one_that_every_client_takes(name: str, plain: str) -> None:
    assert identifier(name) == plain


def test_warnings_begin_where_the_limit_is_passed() -> None:
    assert warnings(40, 12_000) == []
    assert [each.client for each in warnings(41, 12_000)] == ["Cursor"]
    assert "Gemini CLI" in {each.client for each in warnings(1, 12_001)}
    assert "ChatGPT" in {each.client for each in warnings(1, 16_001)}
