"""Write the tables of results/ into docs/results.md."""

from pathlib import Path

from results.table import read_published, read_rows, results_text, with_results

FOLDER = Path(__file__).parent
PAGE = FOLDER.parent / "docs" / "results.md"


def main() -> None:
    """Replace what stands between the markers."""
    text = results_text(read_rows(FOLDER), read_published(FOLDER / "published.yaml"))
    PAGE.write_text(with_results(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")


if __name__ == "__main__":
    main()
