import re

import httpx
import pytest
from django.db import connection

from apps.config.management.commands.demo import Progress
from apps.workspaces.access import BY_TOKEN
from tests.connections import end_all_others, end_this
from tests.optimizer.processes import database_url
from tests.running import Running

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_connection_is_known_to_stand_without_asking_the_server(django_assert_num_queries):
    connection.ensure_connection()

    with django_assert_num_queries(0):
        assert connection.is_usable()


if connection.vendor == "postgresql":  # the embedded database has no server

    def test_a_statement_of_every_request_is_planned_once_per_connection():
        for token in ("a", "b", "c"):
            BY_TOKEN.rows([token])

        with connection.cursor() as cursor:
            cursor.execute("select count(*) from pg_prepared_statements where statement like '%token_hash%'")
            assert cursor.fetchone() == (1,)

    def test_a_connection_that_the_server_has_ended_is_not_usable():
        end_this()

        assert not connection.is_usable()
        connection.close()

    def test_the_demo_goes_on_looking_when_its_connection_was_ended(make_experiment):
        experiment = make_experiment()
        said = []
        progress = Progress(experiment.pk, said.append, leave=True)
        progress.is_shown = True
        end_this()

        seen = [progress.look(), progress.look()]

        assert seen == [None, None]
        assert said == ["WAITING: 0 of 5 trials"]

    @pytest.mark.slow
    def test_a_server_whose_connections_were_ended_answers_as_before(tmp_path, key_ada, make_experiment):
        make_experiment(name="resnet")
        serve = Running(tmp_path, "serve", "--port", "0", TUNEBOOK_DATABASE_URL=database_url())
        address = re.search(r"http://[^/]+", serve.line("Tunebook is at"))[0]

        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key_ada.token}"}, timeout=30) as client:
            seen = []
            for _ in range(3):
                seen.append(
                    [client.get("/readyz").status_code, client.get("/api/tunebook/v1/experiments").json()["total"]]
                )
                ended = end_all_others()

        assert serve.end() == 0, serve.said
        assert ended
        assert seen == [[200, 1]] * 3
