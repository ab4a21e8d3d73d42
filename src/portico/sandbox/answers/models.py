"""The models that a project may use."""

from portico.sandbox import roster
from portico.sandbox.pages import whole
from portico.sandbox.refusals import forbidden
from portico.sandbox.tuning.sharing import withdraw
from portico.sandbox.wire import Answer, Ask, Route, gone


def list_models(ask: Ask) -> Answer:
    return whole([model.show() for model in roster.available(ask)])


def get_model(ask: Ask) -> Answer:
    return roster.require(ask, ask["model"]).show()


def delete_model(ask: Ask) -> Answer:
    name = ask["model"]
    if name in roster.PUBLISHED:
        raise forbidden("Only fine-tuned models of your own organization can be deleted.")
    withdraw(ask, name)
    return gone(name, "model")


ROUTES = (
    Route("GET", "/models", list_models),
    Route("GET", "/models/{model}", get_model),
    Route("DELETE", "/models/{model}", delete_model),
)
