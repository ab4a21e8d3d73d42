"""`portico link create`."""

from pathlib import Path

from tests.cli.conftest import Command
from tests.served import Served
from tests.toolbox.pictures import png


def test_a_link_is_made_for_a_customer_and_for_an_account(portico: Command, done: Command, house: Served) -> None:
    assert "/connect?link_token=ptc_link_" in done("link", "create", "acme").out
    again = done("link", "create", "--account", house.account_id, "--keep", "--json").json
    assert again["link_token"] in again["url"]
    assert "exactly one" in portico("link", "create").err


def test_sites_are_allowed_to_show_the_page_or_no_longer(portico: Command, done: Command) -> None:
    done("link", "page", "--allow", "https://app.example", "--allow", "http://localhost:3000")
    done("link", "page", "--forbid", "http://localhost:3000")
    assert done("link", "page", "--json").json["allowed_origins"] == ["https://app.example"]
    assert "https://app.example" in done("link", "page").out
    assert "is no origin" in portico("link", "page", "--allow", "app.example").err
    done("link", "page", "--forbid", "https://app.example")


def test_page_is_given_a_look_and_its_own_back(portico: Command, done: Command, tmp_path: Path) -> None:
    picture = tmp_path / "logo.png"
    picture.write_bytes(png(40, 20))
    made = done("link", "page", "--name", "Larkfield", "--color", "#0b5a62", "--logo", str(picture), "--json").json
    assert (made["name"], made["main_color"]) == ("Larkfield", "#0b5a62")
    assert "/look/logo/" in made["logo_url"]
    assert "stands out too little" in portico("link", "page", "--color", "#ffee00").err
    assert "cannot be read" in portico("link", "page", "--logo", str(tmp_path / "none.png")).err
    again = done("link", "page", "--name", "", "--color", "", "--logo", "", "--json").json
    assert (again["name"], again["main_color"], again["logo_url"]) == ("", "", None)
