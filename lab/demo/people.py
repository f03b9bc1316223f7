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
    body = {"name": organisation, "email": person.email, "person_name": person.name}
    made = await provider.post("/tenants/", body | {"password": person.password})
    await own.sign_in(person.email, person.password)
    return str(made["id"])
