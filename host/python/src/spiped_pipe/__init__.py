"""spiped's encrypted and authenticated pipes, for Python."""

from spiped_pipe.errors import CallFailed, PipeError, Trap
from spiped_pipe.session import (
    CRYPT_BATCH,
    PLAIN_BATCH,
    Acceptor,
    Session,
)
from spiped_pipe.types import *
