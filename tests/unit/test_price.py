"""What tokens cost: by model or its snapshot, by the list in force, exact to the billionth of a dollar."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from portico.app import INTEGRATIONS
from portico.catalog.load import load_folder
from portico.catalog.override import apply, check
from portico.model.price import NANOS, Price, PriceBook, PriceList, in_force

MINI = Price(input=Decimal("0.15"), cached_input=Decimal("0.075"), output=Decimal("0.60"))
PRICES = PriceList(tokens_per_million={"gpt-4o-mini": MINI, "gpt-4o-mini-2024-07-18": Price(input=Decimal(9))})
COSTS = [
    (MINI, (1_000_000, 0, 0), 150_000_000),
    (MINI, (1_000_000, 1_000_000, 0), 75_000_000),
    (MINI, (1000, 400, 200), 90_000 + 30_000 + 120_000),
    (MINI, (1, 0, 0), 150),
    (MINI, (0, 0, 1), 600),
    (Price(input=Decimal("0.02")), (1, 0, 500), 20),
    (Price(input=Decimal("2.5")), (100, 60, 0), 250_000),
    (Price(input=Decimal(0)), (5000, 0, 0), 0),
    (Price(input=Decimal("5"), output=Decimal("30")), (10**9, 0, 10**9), 35_000 * NANOS),
]


@pytest.mark.parametrize(("price", "tokens", "nanos"), COSTS)
def test_cost_is_exact(price: Price, tokens: tuple[int, int, int], nanos: int) -> None:
    assert price.nanos(*tokens) == nanos


@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-4o-mini-2025-01-31", "gpt-4o-mini-latest", "gpt-4o-mini-0613"])
def test_a_snapshot_costs_what_its_model_does(model: str) -> None:
    assert PRICES.of(model) == MINI


def test_a_snapshot_with_a_price_of_its_own_costs_that() -> None:
    assert PRICES.of("gpt-4o-mini-2024-07-18") == Price(input=Decimal(9))


@pytest.mark.parametrize("model", ["", "gpt-4o", "ft:gpt-4o-mini:acme", "gpt-4o-mini-audio", "GPT-4o-mini"])
def test_what_has_no_price_is_unknown_and_not_guessed(model: str) -> None:
    assert PRICES.of(model) is None


def test_a_beginning_holds_for_all_that_have_no_price_of_their_own_and_the_longest_counts() -> None:
    short, long, own = (Price(input=Decimal(each)) for each in (1, 2, 3))
    prices = PriceList(tokens_per_million={"ft:a*": short, "ft:a-mini*": long, "ft:a-mini:me": own, "a": own})
    wanted = {"ft:a:me": short, "ft:a-mini:you": long, "ft:a-mini:me": own, "a": own, "ft:b": None, "ft:": None}
    assert {model: prices.of(model) for model in wanted} == wanted


LISTS = {day: PriceList(about=day, tokens_per_million={}) for day in ("2026-01-01", "2026-06-01", "2026-11-20")}
DAYS = [
    ("2026-06-01", "2026-06-01"),
    ("2026-11-19", "2026-06-01"),
    ("2027-05-05", "2026-11-20"),
    ("2025-01-01", "2026-01-01"),
]


@pytest.mark.parametrize(("day", "wanted"), DAYS)
def test_the_newest_list_up_to_the_day_is_in_force(day: str, wanted: str) -> None:
    assert in_force(LISTS, date.fromisoformat(day)) == (wanted, LISTS[wanted])


def test_without_lists_there_are_no_prices() -> None:
    assert in_force({}, date(2026, 1, 1)) is None


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-1", "x"])
def test_a_price_is_a_number_that_is_not_negative(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"input": text}, Price)


# As OpenAI's price page had them on the day of the list: input, cached input and output.
SHIPPED = {
    "gpt-6-astra": ("10", "1", "50"),
    "gpt-6-luna": ("0.1", "0.01", "0.5"),
    "gpt-5.6-terra": ("2", "0.2", "12"),
    "gpt-5.3-codex": ("1.75", "0.175", "14"),
    "gpt-4.1-2025-04-14": ("2", "0.5", "8"),
    "gpt-3.5-turbo-0125": ("0.5", None, "1.5"),
    "gpt-3.5-turbo-1106": ("1", None, "2"),
    "gpt-4-0613": ("30", None, "60"),
    "ft:gpt-4o-2024-08-06:acme::a1": ("3.75", "1.875", "15"),
    "ft:gpt-4o-mini-2024-07-18:acme:bot:b2": ("0.3", "0.15", "1.2"),
    "ft:gpt-4.1-nano-2025-04-14:acme::c3": ("0.2", "0.05", "0.8"),
}
TRAINED = {
    "gpt-4.1-2025-04-14": "25", "gpt-4.1-mini-2025-04-14": "5", "gpt-4.1-nano-2025-04-14": "1.5",
    "gpt-4o-2024-08-06": "25", "gpt-4o-mini-2024-07-18": "3", "gpt-3.5-turbo": "8", "davinci-002": "6",
    "babbage-002": "0.4",
}  # fmt: skip


def test_shipped_prices_are_those_of_the_price_page() -> None:
    (prices,) = load_folder(INTEGRATIONS / "openai" / "catalog").integration.prices.values()
    for model, told in SHIPPED.items():
        wanted = [None if each is None else Decimal(each) for each in told]
        price = prices.of(model)
        assert price, model
        assert [price.input, price.cached_input, price.output] == wanted, model
    assert {model: prices.of_training(model) for model in TRAINED} == {
        model: Decimal(rate) for model, rate in TRAINED.items()
    }
    assert prices.batch_percent == 50


def test_an_environment_may_add_prices_of_its_own() -> None:
    view = load_folder(INTEGRATIONS / "openai" / "catalog")
    ((day, shipped),) = view.integration.prices.items()
    own = {"input": "3.75", "output": "15.00"}
    change = {"prices": {day: {"tokens_per_million": {"ft:gpt-4o:acme": own, "gpt-4o": {"input": "2.00"}}}}}
    assert check(view, change) == []
    prices = apply(view, change).integration.prices[day]
    assert prices.of("ft:gpt-4o:acme") == Price(input=Decimal("3.75"), output=Decimal(15))
    assert prices.of("gpt-4o") == Price(input=Decimal(2), cached_input=Decimal("1.25"), output=Decimal(10))
    assert prices.of("gpt-4o-mini") == shipped.of("gpt-4o-mini")


@pytest.mark.parametrize(
    "change",
    [
        {"prices": {"soon": {"tokens_per_million": {}}}},
        {"prices": {"2026-11-20": {"tokens_per_million": {"x": {"input": -1}}}}},
        {"prices": {"2026-11-20": {"currency": "eur"}}},
    ],
)
def test_prices_that_make_no_sense_are_refused(change: dict[str, object]) -> None:
    assert check(load_folder(INTEGRATIONS / "openai" / "catalog"), change)


def test_a_book_of_prices_follows_the_day_the_list_and_whose_it_is() -> None:
    dear = PriceList(tokens_per_million={"gpt-4o-mini": Price(input=Decimal(9))})
    lists, others = {"2026-01-01": PRICES, "2026-06-01": dear}, {"2026-01-01": dear}
    book = PriceBook()
    for _ in range(2):
        assert book.of("openai", lists, date(2026, 5, 31), "gpt-4o-mini") == MINI
        assert book.of("openai", lists, date(2026, 5, 31), "a model of one's own") is None
        assert book.of("another", others, date(2026, 5, 31), "gpt-4o-mini") == Price(input=Decimal(9))
        assert book.of("openai", lists, date(2026, 6, 1), "gpt-4o-mini") == Price(input=Decimal(9))
    assert book.of("openai", {}, date(2026, 6, 1), "gpt-4o-mini") is None  # an environment with lists of its own
