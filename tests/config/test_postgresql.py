import pytest
from django.db import connection

from apps.workspaces.access import BY_TOKEN

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
        connection.ensure_connection()
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("select pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
        other.close()

        assert not connection.is_usable()
        connection.close()
