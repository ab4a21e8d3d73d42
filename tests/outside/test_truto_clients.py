"""The reference's published clients, unchanged: they are only told another base URL."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.outside.client_envs import NotInstallable, node_env, python_env
from tests.outside.mcp_house import House
from tests.outside.mcp_jobs import run_json

pytestmark = [pytest.mark.outside, pytest.mark.programs, pytest.mark.timeout(600)]
CLIENTS = Path(__file__).parent / "clients" / "truto"
T = TypeVar("T")
Json = dict[str, Any]


def installed(make: Callable[[str], T]) -> T:
    try:
        return make("truto")
    except NotInstallable as problem:
        pytest.skip(str(problem))


def job(house: House) -> str:
    server = house.server(methods=["list_all_openai_models"])
    told = {"url": house.url, "token": house.token, "account_id": house.account_id, "mcp_token": server["token"]}
    return json.dumps(told)


def under_node(house: House, program: str, folder: Path) -> Json:
    env = installed(node_env)
    # Node looks for packages beside the program, so the program goes where they are.
    shutil.copyfile(CLIENTS / program, env.folder / program)
    return run_json([str(env.node), str(env.folder / program), job(house)], folder)


def check(house: House, found: Json, name: str) -> None:
    """What every SDK found is what is there."""
    accounts = house.ask("GET", "/integrated-account?limit=100")["result"]
    projects = house.ask("GET", f"/proxy/projects?limit=100&integrated_account_id={house.account_id}")["result"]
    assert sorted(found["accounts"]) == sorted(each["id"] for each in accounts)
    assert found["account"] == house.account_id
    assert found["link"].startswith("ptc_link_")
    assert found["projects"] == [each["id"] for each in projects]
    assert found["stored"] == [f"changed by {name}"] * 2
    assert found["deleted"] is True
    assert found["users"] > 0


def test_the_python_sdk_works(mcp_house: House, tmp_path: Path) -> None:
    python = installed(python_env)
    found = run_json([str(python), str(CLIENTS / "python_sdk.py"), job(mcp_house)], tmp_path)
    check(mcp_house, found, "python")
    assert found["of_customer"] == found["projects"]
    assert found["refreshed"] == {"success": True}
    assert found["models"] > 0
    assert found["mcp"] == ["2024-11-05", 1, 1]
    assert found["refused"] == 404


def test_the_typescript_sdk_works(mcp_house: House, tmp_path: Path) -> None:
    found = under_node(mcp_house, "typescript_sdk.mjs", tmp_path)
    check(mcp_house, found, "typescript")
    assert "list_all_openai_costs" in found["tools"]
    assert found["refused"] == [404, "No such File object: 'file-none'."]


def test_the_langchain_toolset_works(mcp_house: House, tmp_path: Path) -> None:
    found = under_node(mcp_house, "langchain_toolset.mjs", tmp_path)
    every = mcp_house.ask("GET", f"/integrated-account/{mcp_house.account_id}/tools")["result"]
    assert found["tools"] == len(every)
    assert found["projects"] == 2
    assert found["stored"] == ["made by a toolset", "changed by a toolset"]
    assert found["searched"] == []
    assert (found["deleted"], found["archived"]) == (True, "archived")
    assert found["answered"] == "it works"
    assert found["refused"] == "No such File object: 'file-none'."
