"""Read, describe and prepare a CSV, and write it into a warehouse, as the children of uploads and runs do.

`reading_alone.py FOLDER` prints how many bytes of memory the process took beyond what its imports take.
"""

import resource
import sys
from pathlib import Path

import pyarrow.parquet as pq

from data_processor.datasets.batches import batches
from data_processor.datasets.confirmed import Confirmed, ConfirmedColumn
from data_processor.datasets.data_quality import find_warnings
from data_processor.datasets.duplicates import find_repeated
from data_processor.datasets.inference import infer_schema
from data_processor.datasets.preparing import task_for, write_confirmed
from data_processor.datasets.profile import read_columns
from data_processor.datasets.reading.files import read_file
from data_processor.datasets.reading.source import Hints
from data_processor.datasets.tables import ParquetColumns
from data_processor.datasets.warehouse import Warehouse
from data_processor.features.preparation import DatasetPreparation


def main(folder: Path) -> None:
    raw, prepared = folder / "raw.parquet", folder / "prepared.parquet"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read_file(folder / "table.csv", "table.csv", raw, Hints())
    facts = read_columns(raw)
    target = facts[-1].name
    find_warnings(raw, facts, target, pq.read_metadata(raw).num_rows, int(find_repeated(raw).sum()))
    columns = {one.name: ConfirmedColumn(name=one.name, kind=one.kind) for one in facts}
    chosen = DatasetPreparation(drop_duplicates=True)
    confirmed = Confirmed(target=target, task=None, columns=columns, preparation=chosen)
    write_confirmed(raw, prepared, confirmed, facts, lambda _share: None)
    kinds = {one.name: one.kind for one in facts}
    infer_schema(
        ParquetColumns(prepared), target, task=task_for(confirmed, facts).description.task, kinds=kinds
    )
    warehouse = Warehouse(f"sqlite:///{folder / 'warehouse.db'}")
    with pq.ParquetFile(prepared) as file:
        columns_in_sql = [(field.name, str(field.type)) for field in file.schema_arrow]
        warehouse.write("large", 1, "prepared", columns_in_sql, batches(file))
    warehouse.close()
    print(1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))  # noqa: T201  # its answer


if __name__ == "__main__":
    main(Path(sys.argv[1]))
