"""OpenAI's error envelope, and one constructor for each way in which OpenAI says no."""

from portico.sandbox.shapes import Json

HeaderPairs = tuple[tuple[str, str], ...]


class Refusal(Exception):
    """An answer that is an error: status and the four fields of OpenAI's envelope."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.param = param
        self.code = code
        self.headers: HeaderPairs = ()

    def envelope(self) -> Json:
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


def invalid(message: str, param: str | None = None, code: str | None = "invalid_value") -> Refusal:
    return Refusal(400, message, param=param, code=code)


def missing(name: str) -> Refusal:
    return invalid(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")


def no_key() -> Refusal:
    return Refusal(401, "This request carries no API key: send it as 'Authorization: Bearer <key>'.")


def bad_key(secret: str) -> Refusal:
    shown = f"{secret[:4]}{'*' * 8}{secret[-4:]}" if len(secret) > 12 else "*" * len(secret)
    return Refusal(401, f"This API key is not valid: {shown}.", code="invalid_api_key")


def mismatched(header: str, code: str) -> Refusal:
    return Refusal(401, f"The {header} header names something else than the API key belongs to.", code=code)


def missing_scope(scope: str) -> Refusal:
    return Refusal(403, f"This key may not do that. Missing scopes: {scope}.", code="missing_scope")


def forbidden(message: str, code: str | None = None) -> Refusal:
    return Refusal(403, message, code=code)


def not_found(message: str, param: str | None = None, code: str | None = "not_found") -> Refusal:
    return Refusal(404, message, param=param, code=code)


def no_such(noun: str, identity: str) -> Refusal:
    return not_found(f"No such {noun}: '{identity}'.", param="id")


def unknown_model(name: str) -> Refusal:
    return not_found(f"There is no model '{name}' that this project may use.", "model", "model_not_found")


def conflict(message: str, code: str | None = "conflict", param: str | None = None) -> Refusal:
    return Refusal(409, message, code=code, param=param)


def unprocessable(message: str, param: str | None = None, code: str | None = "unprocessable_entity") -> Refusal:
    return Refusal(422, message, param=param, code=code)


def too_many(message: str, retry_after_seconds: int, kind: str = "requests") -> Refusal:
    refusal = Refusal(429, message, kind=kind, code="rate_limit_exceeded")
    refusal.headers = (("retry-after", str(max(1, retry_after_seconds))),)
    return refusal


def server_failed(message: str = "The server could not finish this request.", status: int = 500) -> Refusal:
    return Refusal(status, message, kind="server_error")
