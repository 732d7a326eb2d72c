"""One cluster for all tests of this folder: two workers, threads of this process."""

import pytest
from distributed import Client

from landcover.scale.cluster import Cluster
from landcover.scale.connecting import quiet_loggers, set_up


@pytest.fixture(scope="session")
def cluster():
    with (
        quiet_loggers(),
        Client(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=None) as client,
    ):
        set_up(client, "cpu", is_local=False)
        yield Cluster(client)
