"""The grammar of tool names, and of resource names for a vendor's paths. A promise: change nothing lightly."""

import re

from portico.model.operation import Operation

LONGEST = 47
_IRREGULAR = {"analyses": "analysis", "series": "series", "speech": "speech"}


def tool_name(integration: str, operation: Operation, singular_name: str = "") -> str:
    """`list_all_openai_files`, `get_single_openai_file_by_id`, `openai_batches_cancel`."""
    resource, method = operation.resource, operation.method
    one = singular_name or singular(resource)
    by_id = "_by_id" if operation.identity else ""
    names = {
        "list": f"list_all_{integration}_{resource}",
        "get": f"get_single_{integration}_{one}{by_id}",
        "create": f"create_a_{integration}_{one}",
        "update": f"update_a_{integration}_{one}{by_id}",
        "delete": f"delete_a_{integration}_{one}{by_id}",
    }
    return names.get(method, f"{integration}_{resource}_{method}")


def singular(resource: str) -> str:
    """The last word in the singular: `vector_store_file_batches` → `vector_store_file_batch`."""
    *before, last = resource.split("_")
    return "_".join([*before, _one(last)])


def _one(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ies"):
        return word[:-3] + "y"
    if re.search(r"(ss|ch|sh|x)es$", word):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def resource_and_method(verb: str, path: str, dropped: frozenset[str] = frozenset()) -> tuple[str, str]:
    """What a path would be called by rule: its fixed words, parents in the singular; an action is its last word."""
    parts = [part for part in path.strip("/").split("/") if part]
    fixed = [part for part in parts if not part.startswith("{")]
    words = [word for word in fixed if word not in dropped] or fixed
    ends_with_id = parts[-1].startswith("{") if parts else False
    follows_id = len(parts) > 1 and parts[-2].startswith("{")
    if verb == "POST" and follows_id and not ends_with_id and not parts[-1].endswith("s"):
        return _joined(words[:-1]), words[-1]
    methods = {"GET": "get" if ends_with_id else "list", "DELETE": "delete", "PATCH": "update", "PUT": "update"}
    return _joined(words), methods.get(verb, "update" if ends_with_id else "create")


def _joined(words: list[str]) -> str:
    return "_".join([*(singular(word) for word in words[:-1]), *words[-1:]]).replace("-", "_")
