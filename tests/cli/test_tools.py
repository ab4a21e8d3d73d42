"""`portico tools`: an account's tools from a terminal."""

from pathlib import Path

from tests.cli.conftest import Command
from tests.served import Served


def test_tools_are_listed_by_area_and_method(done: Command) -> None:
    rows = done("tools", "list", "--tag", "billing", "--method", "list").rows
    assert "list_all_openai_costs" in {row[0] for row in rows}
    assert {row[1] for row in rows} == {"list"}
    assert all("billing" in row[2] and row[3] for row in rows)
    everything = {each["name"] for each in done("tools", "list", "--json").json}
    assert {row[0] for row in rows} < everything


def test_switched_off_tools_are_shown_when_asked_for(done: Command) -> None:
    usual = {each["name"] for each in done("tools", "list", "--json").json}
    all_of_them = {each["name"]: each["lifecycle"] for each in done("tools", "list", "--removed", "--json").json}
    assert {all_of_them[name] for name in all_of_them.keys() - usual} == {"removed"}


def test_no_tool_is_no_failure(portico: Command) -> None:
    ran = portico("tools", "list", "--tag", "no_such_area")
    assert (ran.code, ran.out, ran.err) == (0, "", "No tool passes these filters.\n")


def test_a_tool_is_shown_with_its_arguments(done: Command, portico: Command) -> None:
    rows = done("tools", "show", "list_all_openai_costs").rows
    assert ["name", "list_all_openai_costs"] in rows
    assert next(row for row in rows if row[0] == "start_time")[1] == "yes"
    assert done("tools", "show", "list_all_openai_costs", "--json").json["required"] == ["start_time"]
    ran = portico("tools", "show", "list_all_openai_cost")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("This account has no tool 'list_all_openai_cost'")


def test_a_tool_is_run(done: Command, portico: Command) -> None:
    made = done("tools", "call", "create_a_openai_project", "name=Alpha").rows
    assert ["name", "Alpha"] in made
    ran = portico("tools", "call", "list_all_openai_projects", "limit:=5")
    assert "Alpha" in {row[1] for row in ran.rows}
    got = done("tools", "call", "get_single_openai_project_by_id", "project_id=Alpha", "--json").json
    assert set(got) == {"content", "structured", "is_error", "meta"}
    assert got["structured"]["name"] == "Alpha"


def test_a_report_is_shown_as_tables(done: Command, house: Served) -> None:
    done(
        "call", "chat_completions", "create", "model=gpt-4o", 'messages:=[{"role":"user","content":"Hello"}]', "--json"
    )
    house.world.advance(2 * 86_400)
    rows = done("tools", "call", "openai_usage_report", f"start_time:={house.world.now() - 7 * 86_400}").rows
    assert rows[0] == ["model:"] or rows[0][0].endswith(":")
    assert "gpt-4o" in {row[0] for row in rows}
    assert "understood" not in {row[0] for row in rows}


def test_a_file_goes_along_as_a_tool_takes_it(done: Command, house: Served, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Remember the milk.")
    made = done("tools", "call", "create_a_openai_file", "purpose=user_data", f"file=@{tmp_path}/notes.txt", "--json")
    assert made.json["structured"]["filename"] == "notes.txt"
    assert made.json["structured"]["bytes"] == 18


def test_a_tool_that_refuses_fails_the_command_in_its_own_words(portico: Command) -> None:
    ran = portico("tools", "call", "list_all_openai_costs")
    assert (ran.code, ran.out) == (1, "")
    assert "start_time" in ran.err
    ran = portico("tools", "call", "list_all_openai_costs", "--json")
    assert (ran.code, ran.json["is_error"], ran.err) == (1, True, "")
    ran = portico("tools", "call", "no_such_tool")
    assert (ran.code, ran.out) == (1, "")
    assert "no_such_tool" in ran.err
