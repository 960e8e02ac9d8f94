import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.timeout(900)  # the site is built for whichever test runs first

DOCS = Path(__file__).parents[1]
TREE = DOCS.parent
DECISIONS = DOCS / "decisions"
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
LOADING = {
    ("link", "href"),
    ("script", "src"),
    ("img", "src"),
    ("object", "data"),
    ("iframe", "src"),
    ("source", "src"),
}
ADDRESS = re.compile(r"url\(\s*['\"]?(https?:)?//|@import\s")
SPACE = re.compile(r"[^a-z0-9]+")
FORMER_WORDS = re.compile(
    r"\b(allowances?|by itself|choosing rows|crossings?|gate rows|judge[ds]?|judge?ments?|judging|lanes?"
    r"|reference rows|reigns?|rosters?|short way|suspicions?|trails?|workbench)\b",
    re.IGNORECASE,
)
UNVISITED = {".venv", ".tools", "_build", "node_modules", "var", ".git"}


def build(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    command = ["-m", "sphinx", "--jobs=auto", "--fail-on-warning", "--keep-going", "--quiet", "--nitpicky"]
    return subprocess.run(
        [
            sys.executable,
            *command,
            "--doctree-dir",
            str(target / "doctrees"),
            str(source),
            str(target / "html"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """Build the site; it reuses drawings of earlier test runs, whose names are hashes of their sources."""
    target = tmp_path_factory.mktemp("site")
    images = target / "html" / "_images"
    drawings = request.config.cache.mkdir(f"drawings-{version('mermaidx')}")
    shutil.copytree(drawings, images)
    built = build(DOCS, target)
    assert (built.returncode, built.stderr) == (0, "")
    for drawing in images.glob("mermaid-*.svg"):
        shutil.copy(drawing, drawings)
    return target / "html"


class Loaded(HTMLParser):
    """Collects what a page loads when it is opened, its anchors and its links."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.anchors: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        for name, value in attrs:
            if (tag, name) in LOADING and value:
                self.addresses.append(value)
        if attributes.get("id"):
            self.anchors.add(attributes["id"] or "")
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"] or "")


def parsed(page: Path) -> Loaded:
    reader = Loaded()
    reader.feed(page.read_text())
    return reader


def pages() -> Iterator[Path]:
    for path in sorted(TREE.rglob("*.md")):
        if not UNVISITED.intersection(path.relative_to(TREE).parts):
            yield path


def test_nothing_is_loaded_from_outside(site: Path) -> None:
    found = [
        f"{page.relative_to(site)}: {address}"
        for page in site.rglob("*.html")
        for address in parsed(page).addresses
        if urlsplit(address).netloc
    ]
    found += [str(file) for file in site.rglob("*.css") if ADDRESS.search(file.read_text())]
    found += [
        str(file) for file in site.rglob("*.svg") if re.search(r"(href|src)=\"https?:", file.read_text())
    ]
    assert found == []


def test_every_link_of_the_site_leads_to_an_existing_anchor(site: Path) -> None:
    known = {page: parsed(page) for page in site.rglob("*.html")}
    lost = []
    for page, reader in known.items():
        for link in reader.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if not target.exists() or (
                target in known and parts.fragment and unquote(parts.fragment) not in known[target].anchors
            ):
                lost.append(f"{page.relative_to(site)}: {link}")
    assert lost == []


def test_diagrams_and_formulas_are_drawn(site: Path) -> None:
    for name in ("03-context", "05-building-blocks", "06-runtime-view", "07-deployment-view"):
        wanted = (DOCS / "architecture" / f"{name}.md").read_text().count("```mermaid")
        assert (site / "architecture" / f"{name}.html").read_text().count("image/svg+xml") == wanted > 0
    assert "<math" in (site / "concepts" / "how-the-loop-decides.html").read_text()


def test_settings_come_from_the_services(site: Path) -> None:
    text = (site / "reference" / "settings.html").read_text()
    for name in ("PROCESSOR_URL", "DASK_SCHEDULER_ADDRESS", "BATCH_ROWS"):
        assert name in text


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("# A\n\n```mermaid\nflowchart nonsense -->\n```\n", "mermaid"),
        ("# A\n\n[lost](lost.md)\n", "lost.md"),
        ("# A\n\n<!-- contract: operations nowhere.json models -->\n", "cannot be read"),
    ],
)
def test_a_page_that_is_wrong_fails_the_build(tmp_path: Path, text: str, warning: str) -> None:
    source = tmp_path / "source"
    shutil.copytree(DOCS / "_static", source / "_static")
    shutil.copy(DOCS / "conf.py", source)
    (source / "index.md").write_text(text)
    built = build(source, tmp_path)
    assert built.returncode != 0
    assert warning in built.stderr


def test_every_file_that_a_page_of_the_tree_links_to_exists() -> None:
    lost = []
    for page in pages():
        for link in LINK.finditer(CODE.sub("", page.read_text())):
            parts = urlsplit(link["target"])
            if parts.scheme or parts.netloc or not parts.path or "{{" in link["target"]:
                continue
            if not (page.parent / unquote(parts.path)).exists():
                lost.append(f"{page.relative_to(TREE)}: {link['target']}")
    assert lost == []


def test_every_decision_is_listed_and_filed_under_its_number_and_title() -> None:
    listed = re.findall(r"^(\d+)\. \[(.+)\]\((.+)\)$", (DECISIONS / "index.md").read_text(), re.MULTILINE)
    written = []
    for path in sorted(DECISIONS.glob("0*.md")):
        number, title = re.match(r"# (\d+)\. (.+)\n", path.read_text()).groups()  # type: ignore[union-attr]
        assert path.name == f"{int(number):04d}-{SPACE.sub('-', title.lower()).strip('-')}.md"
        written.append((number, title, path.name))
    assert listed == written
    assert [int(number) for number, _, _ in written] == list(range(1, len(written) + 1))


@pytest.mark.parametrize("path", sorted(DECISIONS.glob("0*.md")), ids=lambda path: path.name[:4])
def test_a_decision_has_context_decision_and_consequences(path: Path) -> None:
    text = path.read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert re.search(r"^(Accepted|Superseded)", text, re.MULTILINE)


def test_arc42_has_its_twelve_sections() -> None:
    listed = re.search(
        r"```\{toctree\}\n.*?\n\n(.+?)```", (DOCS / "architecture" / "index.md").read_text(), re.DOTALL
    )
    assert listed
    numbers = []
    for name in listed[1].split():
        title = (DOCS / "architecture" / f"{name}.md").read_text().splitlines()[0]
        numbers.append(int(re.match(r"# (\d+)\. ", title)[1]))  # type: ignore[index]
    assert numbers == list(range(1, 13))


def test_the_glossary_is_the_only_page_with_former_words() -> None:
    found = [
        f"{page.relative_to(TREE)}: {word[0]}"
        for page in sorted((*DOCS.glob("*/*.md"), *DOCS.glob("*.md"), TREE / "README.md"))
        if page.name not in {"12-glossary.md", "benchmarks.md"}  # `make bench` writes the latter
        for word in FORMER_WORDS.finditer(CODE.sub("", page.read_text()))
    ]
    assert found == []
