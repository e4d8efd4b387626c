"""What an attempt has measured since the last look, read from its files.

`read(request)` is a pure function of the files and the offsets: it keeps nothing, so whoever stores the new offsets
together with the readings imports each measurement once.
"""

from apps.optimizer.readings.base import Offsets, ReadingError, Request, is_name, left_out
from apps.optimizer.readings.exit import read_exit
from apps.optimizer.readings.json_files import read_json_files
from apps.optimizer.readings.nni import read_nni
from apps.optimizer.readings.records import read_records
from apps.optimizer.readings.report import read_report
from apps.optimizer.readings.stdout import read_stdout
from apps.optimizer.readings.summary import read_summary
from apps.optimizer.readings.table import read_table
from apps.tuning.measuring import Reading

__all__ = ["READERS", "Offsets", "Reading", "ReadingError", "Request", "left_out", "read"]

READERS = {
    "report": read_report,
    "stdout": read_stdout,
    "json": read_json_files,
    "records": read_records,
    "summary": read_summary,
    "table": read_table,
    "nni": read_nni,
    "exit": read_exit,
}


def read(request: Request) -> tuple[list[Reading], Offsets]:
    """The new readings and the offsets behind them. What a script reports itself is always read as well;
    what has a name that no metric can have is left out.

    Raises ReadingError with a sentence for people when a source can never be read.
    """
    readings, offsets = read_report(request)
    if request.type != "report":
        more, offsets = READERS[request.type](request.with_offsets(offsets))
        readings += more
    unknown = {name for name in {reading.metric for reading in readings} if not is_name(name)}
    return [one for one in readings if one.metric not in unknown] if unknown else readings, offsets
