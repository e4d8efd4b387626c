"""The addresses of ARM below /subscriptions/, and of the services around it below /azureml/.

Everything else below these answers 404 in the same envelope.
"""

from __future__ import annotations

from django.urls import include, path, re_path

from apps.dialects.azureml import (
    assets,
    computes,
    containers,
    data,
    datastores,
    history,
    jobs,
    missing,
    storage,
    workspaces,
)
from apps.dialects.azureml.base import Nowhere
from apps.dialects.scopes import IN_SUBSCRIPTION, PROVIDER, SUBSCRIPTIONS, WORKSPACE, any_case

JOBS = f"{IN_SUBSCRIPTION}/{any_case('jobs')}"
VERSIONS = rf"/(?P<name>[^/]+)/{any_case('versions')}"
VERSION = rf"{VERSIONS}/(?P<version>[^/]+)"
ENVIRONMENTS = f"{IN_SUBSCRIPTION}/{any_case('environments')}"
CODES = f"{IN_SUBSCRIPTION}/{any_case('codes')}"
DATA = f"{IN_SUBSCRIPTION}/{any_case('data')}"
COMPUTES = f"{IN_SUBSCRIPTION}/{any_case('computes')}"
WORKSPACES = rf"(?P<subscription>[^/]+)(?:/{any_case('resourceGroups')}/(?P<group>[^/]+))?/{any_case(f'providers/{PROVIDER}/workspaces')}"
DATASTORES = f"{IN_SUBSCRIPTION}/{any_case('datastores')}"
# A run is found by its name alone; the experiment that stands before it in some addresses adds nothing.
HISTORY = f"{any_case('history/v1.0')}/{WORKSPACE}"
RUN = rf"{HISTORY}/(?:{any_case('experiment')}(?:s|ids)/(?P<experiment>[^/]+)/)?{any_case('runs')}/(?P<run>[^/]+)"

ARM = [
    re_path(rf"^{JOBS}/(?P<job>[^/]+)/?$", jobs.OneJob.as_view()),
    re_path(rf"^{JOBS}/?$", jobs.Jobs.as_view()),
    re_path(rf"^{JOBS}/(?P<job>[^/]+)/{any_case('cancel')}/?$", jobs.CancelJob.as_view()),
    re_path(rf"^{IN_SUBSCRIPTION}/?$", workspaces.OneWorkspace.as_view()),
    re_path(rf"^{WORKSPACES}/?$", workspaces.Workspaces.as_view()),
    re_path(rf"^{COMPUTES}/?$", computes.Computes.as_view()),
    re_path(rf"^{COMPUTES}/(?P<name>[^/]+)/?$", computes.OneCompute.as_view()),
    re_path(rf"^{ENVIRONMENTS}/?$", containers.Environments.as_view()),
    re_path(rf"^{ENVIRONMENTS}/(?P<name>[^/]+)/?$", containers.OneEnvironment.as_view()),
    re_path(rf"^{ENVIRONMENTS}{VERSIONS}/?$", assets.EnvironmentVersions.as_view()),
    re_path(rf"^{ENVIRONMENTS}{VERSION}/?$", assets.OneEnvironmentVersion.as_view()),
    re_path(rf"^{CODES}{VERSIONS}/?$", assets.CodeVersions.as_view()),
    re_path(rf"^{CODES}{VERSION}/?$", assets.OneCodeVersion.as_view()),
    re_path(rf"^{CODES}{VERSION}/{any_case('startPendingUpload')}/?$", assets.StartUpload.as_view()),
    re_path(rf"^{DATA}/?$", data.DataContainers.as_view()),
    re_path(rf"^{DATA}/(?P<name>[^/]+)/?$", data.OneDataContainer.as_view()),
    re_path(rf"^{DATA}{VERSIONS}/?$", data.DataVersions.as_view()),
    re_path(rf"^{DATA}{VERSION}/?$", data.OneDataVersion.as_view()),
    re_path(rf"^{DATASTORES}/?$", datastores.Datastores.as_view()),
    re_path(rf"^{DATASTORES}/(?P<name>[^/]+)/?$", datastores.OneDatastore.as_view()),
    re_path(rf"^{DATASTORES}/(?P<name>[^/]+)/{any_case('listSecrets')}/?$", datastores.Secrets.as_view()),
    re_path(rf"^{IN_SUBSCRIPTION}/(?P<kind>[^/]+)(?:/[\s\S]*)?$", missing.Missing.as_view()),
    re_path(r"^[\s\S]*$", missing.Missing.as_view()),
]
AROUND = [
    path("discovery", workspaces.Discovery.as_view()),
    re_path(rf"^{RUN}/?$", history.OneRun.as_view()),
    re_path(rf"^{RUN}/{any_case('details')}/?$", history.Details.as_view()),
    re_path(rf"^{RUN}/{any_case('children')}/?$", history.Children.as_view()),
    re_path(rf"^{RUN}/{any_case('serviceinstances')}/[^/]+/?$", history.ServiceInstances.as_view()),
    re_path(rf"^{HISTORY}/{any_case('rundata')}/?$", history.RunData.as_view()),
    path("logs/<str:signature>", history.Log.as_view()),
    path("uploads/<str:container>/<path:path>", storage.UploadContainer.as_view()),
    re_path(r"^storage\.blob\.[^/]+/(?P<container>[^/]+)/?(?P<path>.*)$", storage.JobFiles.as_view()),
    re_path(r"^[\s\S]*$", Nowhere.as_view()),
]
# Three patterns at the top, because every other address of the server is held against them first.
urlpatterns = [
    re_path(rf"^{SUBSCRIPTIONS}(?:/|$)", include(ARM)),
    path("metadata/endpoints", workspaces.Clouds.as_view()),
    re_path(r"^azureml(?:/|$)", include(AROUND)),
]
