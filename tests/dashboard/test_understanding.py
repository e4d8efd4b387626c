"""The tabs that explain an experiment: what they say, to whom, and that the space can be edited."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from apps.dashboard.ansi import html
from apps.experiments.models import Experiment, SpaceVersion
from apps.insights import keeping
from apps.insights.charts import CHARTS, tables
from apps.trials import logs
from apps.trials.models import Trial
from apps.tuning import experiments
from apps.workspaces.access import Actor
from tests.dashboard.conftest import queries_of
from tests.dashboard.trials import with_trials
from tests.insights.studies import study
from tests.insights.test_keeping import worked_out

Make = Callable[..., Experiment]
TABS = ("", "analyse", "curves", "space", "replay")
SPACE_FORM = {
    "do": "preview",
    "space-TOTAL_FORMS": "2",
    "space-INITIAL_FORMS": "0",
    "space-0-name": "lr",
    "space-0-type": "loguniform",
    "space-0-low": "0.0001",
    "space-0-high": "1",
    "space-1-name": "depth",
    "space-1-type": "randint",
    "space-1-low": "1",
    "space-1-high": "4",
}


def page(experiment: Experiment, tab: str = "") -> str:
    return f"/w/lab/e/{experiment.key}/{tab}"


def words(content: bytes) -> str:
    """The text of a page, without tags and runs of spaces."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", content.decode())))


@pytest.fixture
def known(make_experiment: Make) -> Experiment:
    one = study(make_experiment, 120, name="a study")
    worked_out(one)
    return one


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_is_there_for_readers_and_404_for_outsiders(
    as_ben: Client, as_cleo: Client, known: Experiment, tab: str
) -> None:
    assertContains(as_ben.get(page(known, tab)), "a study")
    assert as_cleo.get(page(known, tab)).status_code == 404


@pytest.mark.parametrize("tab", TABS)
def test_a_tab_takes_as_many_queries_for_few_trials_as_for_many(
    as_ada: Client, make_experiment: Make, tab: str
) -> None:
    few, many = study(make_experiment, 15), study(make_experiment, 150)
    for one in (few, many):
        worked_out(one)

    assert queries_of(as_ada, page(few, tab)) == queries_of(as_ada, page(many, tab)) <= 22


@pytest.mark.parametrize(("tab", "module"), [("", "index"), ("curves", "index"), ("analyse", "analyse")])
def test_a_tab_asks_for_what_draws_its_charts_with_its_first_files(
    as_ben: Client, known: Experiment, make_experiment: Make, tab: str, module: str
) -> None:
    empty = make_experiment(name="no trials")

    assertContains(as_ben.get(page(known, tab)), f'<link rel="modulepreload" href="/static/js/charts/{module}.js">')
    assertNotContains(as_ben.get(page(empty, tab)), "modulepreload")


def test_the_overview_shows_importance_sentences_and_failures(as_ben: Client, known: Experiment) -> None:
    response = as_ben.get(page(known))

    text = words(response.content)
    assert re.search(r"lr \d\d% ± \d+%", text)
    assert f"The best loss is {known.best_value:.4g}" in text
    assert "failures have depth ≥ 7" in text
    assertContains(response, "?q=status%3Afailed%20depth%3E%3D7")
    assertContains(response, f"/e/{known.key}/analyse#slice-0")


def test_the_best_trial_can_be_copied_in_five_ways(as_ben: Client, known: Experiment) -> None:
    response = as_ben.get(page(known))

    text = unescape(response.content.decode())
    shown = unescape(as_ben.get(page(known) + f"t/{known.best_trial}").content.decode())
    assert 'data-copy="{\n  "lr"' in text
    assert 'data-copy="{\n  "lr"' in shown
    assert "params = {" in text
    assert f"tunebook best {known.key} --json" in text
    assert f"/api/tunebook/v1/experiments/{known.key}/trials/{known.best_trial}" in text


def test_a_slice_has_a_table_of_its_parameter_alone(as_ben: Client, known: Experiment) -> None:
    shown = as_ben.get(page(known, "analyse") + "?q=status:succeeded")

    address = page(known, "table/sample") + "?q=status%3Asucceeded&param=lr"
    assertContains(shown, f'hx-get="{escape(address)}"')
    assert as_ben.get(address).context["headings"] == ["Trial", "loss", "lr"]
    assert len(as_ben.get(page(known, "table/sample") + "?param=nothing").context["headings"]) > 3


@pytest.mark.parametrize("chart", ["history", "timeline"])
def test_tables_of_charts_say_the_words_of_the_badges(as_ben: Client, make_experiment: Make, chart: str) -> None:
    one = make_experiment()
    with_trials(one, "FINISHED", "USER_CANCELED", value=0.5, ended=timezone.now())

    rows = as_ben.get(page(one, f"table/{chart}")).context["rows"]

    assert {row[1] for row in rows} == {"Succeeded", "Stopped"}


def test_the_table_of_curves_says_the_words_of_the_badges() -> None:
    curve = {"number": 3, "status": "EARLY_STOPPED", "step": [1, 2], "value": [0.5, 0.4]}

    assert tables.table({"chart": "curves", "metric": "loss", "trials": [curve]})[1] == [[3, "Stopped early", 2, 0.4]]


def test_failures_lead_to_those_of_their_reason(as_ben: Client, make_experiment: Make) -> None:
    one = make_experiment()
    with_trials(one, "FAILED", "FAILED", reason="exit 137: killed after 12 s")
    with_trials(one, "FAILED", reason="no such file")

    response = as_ben.get(page(one))

    query = "?q=status%3Afailed%20reason%3A%22%3A%20killed%20after%22"
    assertContains(response, query)
    assert "2 trials of 3" in words(as_ben.get(page(one, "trials") + query).content)
    assertContains(as_ben.get(page(one) + "t/0"), query)


def test_failures_show_what_the_latest_wrote_last(as_ben: Client, make_experiment: Make) -> None:
    one = make_experiment()
    _, latest = with_trials(one, "FAILED", "FAILED", reason="its command exited with status 2", attempt_count=2)
    folder = logs.attempt_folder(one.key, latest.number, 2)
    folder.mkdir(parents=True)
    (folder / "err.log").write_text("Traceback\nValueError: no <file>\n\n")

    assertContains(as_ben.get(page(one)), "ValueError: no &lt;file&gt;")


def test_a_replay_of_when_importance_was_not_known_says_so(as_ben: Client, known: Experiment) -> None:
    assert "It had not been worked out by then." in words(as_ben.get(page(known, "replay") + "?after=40").content)


def test_the_best_is_measured_against_the_second_best(as_ben: Client, known: Experiment) -> None:
    assert re.search(r"below the second best, trial \d+", words(as_ben.get(page(known)).content))


def test_a_second_best_of_the_same_value_is_as_good(as_ben: Client, make_experiment: Make) -> None:
    one = make_experiment()
    with_trials(one, "FINISHED", "FINISHED", value=0.25)

    assert "as good as the second best, trial 1" in words(as_ben.get(page(one)).content)


def test_importance_says_what_it_waits_for(as_ben: Client, make_experiment: Make) -> None:
    one = study(make_experiment, 6)

    assert "Needs 10 results." in words(as_ben.get(page(one)).content)
    assert keeping.claim() is not None  # what the failures have in common is looked for with fewer
    assert "Needs 10 results." in words(as_ben.get(page(one)).content)


def test_the_filter_and_the_moment_go_along_to_every_chart_and_tab(as_ben: Client, known: Experiment) -> None:
    response = as_ben.get(page(known, "analyse") + "?q=status:succeeded&after=50")

    assertContains(response, "data/sample.json?q=status%3Asucceeded&amp;after=50")
    assertContains(response, f"/e/{known.key}/curves?q=status%3Asucceeded&amp;after=50")
    assertContains(response, "As it was after trial 50 of 119.")


def test_a_replay_shows_the_best_of_then(as_ben: Client, known: Experiment) -> None:
    rows = known.trials.filter(number__lte=20, value__isnull=False).order_by("value", "number")
    best = rows.first()
    assert best is not None

    response = as_ben.get(page(known, "replay") + "?after=20")

    assertContains(response, f"data-replay-trial>trial {best.number}</a>")
    assertContains(response, "data/history.json?after=20")


@pytest.mark.parametrize("after", ["-1", "99999", "x", "1e3", "²"])
def test_a_moment_that_cannot_be_is_the_present_or_the_last(as_ben: Client, known: Experiment, after: str) -> None:
    for tab in TABS:
        assert as_ben.get(page(known, tab), {"after": after}).status_code == 200


@pytest.mark.parametrize("chart", CHARTS)
def test_every_chart_has_data_and_a_table_page(as_ben: Client, as_cleo: Client, known: Experiment, chart: str) -> None:
    data, table = page(known, f"data/{chart}.json"), page(known, f"table/{chart}")

    assert as_ben.get(data).json()["chart"] == chart
    assertContains(as_ben.get(table), "<table>")
    assertNotContains(as_ben.get(table, headers={"HX-Request": "true"}), "<html")
    assert as_cleo.get(data).status_code == as_cleo.get(table).status_code == 404


def test_a_chart_is_fresh_when_findings_came(as_ben: Client, known: Experiment) -> None:
    first = as_ben.get(page(known, "data/sample.json"))

    again = as_ben.get(page(known, "data/sample.json"), headers={"If-None-Match": first["ETag"]})

    assert again.status_code == 304


def test_the_space_tab_shows_strips_and_versions(as_ben: Client, known: Experiment) -> None:
    response = as_ben.get(page(known, "space"))

    assertContains(response, '<svg class="strip"', count=4)
    assertContains(response, "only if kind is svm")
    assertContains(response, "Version 1")
    assertNotContains(response, "Edit the space")


def test_a_preview_of_an_edit_says_what_stays_usable(as_dora: Client, known: Experiment) -> None:
    response = as_dora.post(page(known, "space"), SPACE_FORM)

    text = words(response.content)
    assert "0 of 120 trials stay usable as a whole , 120 in some of their parameters only" in text
    assert "kind : taken out" in text
    known.refresh_from_db()
    assert known.space_version == 1


def test_saving_an_edit_makes_a_version(as_dora: Client, known: Experiment) -> None:
    form = {**SPACE_FORM, "do": "save", "version": str(known.version)}

    response = as_dora.post(page(known, "space"), form, follow=True)

    assert response.redirect_chain[0][0].endswith(
        "/space#content"
    )  # else the browser stays at #edit, below the message
    assertContains(response, "Space version 2 is in force")
    version = SpaceVersion.objects.get(experiment=known, number=2)
    assert list(version.space) == ["lr", "depth"]
    assert version.author is not None
    assert version.author.username == "dora"
    assertContains(response, "by dora")


def test_an_edit_that_somebody_overtook_is_kept_and_says_so(
    as_dora: Client, known: Experiment, actor_ada: Actor
) -> None:
    form = {**SPACE_FORM, "do": "save", "version": str(known.version)}
    experiments.limit(actor_ada, known, max_trials=500)

    response = as_dora.post(page(known, "space"), form)

    assertContains(response, "it was changed meanwhile", status_code=400)
    assertContains(response, 'name="space-1-high" value="4"', status_code=400)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"space-1-high": "low"}, "must be a number"),
        ({"space-1-high": "0"}, "must be at least low (1), got 0"),
        ({"space-0-name": "", "space-1-name": ""}, "is needed"),
        ({"space-1-name": "lr"}, "stands twice"),
    ],
)
def test_an_edit_that_cannot_be_keeps_what_was_typed(
    as_dora: Client, known: Experiment, changes: dict[str, str], said: str
) -> None:
    response = as_dora.post(page(known, "space"), {**SPACE_FORM, "do": "save", **changes})

    assertContains(response, said, status_code=400)
    assert SpaceVersion.objects.filter(experiment=known).count() == 1


def test_an_earlier_version_is_laid_into_the_editor_first(as_dora: Client, known: Experiment) -> None:
    as_dora.post(page(known, "space"), {**SPACE_FORM, "do": "save", "version": str(known.version)})

    response = as_dora.post(page(known, "space"), {"do": "restore-1"})

    assertContains(response, 'value="kind"')
    assert "new: svm, bayes (choice)" in words(response.content)
    known.refresh_from_db()
    assert known.space_version == 2


def test_viewers_cannot_edit_and_ended_experiments_cannot_be_edited(
    as_ben: Client, as_dora: Client, known: Experiment, actor_ada: Actor
) -> None:
    assert as_ben.post(page(known, "space"), SPACE_FORM).status_code == 403
    experiments.stop(actor_ada, known)

    assertContains(as_dora.get(page(known, "space")), "It has ended; clone it")
    refused = as_dora.post(page(known, "space"), {**SPACE_FORM, "do": "save"})
    assertContains(refused, "cannot change any more", status_code=400)


def test_rows_are_added_and_removed_without_scripts(as_dora: Client, known: Experiment) -> None:
    assertContains(as_dora.post(page(known, "space"), {**SPACE_FORM, "do": "add"}), 'name="space-2-name"')
    assertNotContains(as_dora.post(page(known, "space"), {**SPACE_FORM, "do": "remove-1"}), 'name="space-1-name"')


def test_a_trial_says_why_it_was_tried_and_what_lies_near(as_ben: Client, known: Experiment) -> None:
    Trial.objects.filter(experiment=known, number=7).update(expected=0.5, spread=0.1, value=0.2)

    text = words(as_ben.get(page(known, "t/7")).content)

    assert "by its model, from" in text
    assert "Expected 0.5 ± 0.1; it came to 0.2, 3.0 spreads better than that." in text
    assert "Nearest tried" in text


def test_of_many_trials_the_nearest_are_looked_for_when_asked(
    as_ben: Client, as_cleo: Client, known: Experiment
) -> None:
    Experiment.objects.filter(pk=known.pk).update(trial_count=5_000)

    assertContains(as_ben.get(page(known, "t/7")), f'hx-get="/w/lab/e/{known.key}/t/7/neighbours"')
    assertContains(as_ben.get(page(known, "t/7/neighbours")), "Nearest to trial 7")
    assertNotContains(as_ben.get(page(known, "t/7/neighbours"), headers={"HX-Request": "true"}), "<html")
    assert as_cleo.get(page(known, "t/7/neighbours")).status_code == 404


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain <b>", "plain &lt;b&gt;"),
        ("\x1b[31mred\x1b[0m not", '<span class="ansi-red">red</span> not'),
        ("\x1b[1;32mok", '<span class="ansi-bold ansi-green">ok</span>'),
        ("\x1b[38;5;196mx\x1b[39my", "xy"),
        ("\x1b[38;2;1;2;3mx", "x"),
        ("\x1b]8;;https://evil\x07link\x1b]8;;\x07", "link"),
        ("\x1b[2J\x1b[H\x00\x07bell", "bell"),
        ("10%\r50%\r100%\nnext\r\n", "100%\nnext\n"),
        ('\x1b[31m"><script>\x1b[m', '<span class="ansi-red">&quot;&gt;&lt;script&gt;</span>'),
        ("\x1b", ""),
        ("\x1b[9999999999999m", ""),
    ],
)
def test_what_terminals_understand_becomes_safe_html(text: str, expected: str) -> None:
    assert html(text) == expected
