"""Environments, installed and brought integrations in the store, on both engines."""

import asyncio

import pytest
from msgspec import structs

from portico.errors import AlreadyExists, ChangedMeanwhile
from portico.model.account import Installation
from portico.store.accounts import Accounts
from portico.store.database import Database
from portico.store.environments import Environments
from portico.store.installations import Definition, Definitions, Installations, Wish
from portico.store.operators import Operators
from tests.store.rows import LATER, MOMENT, Home, account_of, add_accounts, definition_of, make_home

EVERYTHING = Wish(is_enabled=False, show_in_catalog=False, override={"label": "Ünsere"})


@pytest.fixture
async def home(database: Database) -> Home:
    return await make_home(database)


async def add_definition(database: Database, definition: Definition) -> None:
    async with database.transaction() as session:
        await Definitions(database).add(session, definition)


async def updated(database: Database, home: Home, wish: Wish) -> Installation | None:
    async with database.transaction() as session:
        return await Installations(database).update(session, home.id, home.installation.id, LATER, wish)


async def test_environment_comes_back_and_takes_another_name(database: Database, home: Home) -> None:
    environments = Environments(database)
    assert await environments.get(home.id) == home.environment
    async with database.transaction() as session:
        changed = structs.replace(home.environment, name="ünder", log_bodies=True, updated_at=LATER)
        await environments.update(session, changed)
    assert await environments.get(home.id) == changed


async def test_two_environments_never_share_a_name(database: Database, home: Home) -> None:
    other = await make_home(database, "other")
    with pytest.raises(AlreadyExists):
        await make_home(database, "home")
    with pytest.raises(AlreadyExists):
        await _rename(database, other, "home")


async def _rename(database: Database, home: Home, name: str) -> None:
    async with database.transaction() as session:
        await Environments(database).update(session, structs.replace(home.environment, name=name, updated_at=LATER))


async def test_operators_see_all_environments_and_which_came_first(database: Database) -> None:
    assert await Operators(database).first_environment() is None
    homes = [await make_home(database, name) for name in ("b", "a", "c")]
    first = await Operators(database).first_environment()
    assert first == homes[0].environment
    listed = await Operators(database).environments("~", 10)
    assert [each.name for each in listed] == ["c", "a", "b"]
    assert [each.name for each in await Operators(database).environments(listed[0].id, 1)] == ["a"]


async def test_an_integration_is_installed_once(database: Database, home: Home) -> None:
    async with database.transaction() as session:
        again, is_new = await Installations(database).ensure(session, home.id, "openai", LATER, EVERYTHING)
    assert not is_new
    assert again == home.installation


async def test_of_many_who_install_at_once_one_does_and_all_get_the_same(database: Database, home: Home) -> None:
    async def install() -> tuple[Installation, bool]:
        async with database.transaction() as session:
            return await Installations(database).ensure(session, home.id, "notes", MOMENT, Wish())

    made = await asyncio.gather(*(install() for _ in range(10)))
    assert len({each.id for each, _ in made}) == 1
    assert sum(is_new for _, is_new in made) == 1


async def test_it_is_made_as_wished(database: Database, home: Home) -> None:
    async with database.transaction() as session:
        made, is_new = await Installations(database).ensure(session, home.id, "notes", MOMENT, EVERYTHING)
    assert is_new
    assert (made.is_enabled, made.show_in_catalog, made.override) == (False, False, {"label": "Ünsere"})
    assert await Installations(database).get(home.id, made.id) == made
    assert await Installations(database).of(home.id, "notes") == made
    assert await Installations(database).page(home.id, "~", 10) == [made, home.installation]


@pytest.mark.parametrize("wish", [
    Wish(), Wish(is_enabled=False), Wish(show_in_catalog=False), Wish(override={"label": "x"}), EVERYTHING,
], ids=str)  # fmt: skip
async def test_a_change_leaves_alone_what_it_does_not_mention(database: Database, home: Home, wish: Wish) -> None:
    wished = {name: value for name, value in structs.asdict(wish).items() if value is not None}
    expected = structs.replace(home.installation, **wished, updated_at=LATER)
    assert await updated(database, home, wish) == expected
    assert await Installations(database).get(home.id, home.installation.id) == expected


async def test_an_override_is_replaced_as_a_whole(database: Database, home: Home) -> None:
    await updated(database, home, Wish(override={"label": "a", "tags": {"x": "y"}}))
    changed = await updated(database, home, Wish(override={"label": "b"}))
    assert changed is not None
    assert changed.override == {"label": "b"}


async def test_changes_at_once_of_different_parts_are_all_kept(database: Database, home: Home) -> None:
    wishes = [Wish(is_enabled=False), Wish(show_in_catalog=False), Wish(override={"label": "x"})]
    await asyncio.gather(*(updated(database, home, wish) for wish in wishes))
    present = await Installations(database).get(home.id, home.installation.id)
    assert present is not None
    assert (present.is_enabled, present.show_in_catalog, present.override) == (False, False, {"label": "x"})


async def test_installations_of_another_environment_are_not_there(database: Database, home: Home) -> None:
    other, installations = await make_home(database, "other", "notes"), Installations(database)
    assert await installations.get(other.id, home.installation.id) is None
    assert await installations.of(other.id, "openai") is None
    assert await installations.page(other.id, "~", 10) == [other.installation]
    async with database.transaction() as session:
        assert await installations.update(session, other.id, home.installation.id, LATER, EVERYTHING) is None
        assert not await installations.delete(session, other.id, home.installation.id)
    assert await installations.get(home.id, home.installation.id) == home.installation


async def test_an_installation_goes_only_after_its_accounts(database: Database, home: Home) -> None:
    account = account_of(home)
    await add_accounts(database, account)
    with pytest.raises(ChangedMeanwhile):
        await _uninstall(database, home)
    async with database.transaction() as session:
        await Accounts(database).delete(session, home.id, account.id)
    await _uninstall(database, home)
    assert await Installations(database).get(home.id, home.installation.id) is None


async def _uninstall(database: Database, home: Home) -> None:
    async with database.transaction() as session:
        await Installations(database).delete(session, home.id, home.installation.id)


async def test_an_installation_without_accounts_can_be_deleted(database: Database, home: Home) -> None:
    async with database.transaction() as session:
        assert await Installations(database).delete(session, home.id, home.installation.id)
        assert not await Installations(database).delete(session, home.id, home.installation.id)


async def test_definition_is_found_by_id_and_by_name(database: Database, home: Home) -> None:
    definition, definitions = definition_of(home), Definitions(database)
    await add_definition(database, definition)
    assert await definitions.get(home.id, definition.id) == definition
    assert await definitions.get(home.id, "notes") == definition
    assert await definitions.all(home.id) == [definition]


async def test_definitions_of_another_environment_are_not_there_and_may_have_the_same_name(
    database: Database, home: Home
) -> None:
    other, ours, definitions = await make_home(database, "other"), definition_of(home), Definitions(database)
    theirs = definition_of(other)
    await add_definition(database, ours)
    await add_definition(database, theirs)
    assert await definitions.get(other.id, ours.id) is None
    assert await definitions.get(other.id, "notes") == theirs
    async with database.transaction() as session:
        assert not await definitions.update(session, structs.replace(ours, environment_id=other.id), LATER)
        assert not await definitions.delete(session, other.id, ours.id)
    assert await definitions.get(home.id, ours.id) == ours


async def test_two_definitions_of_an_environment_never_share_a_name(database: Database, home: Home) -> None:
    await add_definition(database, definition_of(home))
    with pytest.raises(AlreadyExists):
        await add_definition(database, definition_of(home))


async def test_a_definition_changes_only_from_the_version_that_was_read(database: Database, home: Home) -> None:
    definition, definitions = definition_of(home), Definitions(database)
    await add_definition(database, definition)
    changed = structs.replace(definition, category="crm", definition={"name": "notes"})
    async with database.transaction() as session:
        assert await definitions.update(session, changed, LATER)
        assert not await definitions.update(session, definition, LATER)
    assert await definitions.get(home.id, "notes") == structs.replace(changed, version=2, updated_at=LATER)
