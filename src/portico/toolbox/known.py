"""What is worked out once for each tool of each view of a catalog, and is then good for every call of it."""

import weakref
from collections.abc import Sequence

from msgspec import Struct

from portico.catalog.find import View
from portico.model.offered import Offered
from portico.toolbox import names
from portico.toolbox.arguments import Arguments
from portico.toolbox.controls import Controls


class Known(Struct, frozen=True):
    """A tool's arguments, which of them may be names, which hold files, and what is said beside them."""

    arguments: Arguments
    controls: Controls
    named: Sequence[names.Asked]
    files: frozenset[str]


class KnownTools:
    def __init__(self) -> None:
        self._views: weakref.WeakKeyDictionary[View, dict[str, Known]] = weakref.WeakKeyDictionary()

    def of(self, view: View, operation: Offered) -> Known:
        tools = self._views.get(view)
        if tools is None:
            tools = self._views[view] = {}
        known = tools.get(operation.key)
        if known is None:
            named = names.asked_for(view, operation)
            files = frozenset(each.name for each in operation.parameters if each.place == "upload")
            known = tools[operation.key] = Known(Arguments(operation), Controls(operation), named, files)
        return known
