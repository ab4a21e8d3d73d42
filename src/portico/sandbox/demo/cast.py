"""Who and what is in the demo organization: plain tables. Ages are in days before the emulator's first moment.

Larkfield is a made-up garden supplier; every address is in a domain that can't exist.
"""

from dataclasses import dataclass

TITLE = "Larkfield"
DOMAIN = "larkfield.example"


@dataclass(frozen=True, slots=True)
class Person:
    """`handle` is the first part of the address and how the other tables call the person."""

    handle: str
    name: str
    role: str
    age: float

    @property
    def email(self) -> str:
        return f"{self.handle}@{DOMAIN}"


@dataclass(frozen=True, slots=True)
class Place:
    """A project: who is in it (`handle:role`), and its limits as requests and tokens per minute by model."""

    name: str
    age: float
    members: str
    limits: dict[str, tuple[int, int]]
    residency: str = "GLOBAL"
    archived_age: float | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A service account. One that was deleted has left its usage and its mark in the audit log."""

    project: str
    name: str
    age: float
    deleted_age: float | None = None
    deleted_by: str = ""


@dataclass(frozen=True, slots=True)
class Pass:
    """A key: whose it is (a person's handle or an account's name), and when it was last used, if ever.

    A pass without a project is an admin key. One whose secret is `given` is a key that people are told to use.
    """

    label: str
    project: str | None
    owner: str
    name: str
    age: float
    used_age: float | None = None
    given: str | None = None
    expires_in: float | None = None


PEOPLE = (
    Person("ingrid.solheim", "Ingrid Solheim", "owner", 421.3),
    Person("tomas.herrera", "Tomás Herrera", "owner", 412.8),
    Person("priya.raman", "Priya Raman", "reader", 380.1),
    Person("aisha.karimi", "Aisha Karimi", "reader", 361.4),
    Person("hannah.brandt", "Hannah Brandt", "owner", 333.9),
    Person("mei.lindqvist", "Mei Lindqvist", "reader", 301.2),
    Person("daniel.okafor", "Daniel Okafor", "reader", 288.6),
    Person("sofia.marchetti", "Sofia Marchetti", "reader", 240.5),
    Person("lucas.moreau", "Lucas Moreau", "reader", 212.2),
    Person("jonas.weber", "Jonas Weber", "reader", 181.7),
    Person("kwame.mensah", "Kwame Mensah", "reader", 139.4),
    Person("yuki.tanaka", "Yuki Tanaka", "reader", 61.5),
    Person("oliver.grant", "Oliver Grant", "reader", 33.2),
)
# She left three weeks ago; what she used stays in the reports.
LEFT = Person("elena.petrova", "Elena Petrova", "reader", 322.0)
LEFT_AGE = 21.3

DEFAULT = "Default project"
PLACES = (
    Place(
        "Legacy-Summarizer",
        409.7,
        "tomas.herrera:owner",
        {"gpt-4": (200, 40_000)},
        archived_age=41.2,
    ),
    Place(
        "Customer-Support-Bot",
        394.6,
        "aisha.karimi:owner lucas.moreau:member tomas.herrera:owner",
        {
            "gpt-4o": (3_000, 1_500_000),
            "gpt-4o-mini": (10_000, 4_000_000),
            "text-embedding-3-small": (5_000, 5_000_000),
        },
        "EU_STORAGE_PROCESSING",
    ),
    Place(
        "Data-Science",
        372.4,
        "priya.raman:owner daniel.okafor:member yuki.tanaka:member ingrid.solheim:owner",
        {"gpt-5.4": (500, 1_000_000), "gpt-5.4-mini": (4_000, 4_000_000), "gpt-4o": (1_500, 300_000)},
    ),
    Place(
        "Marketing-Gen",
        267.9,
        "mei.lindqvist:owner jonas.weber:member",
        {"gpt-4.1": (1_000, 450_000), "gpt-image-1.5": (120, 400_000)},
    ),
    Place(
        "Internal-Tools",
        203.5,
        "sofia.marchetti:owner kwame.mensah:member oliver.grant:member tomas.herrera:owner",
        {"gpt-5.4-mini": (2_000, 2_000_000), "gpt-4o-transcribe": (100, 200_000)},
    ),
    Place(
        "Voice-Concierge",
        57.1,
        "tomas.herrera:owner yuki.tanaka:member aisha.karimi:member",
        {"gpt-realtime": (200, 400_000)},
    ),
)

ACCOUNTS = (
    Account("Legacy-Summarizer", "summarizer-prod", 408.0),
    Account("Customer-Support-Bot", "support-bot-prod", 388.2),
    Account("Data-Science", "nightly-batch", 365.3),
    Account("Marketing-Gen", "campaign-writer", 255.4),
    Account("Marketing-Gen", "newsletter-bot", 171.8, 0.38, "mei.lindqvist"),
    Account("Data-Science", "feature-store", 232.6),
    Account("Internal-Tools", "meeting-notes", 190.3),
    Account("Customer-Support-Bot", "support-bot-staging", 118.7),
    Account("Data-Science", "churn-forecast", 104.9, 6.4, "priya.raman"),
    Account("Internal-Tools", "code-review", 76.2),
    Account("Voice-Concierge", "concierge-prod", 55.4),
    Account("Marketing-Gen", "brochure-test", 29.6, 15.5, "jonas.weber"),
)

PASSES = (
    Pass("legacy", "Legacy-Summarizer", "summarizer-prod", "Secret Key", 408.0, 41.3),
    Pass("support", "Customer-Support-Bot", "support-bot-prod", "Secret Key", 388.2, 0.0021),
    Pass("staging", "Customer-Support-Bot", "support-bot-staging", "Secret Key", 118.7, 2.64),
    Pass("aisha", "Customer-Support-Bot", "aisha.karimi", "aisha-prompt-lab", 142.8, 5.22),
    Pass("zendesk", "Customer-Support-Bot", "lucas.moreau", "zendesk-import", 209.1, 178.3),
    Pass("load", "Customer-Support-Bot", "lucas.moreau", "load-test", 12.3),
    Pass("kwame-debug", "Customer-Support-Bot", "kwame.mensah", "kwame-debug", 130.6, 96.9),
    Pass("batch", "Data-Science", "nightly-batch", "Secret Key", 365.3, 0.31),
    Pass("features", "Data-Science", "feature-store", "Secret Key", 232.6, 0.012),
    Pass("churn", "Data-Science", "daniel.okafor", "churn-prototype", 261.7),
    Pass("priya", "Data-Science", "priya.raman", "priya-notebook", 97.8, 0.61),
    Pass("yuki", "Data-Science", "yuki.tanaka", "yuki-evals", 58.3, 1.12),
    Pass("daniel", "Data-Science", "daniel.okafor", "daniel-notebook", 33.4, 0.083),
    Pass("writer", "Marketing-Gen", "campaign-writer", "Secret Key", 255.4, 0.0044),
    Pass("newsletter", "Marketing-Gen", "newsletter-bot", "Secret Key", 171.8, 0.41),
    Pass("agency", "Marketing-Gen", "jonas.weber", "agency-handover", 165.9),
    Pass("mei", "Marketing-Gen", "mei.lindqvist", "figma-plugin", 91.6, 0.43),
    Pass("jonas", "Marketing-Gen", "jonas.weber", "jonas-images", 27.2, 1.21),
    Pass("sofia", "Internal-Tools", "sofia.marchetti", "sofia-cli", 201.1, 0.92),
    Pass("notes", "Internal-Tools", "meeting-notes", "Secret Key", 190.3, 0.147),
    Pass("elena", "Internal-Tools", "elena.petrova", "elena-scripts", 150.2, 22.1),
    Pass("kwame", "Internal-Tools", "kwame.mensah", "kwame-editor", 88.4, 0.206),
    Pass("review", "Internal-Tools", "code-review", "Secret Key", 76.2, 0.033),
    Pass("oliver", "Internal-Tools", "oliver.grant", "contractor-sandbox", 30.1, 3.32, expires_in=60),
    Pass("concierge", "Voice-Concierge", "concierge-prod", "Secret Key", 55.4, 0.021),
    Pass("latency", "Voice-Concierge", "tomas.herrera", "latency-tests", 49.3, 6.55),
    Pass("playground", DEFAULT, "ingrid.solheim", "ingrid-playground", 316.8, 4.13),
    Pass("scratch", DEFAULT, "tomas.herrera", "tomas-scratch", 94.2, 37.9),
    Pass("demo", DEFAULT, "ingrid.solheim", "Portico gateway", 64.0, given="sk-proj-demo"),
    Pass("provisioning", None, "tomas.herrera", "old-provisioning", 401.5, 209.8),
    Pass("terraform", None, "tomas.herrera", "terraform", 296.3, 1.34),
    Pass("finance", None, "hannah.brandt", "finance-export", 151.2, 0.52, expires_in=44),
    Pass("demo-admin", None, "ingrid.solheim", "Portico gateway (administration)", 64.0, given="sk-admin-demo"),
)

# Address, role, age, project, and how old the acceptance is, if there was one.
INVITED = (
    ("yuki.tanaka@larkfield.example", "reader", 62.9, "Data-Science", 61.5),
    ("oliver.grant@larkfield.example", "reader", 34.0, "Internal-Tools", 33.2),
    ("nadia.haddad@larkfield.example", "reader", 19.4, "Customer-Support-Bot", None),
    ("ruth.adeyemi@larkfield.example", "reader", 3.1, "Data-Science", None),
    ("print.studio@quillandco.example", "reader", 0.8, "Marketing-Gen", None),
)

# How limits were changed: age, who did it, project, model, requests and tokens per minute from then on.
# What a terraform run does is done by its key, and so by the key's owner.
LIMITS_CHANGED = (
    (71.6, "aisha.karimi", "Customer-Support-Bot", "gpt-4o", 2_000, 800_000),
    (54.8, "tomas.herrera", "Voice-Concierge", "gpt-realtime", 200, 400_000),
    (32.7, "terraform", "Customer-Support-Bot", "gpt-4o", 3_000, 1_500_000),
    (26.2, "priya.raman", "Data-Science", "gpt-5.4-mini", 4_000, 4_000_000),
    (12.1, "terraform", "Marketing-Gen", "gpt-image-1.5", 120, 400_000),
)

# File, name, age, and where it is active: the organization (None) or projects.
CERTIFICATES = (
    ("office-network.pem", "Office network", 212.0, None),
    ("support-gateway.pem", "Support gateway", 66.4, "Customer-Support-Bot"),
)
