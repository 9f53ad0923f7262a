"""The two sides of the store, opened at the first need."""

from __future__ import annotations

from collections.abc import Callable

from evaltui.domain.ports import RunSource, RunWriter


class Store:
    """Opens reader and writer when they are asked for, and remembers the experiment.

    Args:
        open_source: Opens a reader.
        open_writer: Opens a writer.
        experiment: Name of the experiment; "" lets the writer resolve its id.
    """

    def __init__(
        self,
        open_source: Callable[[], RunSource],
        open_writer: Callable[[], RunWriter],
        experiment: str,
    ) -> None:
        self._open_source = open_source
        self._open_writer = open_writer
        self._experiment = experiment
        self._source: RunSource | None = None
        self._writer: RunWriter | None = None
        self._experiment_id = ""

    @property
    def source(self) -> RunSource:
        """The reader."""
        if self._source is None:
            self._source = self._open_source()
        return self._source

    @property
    def writer(self) -> RunWriter:
        """The writer."""
        if self._writer is None:
            self._writer = self._open_writer()
        return self._writer

    def experiment_id(self) -> str:
        """Return the experiment's id; the experiment is made when there is none.

        Raises:
            StoreError: As RunWriter.ensure_experiment does.
        """
        if not self._experiment_id:
            self._experiment_id = self.writer.ensure_experiment(self._experiment).experiment_id
        return self._experiment_id

    def forget_experiment(self) -> None:
        """Ask for the experiment again next time: it may be gone."""
        self._experiment_id = ""

    def close(self) -> None:
        """Close the reader; it is opened again when it is asked for."""
        source, self._source = self._source, None
        if source is not None:
            source.close()
