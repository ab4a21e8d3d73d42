"""What is said of an integration: of what, and what kind of text it is."""

from typing import Final, Literal

EntityType = Literal["integration", "environment_integration", "unified_model", "environment_unified_model"]
TextType = Literal[
    "readme", "note", "end_user_guide", "description", "query_schema", "body_schema", "response_schema",
    "oauth_documentation_link", "oauth_app_requires_verification", "oauth_note",
]  # fmt: skip
INTEGRATION: Final = "integration"
INSTALLED: Final = "environment_integration"
