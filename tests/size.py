"""How much the long tests do: little as a rule, all of it with PORTICO_SIZE=full.

What is left to chance is drawn from one seed, which is printed; PORTICO_SEED repeats a run.
"""

import os
import random
import sys

IS_FULL = os.environ.get("PORTICO_SIZE") == "full"
SEED = int(os.environ.get("PORTICO_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)


def dice() -> random.Random:
    """From the seed, and says it: pytest shows what was printed where a test fails."""
    sys.stdout.write(f"PORTICO_SEED={SEED}\n")
    return random.Random(SEED)
