"""What can be wrong with a sign-in at a provider, each as the sentence that stands on the sign-in page."""

from portico.errors import Refusal


class NoProvider(Refusal):
    """People sign in here with passwords alone; an operator can set PORTICO_OIDC_ISSUER."""

    status = 404
    code = "no_provider"


class ProviderTrouble(Refusal):
    """The provider where you sign in does not answer as it should; try again in a moment."""

    status = 502
    code = "provider_trouble"


class SignInStale(Refusal):
    """This sign-in was not begun in this browser, is older than ten minutes, or was used already; begin it again."""

    status = 403
    code = "sign_in_stale"


class SignInRefused(Refusal):
    """The provider has not let you in."""

    status = 403
    code = "sign_in_refused"


class TokenRefused(Refusal):
    """What the provider says of you cannot be believed; tell whoever runs this Portico."""

    status = 403
    code = "id_token_refused"


class NotWelcome(Refusal):
    """The provider knows you, but you are no user of this Portico; ask whoever runs it."""

    status = 403
    code = "not_welcome"


class BadLogoutToken(Refusal):
    """That is no logout token of the provider's."""

    status = 400
    code = "invalid_request"
