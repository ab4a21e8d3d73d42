"""Ids that look like OpenAI's: a prefix that tells the kind, and a tail of the usual length and alphabet."""

import hashlib
import random
import string
from functools import lru_cache

LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
# As in ULIDs: no letter that could be taken for a digit.
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

# Where OpenAI's ids differ from 24 letters and digits.
TAILS = {
    "req_": (HEX, 32),
    "resp_": (HEX, 48),
    "msg_": (HEX, 48),
    "rs_": (HEX, 48),
    "fc_": (HEX, 48),
    "fs_": (HEX, 48),
    "conv_": (HEX, 48),
    "cmp_": (HEX, 48),
    "vs_": (HEX, 32),
    "vsfb_": (HEX, 32),
    "upload_": (HEX, 32),
    "part_": (HEX, 32),
    "batch_": (HEX, 32),
    "batch_req_": (HEX, 32),
    "eval_": (HEX, 32),
    "evalrun_": (HEX, 32),
    "outputitem_": (HEX, 32),
    "alert_": (HEX, 32),
    "file-": (LETTERS, 22),
    "chatcmpl-": (LETTERS, 29),
    "cmpl-": (LETTERS, 29),
    "modr-": (LETTERS, 29),
    "wh_": (HEX, 32),
    "cntr_": (HEX, 48),
    "cfile_": (HEX, 48),
    "skill_": (HEX, 48),
    "video_": (HEX, 48),
    "ek_": (HEX, 32),
    "role_": (CROCKFORD, 26),
    "group_": (CROCKFORD, 26),
    "sk-proj-": (LETTERS, 48),
    "sk-admin-": (LETTERS, 48),
    "sk-svcacct-": (LETTERS, 48),
}


def make(source: random.Random, prefix: str) -> str:
    alphabet, length = TAILS.get(prefix, (LETTERS, 24))
    return prefix + "".join(source.choices(alphabet, k=length))


@lru_cache(65_536)
def named(prefix: str, name: str) -> str:
    """The same id for the same name, for ever: what exists from the start keeps its id after a reset."""
    seed = int.from_bytes(hashlib.sha256(f"{prefix}{name}".encode()).digest()[:8])
    # Not a secret: only a stable shuffle of letters.
    return make(random.Random(seed), prefix)  # noqa: S311 -- invented data
