"""A client of the Unified API that knows no vendor: what a program of a customer's would do, in one script for all."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from portico_client import NotFound, Portico

DIRECTORY, METER = "user-directory", "usage-metering"
Json = dict[str, Any]
Sums = defaultdict[str, Decimal]


def people(portico: Portico) -> list[Json]:
    """Everybody, in small pages; none twice."""
    found = list(portico.unified.list(DIRECTORY, "users", limit=2))
    assert len({each["id"] for each in found}) == len(found)
    whole = list(portico.unified.list(DIRECTORY, "users", limit=100))
    assert sorted(each["id"] for each in whole) == sorted(each["id"] for each in found)
    for each in found:
        assert isinstance(each["id"], str)
        assert each["name"] == " ".join(part for part in (each["first_name"], each["last_name"]) if part)
        assert each["emails"][0]["is_primary"]
        assert each["status"] in {"active", "inactive"}
        assert all(isinstance(role["id"], str) and role["name"] for role in each["roles"])
        assert each["created_at"].endswith("Z")
    ranked = [each["name"] for each in portico.unified.list(DIRECTORY, "users", sort_by="-name", limit=2)]
    assert ranked == sorted(ranked, key=str.lower, reverse=True)
    return found


def on_and_off_board(portico: Portico, email: str, role: str) -> Json:
    """Somebody comes, is given a role, loses it and goes; what was seen of it."""
    roles = {each["name"]: each["id"] for each in portico.unified.list(DIRECTORY, "roles")}
    before = {each["id"] for each in people(portico)}
    made = portico.unified.create(DIRECTORY, "users", {"email": email})
    (user,) = portico.unified.list(DIRECTORY, "users", emails=email)
    given = portico.unified.method(DIRECTORY, "users", "assign_role", {"id": user["id"], "role_id": roles[role]})
    held = portico.unified.get(DIRECTORY, "users", user["id"])
    taken = portico.unified.method(DIRECTORY, "users", "unassign_role", {"id": user["id"], "role_id": roles[role]})
    kept = portico.unified.get(DIRECTORY, "users", user["id"])
    portico.unified.delete(DIRECTORY, "users", user["id"])
    try:
        portico.unified.get(DIRECTORY, "users", user["id"])
        is_gone = False
    except NotFound:
        is_gone = True
    return {
        "came with": [each["email"] for each in made["emails"]],
        "is called": (user["first_name"], user["last_name"]),
        "was given": given["is_assigned"],
        "held it": role in {each["name"] for each in held["roles"]},
        "was taken": not taken["is_assigned"],
        "lost it": role not in {each["name"] for each in kept["roles"]},
        "is gone": is_gone,
        "nobody else": {each["id"] for each in people(portico)} == before,
    }


def bill(portico: Portico, start: str, end: str) -> tuple[Sums, Sums, Sums]:
    """(what it cost by currency, by day, and how much was used by metric) between two moments."""
    asked: Json = {"start_date": start, "end_date": end, "limit": 200}
    costs, days, used = Sums(Decimal), Sums(Decimal), Sums(Decimal)
    for each in portico.unified.list(METER, "usage", report_type="cost", **asked):
        for charge in each["charges"]:
            costs[charge["currency"]] += Decimal(charge["amount"])
            days[each["start_date"][:10]] += Decimal(charge["amount"])
    for each in portico.unified.list(METER, "usage", report_type="usage", **asked):
        assert start[:10] <= each["start_date"][:10] < end[:10]
        used[each["metric_name"]] += Decimal(str(each["usage"]["quantity"]))
    return costs, days, used
