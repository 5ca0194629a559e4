"""What `pulumi up` deploys: the global stack, or the cell of the Region that the stack is named after."""

from pathlib import Path

import pulumi

from components.global_data import GlobalData, GlobalDataArgs
from components.global_identity import GlobalIdentity, GlobalIdentityArgs
from components.global_outputs import GlobalOutputs, SharedOutputs
from components.global_roles import GlobalRoles, GlobalRolesArgs
from components.naming import placements
from components.regional_cell import RegionalCell, RegionalCellArgs
from components.settings import PROJECT, load_settings

settings = load_settings(Path(__file__).parent)

if settings.is_global:
    everywhere = placements(settings)
    data = GlobalData(
        f"{PROJECT}-data",
        GlobalDataArgs(
            placements=everywhere,
            architecture=settings.architecture,
            directory=settings.directory,
            image_digests=settings.global_.image_digests or {},
            ephemeral=settings.ephemeral,
        ),
    )
    identity = GlobalIdentity(
        f"{PROJECT}-identity",
        GlobalIdentityArgs(placements=everywhere, domain=settings.domain, ephemeral=settings.ephemeral),
    )
    GlobalRoles(
        f"{PROJECT}-roles",
        GlobalRolesArgs(placement=everywhere[0], owns_ecs_role=settings.global_.owns_ecs_service_linked_role),
    )
    outputs = GlobalOutputs(
        tables=data.tables,
        data_key_arns=data.data_key_arns,
        images=data.images,
        user_pools=identity.user_pools,
    )
    for name, value in outputs.exports().items():
        pulumi.export(name, value)
else:
    shared = SharedOutputs.of_global_stack(region=settings.region)
    cell = RegionalCell(PROJECT, RegionalCellArgs(settings=settings, shared=shared))
    for name, value in cell.exports().items():
        pulumi.export(name, value)
