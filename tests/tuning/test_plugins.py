"""Only plugins below the folders that an installation names may be asked, where it names any."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apps.experiments.models import Experiment
from tests.people import a_job
from tunebook.errors import SpecError
from tunebook.sampling import Sampling

pytestmark = pytest.mark.django_db
Make = Callable[..., Experiment]


def plugin(**options: Any) -> Any:
    return a_job(sampling=Sampling("plugin", options))


def test_without_a_list_any_plugin_may_be_named(make_experiment: Make) -> None:
    assert make_experiment(job=plugin(path="/srv/anything.py")).sampler == "plugin"


def test_a_plugin_below_a_listed_folder_may_be_named(make_experiment: Make, settings: Any, tmp_path: Path) -> None:
    settings.TUNEBOOK_PLUGIN_PATHS = (str(tmp_path),)

    assert make_experiment(job=plugin(path=str(tmp_path / "deep" / "mine.py"))).sampler == "plugin"


def test_uploaded_and_shipped_plugins_may_be_named_too(make_experiment: Make, settings: Any, tmp_path: Path) -> None:
    settings.TUNEBOOK_PLUGIN_PATHS = (str(tmp_path),)
    uploaded = str(Path(settings.TUNEBOOK_DATA) / "algorithms" / "abc")

    made = make_experiment(job=plugin(module="tunebook.wire.nni.custom_tuner", arguments={"folder": uploaded}))

    assert made.sampler == "plugin"


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"path": "/srv/other.py"}, "sampling.options.path"),
        ({"path": "{allowed}/../other.py"}, "sampling.options.path"),
        ({"path": "{allowed}/link/other.py"}, "sampling.options.path"),
        ({"module": "os"}, "sampling.options.path"),
        ({"path": "{allowed}/mine.py", "python": "/usr/bin/python3"}, "sampling.options.python"),
        (
            {"path": "{allowed}/mine.py", "arguments": {"deep": {"folder": "/srv"}}},
            "sampling.options.arguments.deep.folder",
        ),
    ],
)
def test_everything_else_is_refused_by_its_place(
    make_experiment: Make, settings: Any, tmp_path: Path, options: dict[str, Any], path: str
) -> None:
    settings.TUNEBOOK_PLUGIN_PATHS = (str(tmp_path),)
    (tmp_path / "link").symlink_to("/srv")
    given = {
        name: value.replace("{allowed}", str(tmp_path)) if isinstance(value, str) else value
        for name, value in options.items()
    }

    with pytest.raises(SpecError) as refused:
        make_experiment(job=plugin(**given))

    assert refused.value.path == path
    assert not Experiment.objects.exists()
