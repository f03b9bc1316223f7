"""The PostgreSQL roles: who owns, who logs in, who may look across tenants.

Roles belong to the cluster and migrations to a database, so the roles are made
once per cluster, before the first migration, by whoever installs it.
"""

MIGRATE = "landfall_migrate"
WEB = "landfall_web"
WORKER = "landfall_worker"
GATEWAY = "landfall_gateway"

LOGINS = (WEB, WORKER, GATEWAY)

# Each function that looks across tenants belongs to a role of its own: one shared role would give every
# function the union of all their policies. A new function gets its name here first.
ACROSS_FUNCTIONS = (
    "memberships_of",
    "tenant_names",
    "policy_for",
    "token_by_public_id",
    "due_groups",
    "due_commands",
    "commands_for",
    "command_tenant",
    "due_reports",
    "due_sites",
    "agent_by_bearer",
    "agent_by_id",
    "enrolment_by_hash",
    "agents_pulse",
    "agents_revoked",
    "agents_due",
    "heartbeats_apply",
    "offers_of_site",
)

_ROLE = """
DO $$ BEGIN
    CREATE ROLE {name} {options};
EXCEPTION WHEN duplicate_object THEN
    ALTER ROLE {name} {options};
END $$;
"""


# The migrating role may hand a function to its owner (SET) but does not read with its policies (no INHERIT).
# PostgreSQL 15 has this per role only.
_MEMBERSHIP = """
DO $$ BEGIN
    IF current_setting('server_version_num')::int >= 160000 THEN
        EXECUTE 'GRANT {across} TO {migrate} WITH INHERIT FALSE, SET TRUE';
    ELSE
        EXECUTE 'GRANT {across} TO {migrate}; ALTER ROLE {migrate} NOINHERIT';
    END IF;
END $$;
"""


def across_role(function: str) -> str:
    """Return the role that owns a cross-tenant function; raises ValueError for an unlisted one."""
    if function not in ACROSS_FUNCTIONS:
        raise ValueError(f"{function} is not in portal.lib.roles.ACROSS_FUNCTIONS")
    return f"landfall_fn_{function}"


def roles_sql() -> str:
    """Return the SQL, safe to run twice, that a superuser runs to make the roles."""
    fenced = "NOSUPERUSER NOBYPASSRLS NOCREATEROLE"
    across = [across_role(function) for function in ACROSS_FUNCTIONS]
    statements = [
        _ROLE.format(name=MIGRATE, options=f"LOGIN CREATEDB {fenced}"),
        *(_ROLE.format(name=name, options=f"NOLOGIN NOCREATEDB {fenced}") for name in across),
        *(_ROLE.format(name=name, options=f"LOGIN NOCREATEDB {fenced}") for name in LOGINS),
        *(_MEMBERSHIP.format(across=name, migrate=MIGRATE) for name in across),
    ]
    return "".join(statements)
