"""Migration operations for row-level security: the fence, the grants, the named ways across.

Their arguments are literals in migrations, never input.
"""

from collections.abc import Sequence

from django.db.migrations import RunSQL

from portal.lib.roles import WEB, across_role
from portal.lib.tenancy import PROVIDER_SETTING, SETTING

# After a transaction that set it, the setting reads '' and not NULL, and ''::uuid is an error.
# As a query of its own it is asked once for each statement; without, once for each row.
_CURRENT_TENANT = f"(SELECT NULLIF(current_setting('{SETTING}', true), '')::uuid)"

# To be given a function, a role must be able to create in the schema at that moment.
_FUNCTION = """
    CREATE FUNCTION public.{signature} RETURNS TABLE ({returns})
        LANGUAGE sql {volatility} SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $function$ {body} $function$;
    REVOKE ALL ON FUNCTION public.{name} FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION public.{name} TO {callers};
    GRANT CREATE ON SCHEMA public TO {across};
    ALTER FUNCTION public.{name} OWNER TO {across};
    REVOKE CREATE ON SCHEMA public FROM {across};
    """

_NO_FUNCTION = """
    SET LOCAL ROLE {across};
    DROP FUNCTION public.{name};
    RESET ROLE;
    """


def tenant_fence(table: str, *, column: str = "tenant_id") -> RunSQL:
    """Return the operation that shows only the current tenant's rows of `table`, to its owner too."""
    return RunSQL(
        f"""
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY tenant_only ON {table}
            USING ({column} = {_CURRENT_TENANT})
            WITH CHECK ({column} = {_CURRENT_TENANT});
        """,
        f"""
        DROP POLICY tenant_only ON {table};
        ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;
        """,
    )


def grant(privileges: str, table: str, *, to: Sequence[str]) -> RunSQL:
    """Return the operation that grants `privileges` on `table` to the login roles `to`."""
    roles = ", ".join(to)
    return RunSQL(
        f"GRANT {privileges} ON {table} TO {roles};",
        f"REVOKE {privileges} ON {table} FROM {roles};",
    )


def revoke(privileges: str, table: str, *, to: Sequence[str]) -> RunSQL:
    """Return the operation that takes back what `grant` gave."""
    roles = ", ".join(to)
    return RunSQL(
        f"REVOKE {privileges} ON {table} FROM {roles};",
        f"GRANT {privileges} ON {table} TO {roles};",
    )


def provider_reads(table: str) -> RunSQL:
    """Return the operation that lets the web role read all rows of `table` in a `provider_context`."""
    return RunSQL(
        f"""
        CREATE POLICY provider_reads ON {table} FOR SELECT TO {WEB}
            USING ((SELECT current_setting('{PROVIDER_SETTING}', true) = 'on'));
        """,
        f"DROP POLICY provider_reads ON {table};",
    )


def across_tenants(
    signature: str,
    *,
    returns: str,
    body: str,
    table: str,
    columns: str,
    rows: str,
    to: Sequence[str],
    updates: str = "",
) -> RunSQL:
    """Return the operation that makes a named function which reads `table` across tenants.

    `signature` is `name(argument type, …)`, `returns` the columns of its result and `body` one
    statement with schema-qualified names. The function belongs to a role of its own, which sees
    `columns` of the rows for which `rows` holds, may change the columns `updates` of them, and
    nothing else; only the roles `to` may call it.
    """
    name = signature.partition("(")[0]
    owner = across_role(name)
    opened = f"GRANT SELECT ({columns}) ON {table} TO {owner};"
    opened += f"CREATE POLICY {name} ON {table} FOR SELECT TO {owner} USING ({rows});"
    closed = f"DROP POLICY {name} ON {table}; REVOKE SELECT ({columns}) ON {table} FROM {owner};"
    if updates:
        opened += f"GRANT UPDATE ({updates}) ON {table} TO {owner};"
        opened += f"CREATE POLICY {name}_updates ON {table} FOR UPDATE TO {owner} USING ({rows});"
        closed += f"DROP POLICY {name}_updates ON {table}; REVOKE UPDATE ({updates}) ON {table} FROM {owner};"
    function = _FUNCTION.format(
        name=name,
        signature=signature,
        returns=returns,
        body=body,
        across=owner,
        volatility="VOLATILE" if updates else "STABLE",
        callers=", ".join(to),
    )
    return RunSQL(opened + function, closed + _NO_FUNCTION.format(name=name, across=owner))


def undone(made: RunSQL) -> RunSQL:
    """Return the operation that takes back what an earlier one made, as before it is made anew."""
    return RunSQL(made.reverse_sql or "", made.sql)


def append_only(table: str) -> RunSQL:
    """Return the operation that refuses UPDATE and DELETE on `table`, to its owner too."""
    name = f"{table}_append_only"
    return RunSQL(
        f"""
        CREATE FUNCTION public.{name}() RETURNS trigger LANGUAGE plpgsql
            SET search_path = pg_catalog, pg_temp
            AS $function$ BEGIN
                RAISE EXCEPTION '{table} is appended to, never changed' USING ERRCODE = 'restrict_violation';
            END $function$;
        CREATE TRIGGER {name} BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION public.{name}();
        """,
        f"DROP TRIGGER {name} ON {table}; DROP FUNCTION public.{name}();",
    )


def never_emptied(table: str) -> RunSQL:
    """Return the operation that refuses TRUNCATE on `table`, which no trigger on its rows would see."""
    name = f"{table}_never_emptied"
    return RunSQL(
        f"""
        CREATE TRIGGER {name} BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION public.{table}_append_only();
        """,
        f"DROP TRIGGER {name} ON {table};",
    )
