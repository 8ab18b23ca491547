"""Refuses query parameters that an endpoint does not know: a misspelt `start` must not mean the default."""

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.problems import Flaw, RefusedError


async def refuse_unknown(request: Request) -> None:
    """Raises RefusedError naming every parameter that is not known here, and those that are."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    known = _parameters(route.dependant)
    unknown = sorted(request.query_params.keys() - known)
    if unknown:
        there_are = f"there are {', '.join(sorted(known))}" if known else "nothing can be asked here"
        flaws = [Flaw(f"query/{name}"[:100], f"is not known here; {there_are}") for name in unknown]
        raise RefusedError(422, "; ".join(f"{flaw.where}: {flaw.detail}" for flaw in flaws), flaws=flaws)


def _parameters(dependant: Dependant) -> set[str]:
    """The names that may stand in the query, those of its dependencies too."""
    own = {field.alias for field in dependant.query_params}
    return own.union(*(_parameters(each) for each in dependant.dependencies))
