"""Parquet files, by pyarrow of the extra `lab`; the only module that knows it, loaded when one is read or written."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from suffice.errors import DatasetError
from suffice.lab.dataset import extras

MAGIC = b"PAR1"
"""What every Parquet file begins and ends with."""

_BATCH_ROWS = 8192
_PURPOSE = "Parquet files"


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The rows, a batch at a time; columns keep their names, and nulls are None.

    Raises:
        DatasetError: No Parquet file, a damaged one, or pyarrow is not installed.
    """
    pyarrow, parquet = _load_both()
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise DatasetError(f"{path} cannot be read as Parquet: {reason}; write it again") from error


def write(path: Path, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows with the given columns, compressed.

    Args:
        path: The file, which is replaced.
        columns: Names, with Arrow's names of types: `string`, `double`, `int64`, or `tokens` for tokens with logprobs.
        rows: Each with all columns.

    Raises:
        DatasetError: pyarrow is not installed.
        OSError: The file cannot be written.
    """
    pyarrow, parquet = _load_both()
    token = [("text", pyarrow.string()), ("logprob", pyarrow.float64()), ("second_logprob", pyarrow.float64())]
    types = {"tokens": pyarrow.list_(pyarrow.struct(token))}
    schema = pyarrow.schema(
        [(name, types[kind] if kind in types else pyarrow.type_for_alias(kind)) for name, kind in columns.items()]
    )
    parquet.write_table(pyarrow.Table.from_pylist(list(rows), schema=schema), path, compression="zstd")


def _load_both() -> tuple[Any, Any]:
    return extras.load("pyarrow", purpose=_PURPOSE), extras.load("pyarrow.parquet", purpose=_PURPOSE)
