"""Lumen with people in it: a sandbox of its own, the definition that tells of it, its mapping to the unified models.

It is as unlike OpenAI as a vendor can be: lists count their rows, names are nested, ids and duties are numbers, times
are milliseconds, and what things cost stands beside what was used.
"""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.unit.lumen import DEFINITION

Json = dict[str, Any]
KEY = "lk-house"
SINCE = 1_760_000_000_000
DUTIES = (
    {"no": 1, "title": "Caretaker", "may": ["lamps"]},
    {"no": 2, "title": "Auditor", "may": ["readings"]},
    {"no": 3, "title": "Owner", "may": ["lamps", "readings", "people"]},
)
_PEOPLE = ("Ada Lee", "Ben Ito", "Cleo Diaz", "Dov Katz", "Eva Sund")


def _person(no: int, name: str, mail: str, duties: list[int]) -> Json:
    given, _, family = name.partition(" ")
    return {
        "no": no, "names": {"given": given, "family": family or None}, "mail": {"address": mail, "proved": True},
        "duties": duties, "state": 1, "since": SINCE + no * 1000,
    }  # fmt: skip


@dataclass
class LumenHouse:
    """What Lumen knows. `asked` is the path and query of each request."""

    url: str = ""
    people: dict[int, Json] = field(default_factory=dict[int, Json])
    readings: list[Json] = field(default_factory=list[Json])
    asked: list[str] = field(default_factory=list[str])
    refusal: tuple[int, Json] | None = None

    def fill(self) -> None:
        self.people = {
            no: _person(no, name, f"{name.partition(' ')[0].lower()}@house.example", [3] if no == 1 else [1])
            for no, name in enumerate(_PEOPLE, 1)
        }
        self.readings = [
            {"no": day * 2 + room, "day": f"2026-11-{day:02}", "room": ("hall", "yard")[room], "wh": 100 * day + room,
             "cents": 7 * day + room}
            for day in range(9, 15) for room in (0, 1)
        ]  # fmt: skip

    def answer(self, verb: str, place: list[str], query: dict[str, str], body: Json) -> tuple[int, Json]:
        match verb, place:
            case "GET", ["lamps"]:
                return 200, {"data": [], "has_more": False}
            case "GET", ["people"]:
                mails = query.get("mail")
                return 200, _rows(
                    [each for each in self.people.values() if mails in (None, each["mail"]["address"])], query
                )
            case "GET", ["duties"]:
                return 200, _rows(list(DUTIES), query)
            case "GET", ["readings"]:
                days = (query["from"], query["until"])
                return 200, _rows([each for each in self.readings if days[0] <= each["day"] < days[1]], query)
            case "POST", ["people"]:
                no = max(self.people, default=0) + 1
                name = f"{body['names']['given']} {body['names'].get('family') or ''}".strip()
                self.people[no] = _person(no, name, body["mail"], body.get("duties") or [1])
                return 201, self.people[no]
            case _, ["people", no, *rest] if no.isdecimal() and int(no) in self.people:
                return self._with_person(verb, self.people[int(no)], rest)
            case _:
                return 404, {
                    "error": {"message": f"Nothing at /{'/'.join(place)}.", "code": "nothing", "type": "missing"}
                }

    def _with_person(self, verb: str, person: Json, rest: list[str]) -> tuple[int, Json]:
        match verb, rest:
            case "DELETE", []:
                del self.people[person["no"]]
                return 200, {"gone": person["no"]}
            case "PUT", ["duties", duty]:
                person["duties"] = sorted({*person["duties"], int(duty)})
            case "DELETE", ["duties", duty]:
                person["duties"] = [each for each in person["duties"] if each != int(duty)]
            case _:
                pass
        return 200, person


def _rows(found: list[Json], query: dict[str, str]) -> Json:
    start, count = int(query.get("offset", "0")), int(query.get("count", "3"))
    return {"rows": found[start : start + count], "total": len(found)}


class _Face(BaseHTTPRequestHandler):
    """HTTP over one house."""

    house: LumenHouse
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.house.asked.append(f"{self.command} {self.path}")
        if self.headers.get("authorization") != f"Bearer {KEY}":
            self._say(401, {"error": {"message": "This key opens nothing.", "code": "no_key", "type": "key"}})
            return
        if self.house.refusal is not None:
            self._say(*self.house.refusal)
            return
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        place = [each for each in parts.path.split("/") if each]
        self._say(*self.house.answer(self.command, place, query, json.loads(content or b"{}")))

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET

    def _say(self, status: int, told: Json) -> None:
        content = json.dumps(told).encode()
        self.send_response(status)
        for name, value in (("content-type", "application/json"), ("content-length", str(len(content)))):
            self.send_header(name, value)
        for name, value in (("x-limit", "60"), ("x-left", "59"), ("x-reset", "7")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """The tests' output is not its log."""


@contextmanager
def running_house() -> Generator[LumenHouse]:
    house = LumenHouse()
    house.fill()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Face", (_Face,), {"house": house}))
    server.daemon_threads = True
    house.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield house
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def config(url: str) -> Json:
    """Lumen's definition, as an environment brings it, with what stands in the house."""
    text: Json = {"type": "string", "required": True}
    paged: Json = {"offset": {"type": "integer"}, "count": {"type": "integer", "max": 50}}
    resources: Json = {
        "people": {
            "list": {"call": "GET /people", "pages": "by_offset", "query": {**paged, "mail": {"type": "string"}}},
            "get": {"call": "GET /people/{person_no}"},
            "create": {
                "call": "POST /people",
                "body": {
                    "given": {"type": "string", "wire": "names.given", "required": True},
                    "family": {"type": "string", "wire": "names.family"},
                    "mail": {"type": "string", "required": True},
                    "duties": {"type": "array", "items": {"type": "integer"}},
                },
            },
            "delete": {"call": "DELETE /people/{person_no}", "asks": "Send {person_no} away?"},
            "give_duty": {"call": "PUT /people/{person_no}/duties/{duty_no}"},
            "take_duty": {"call": "DELETE /people/{person_no}/duties/{duty_no}", "effect": "write"},
        },
        "duties": {"list": {"call": "GET /duties", "pages": "by_offset", "query": paged}},
        "readings": {
            "list": {
                "call": "GET /readings", "pages": "by_offset",
                "query": {**paged, "from": text, "until": text},
            },
        },
    }  # fmt: skip
    rules = DEFINITION["rules"]
    by_offset = {"send": "offset", "counts": "items", "total": "total", "items": "rows", "limit": "count"}
    kept = {name: value for name, value in DEFINITION.items() if name not in {"name", "category", "base_urls"}}
    return kept | {
        "base_url": url,
        "rules": rules | {"pages": rules["pages"] | {"by_offset": by_offset}},
        "resources": DEFINITION["resources"] | resources,
    }


_DUTIES: Json = {"duties": {"resource": "duties", "all_pages": True}}
# What an environment says so that Lumen is a user directory and a usage meter like every other. Data, and nothing else.
MAPPING: Json = {
    "user-directory": {
        "users": {
            "every": {
                "response_mapping": {
                    "id": "response.no",
                    "name": '$join([response.names.given, response.names.family], " ")',
                    "first_name": "response.names.given",
                    "last_name": "response.names.family",
                    "emails": '[{"email": response.mail.address, "type": "work", "is_primary": true}]',
                    "status": 'response.state = 1 ? "active" : "inactive"',
                    "roles": 'response.duties.($no := $; {"id": $no, "name": $$.before.duties[no = $no].title})',
                    "created_at": "$fromSeconds(response.since / 1000)",
                },
            },
            "list": {
                "resource": "people",
                "method": "list",
                "query_schema": {
                    "emails": "vendor", "name": "portico", "status": "portico", "created_at": "portico",
                    "sort_by": {"by": "portico", "enum": ["name", "created_at"]},
                },
                "query_mapping": {"mail": "query.emails[0]"},
                "before": _DUTIES,
            },
            "get": {"resource": "people", "method": "get", "before": _DUTIES},
            "create": {
                "resource": "people",
                "method": "create",
                "request_body_schema": {"properties": {"email": {}, "roles": {}}, "required": ["email"]},
                "request_body_mapping": {
                    "mail": "body.email",
                    "given": '$substringBefore(body.email, ".")',
                    "family": '$substringBefore($substringAfter(body.email, "."), "@")',
                    "duties": "$exists(body.roles) ? [body.roles.$number($)] : null",
                },
                "before": _DUTIES,
            },
            "delete": {"resource": "people", "method": "delete", "response_mapping": '{"id": response.gone}'},
            "assign_role": {
                "resource": "people",
                "method": "give_duty",
                "request_body_schema": {"properties": {"role_id": {}}, "required": ["role_id"]},
                "request_body_mapping": {"person_no": "id", "duty_no": "body.role_id"},
                "response_mapping": '{"id": response.no, "is_assigned": true, "role": {"id": body.role_id}}',
            },
            "unassign_role": {
                "resource": "people",
                "method": "take_duty",
                "request_body_schema": {"properties": {"role_id": {}}, "required": ["role_id"]},
                "request_body_mapping": {"person_no": "id", "duty_no": "body.role_id"},
                "response_mapping": '{"id": response.no, "is_assigned": false, "role": {"id": body.role_id}}',
            },
        },
        "roles": {
            "list": {
                "resource": "duties",
                "method": "list",
                "query_schema": {"name": "portico"},
                "response_mapping": {"id": "response.no", "name": "response.title", "permissions": "response.may"},
            },
        },
    },
    "usage-metering": {
        "usage": {
            "list": {
                "resource": "readings",
                "method": "list",
                "query_schema": {
                    "start_date": {"by": "vendor", "required": True},
                    "end_date": {"by": "vendor", "required": True},
                    "report_type": {"by": "vendor", "enum": ["summary", "usage", "cost"]},
                },
                "query_mapping": {
                    "from": "$substring(query.start_date, 0, 10)", "until": "$substring(query.end_date, 0, 10)",
                },
                "response_mapping_method": "array",
                "response_mapping": """(
                    $bucket := {
                      "product": {"id": "light", "name": "Light"},
                      "resources": [{"type": "workspace", "id": response.room}],
                      "start_date": response.day & "T00:00:00.000Z",
                      "end_date": $fromMillis($toMillis(response.day & "T00:00:00Z") + 86400000)
                    };
                    $type := $firstNonEmpty(query.report_type, "summary");
                    [
                      $type != "cost" ? $merge([$bucket, {
                        "id": response.no & "-used", "metric_name": "energy",
                        "usage": {"quantity": response.wh, "unit": "Wh"}}]),
                      $type != "usage" ? $merge([$bucket, {
                        "id": response.no & "-cost", "metric_name": "cost",
                        "charges": [{"amount": $formatNumber(response.cents / 100, "0.00"), "currency": "USD"}]}])
                    ])""",
            },
        },
    },
}  # fmt: skip
