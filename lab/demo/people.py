"""The people of the demo."""

from dataclasses import dataclass, field

from lab.session import Session


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in."""

    name: str
    email: str
    password: str = field(repr=False)


async def tenant_join(provider: Session, own: Session, person: Person, *, organisation: str) -> str:
    """The provider takes a tenant on with its owner, who signs in; the tenant's id."""
    owner = {"owner_email": person.email, "owner_name": person.name, "owner_password": person.password}
    made = await provider.post("/tenants/", {"name": organisation, **owner})
    await own.sign_in(person.email, person.password)
    return str(made["id"])
