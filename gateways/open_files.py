"""The limit of open files: every link takes one, and systems begin with a low limit."""

import resource

import structlog

BESIDES = 200
"""Open files that are no links: outbox, broker, logs, threads, connections that are just being opened."""

log = structlog.get_logger()


def allow_open_files(links: int) -> bool:
    """Raises the process's own limit as far as it may go; False, and told, when that is too low."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if now != resource.RLIM_INFINITY and (most == resource.RLIM_INFINITY or now < most):
        wanted = links + BESIDES if most == resource.RLIM_INFINITY else most
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(now, wanted), most))
        now = max(now, wanted)
    enough = now == resource.RLIM_INFINITY or links + BESIDES <= now
    if not enough:
        log.error(
            "gateway.too_few_open_files",
            links=links,
            limit=now,
            remedy=f"allow {links + BESIDES}: LimitNOFILE= of the service, or ulimit -n",
        )
    return enough
