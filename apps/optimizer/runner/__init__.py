"""Runs one attempt of a trial; as the resident keeper, forks such a runner for each attempt without an interpreter start.

Standard library only, and little of it: the keeper stays in memory for as long as trials are launched.
`python -I -S apps/optimizer/runner DATA_FOLDER` starts the keeper of a data folder and returns when it listens on
`run/keeper.sock`. A request is a frame: four bytes length, one byte verb, JSON. An answer is a frame of JSON.
The keeper knows nothing that its death would lose: what a runner does stands in the attempt's folder.

    keeper      hands orders to runners, forks them
    attempt     the runner: one attempt from its claim to its exit record
    limits      of memory                       logs       that are too long
    journal     what the runner notes           processes  who is who
    files       written whole or not at all     sockets    frames and pokes
"""

from .attempt import Runner, take_orders
from .files import is_locked, lock, make_folder, patiently, read_file, write_file
from .journal import JOURNAL, PROTOCOL, encode, read_journal
from .limits import memory_group, own_groups, times_over
from .logs import LOGS
from .processes import boot_id, children, identity, processes, start_ticks
from .sockets import HELLO, LAUNCH, RETIRE, frame, receive_frame, short, wake

__all__ = [
    "HELLO",
    "JOURNAL",
    "LAUNCH",
    "LOGS",
    "PROTOCOL",
    "RETIRE",
    "Runner",
    "boot_id",
    "children",
    "encode",
    "frame",
    "identity",
    "is_locked",
    "lock",
    "make_folder",
    "memory_group",
    "own_groups",
    "patiently",
    "processes",
    "read_file",
    "read_journal",
    "receive_frame",
    "short",
    "start_ticks",
    "take_orders",
    "times_over",
    "wake",
    "write_file",
]
